#include "auth/apm/authorisations.h"

#include "auth/apm/limits.h"
#include "base/byte_reader.h"
#include "base/encoding.h"
#include "base/text.h"
#include "crypto/digest.h"

namespace apm::auth_apm {
namespace {

constexpr std::string_view kPrefix = "authorization/";
constexpr std::string_view kIdDomain = "apm-authorization-id-v1";
constexpr std::size_t kIdBytes = 16;
constexpr std::size_t kIdentityDigits = 64;

std::string storage_path(const std::string& id) { return concat(kPrefix, id); }

Error invalid(std::string_view name, std::string_view why) {
  return Error(Code::kInvalidArgument, "authorization_value", concat(name, " ", why));
}

Result<std::string> read_identity(const json::Object& data, std::string_view name) {
  const json::Value* value = data.find(name);
  const std::string* text = value == nullptr ? nullptr : value->as_string();
  if (text == nullptr) return invalid(name, "is required");
  const auto bytes = hex_decode(*text);
  if (!bytes.ok() || text->size() != kIdentityDigits) {
    return invalid(name, "must be 64 hexadecimal digits");
  }
  return to_lower(*text);
}

// A path of plain segments: what an ACL could match by accident is refused.
Result<std::string> read_path(const json::Object& data, std::string_view name,
                              std::string_view fallback) {
  const json::Value* value = data.find(name);
  if (value == nullptr && !fallback.empty()) return std::string(fallback);
  const std::string* text = value == nullptr ? nullptr : value->as_string();
  if (text == nullptr || text->empty()) return invalid(name, "is required");
  std::string_view path = *text;
  if (name == "engine_path" && path.ends_with('/')) path.remove_suffix(1);
  if (path.empty() || path.size() > kNameBytesMax || !is_utf8(path)) {
    return invalid(name, "is empty, too long or not UTF-8");
  }
  for (const std::string_view segment : split(path, '/')) {
    if (segment.empty() || segment == "." || segment == "..") {
      return invalid(name, "has an empty or dotted segment");
    }
  }
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || c == '*' || c == '+') {
      return invalid(name, "names one secret: no control characters and no patterns (* or +)");
    }
  }
  return std::string(path);
}

Result<Authorisation> from_record(ByteView stored) {
  APM_TRY(const json::Value value, json::parse(stored));
  const Error corrupt(Code::kCorrupt, "authorization_record",
                      "a stored authorization is malformed");
  if (value.as_object() == nullptr) return corrupt;
  const std::string* enclave = value.string_at("enclave");
  const auto parsed = read_authorisation(*value.as_object(), enclave != nullptr);
  if (!parsed.ok()) return corrupt;
  Authorisation authorisation = *parsed;
  const json::Value* created = value.at("created_unix_s");
  if (created != nullptr) authorisation.created_unix_s = created->as_int().value_or(0);
  return authorisation;
}

}  // namespace

std::string Authorisation::full_path() const { return concat(engine_path, "/", secret); }

bool Authorisation::names(const logical::AttestedIdentity& identity) const {
  if (identity.enclave_id.empty()) return false;
  if (!signer.empty() && signer != identity.signer_id) return false;
  if (!enclave.empty()) return enclave == identity.enclave_id;
  return !signer.empty();
}

std::string Authorisation::id() const {
  Bytes message = to_bytes(kIdDomain);
  for (const std::string* part : {&enclave, &signer, &engine_path, &secret}) {
    append_u32_be(message, static_cast<std::uint32_t>(part->size()));
    append(message, *part);
  }
  return hex_encode(ByteView(crypto::sha256(message)).first(kIdBytes));
}

json::Object Authorisation::describe() const {
  json::Object out{{"id", id()}, {"kind", enclave.empty() ? "signer" : "enclave"}};
  if (!enclave.empty()) out.set("enclave", enclave);
  if (!signer.empty()) out.set("signer", signer);
  out.set("engine_path", engine_path);
  out.set("secret", secret);
  if (claims.asks()) out.set("claims", claims.document());
  out.set("created_unix_s", created_unix_s);
  return out;
}

Result<Authorisation> read_authorisation(const json::Object& data, bool with_enclave) {
  Authorisation authorisation;
  if (with_enclave) {
    APM_TRY(authorisation.enclave, read_identity(data, "enclave"));
  } else if (data.find("enclave") != nullptr) {
    return invalid("enclave", "does not belong to a signer authorization");
  }
  // An Enclave ID names the software whole, and some families have no signer (a TD, an unsigned
  // Nitro image): there it stands alone.
  const json::Value* signer = data.find("signer");
  if (!with_enclave || signer != nullptr) {
    APM_TRY(authorisation.signer, read_identity(data, "signer"));
  }
  APM_TRY(authorisation.engine_path, read_path(data, "engine_path", "anjuna"));
  APM_TRY(authorisation.secret, read_path(data, "secret", ""));
  if (const json::Value* claims = data.find("claims")) {
    auto policy = ClaimsPolicy::read(*claims);
    if (!policy.ok()) return policy.error().within("claims");
    authorisation.claims = std::move(*policy);
  }
  return authorisation;
}

Status Authorisations::load() {
  const MutexLock writing(writing_);
  APM_TRY(const std::vector<std::string> ids, view_.list(std::string(kPrefix)));
  std::map<std::string, Authorisation> by_id;
  std::unordered_multimap<std::string, std::string> ids_by_path;
  for (const std::string& id : ids) {
    APM_TRY(const std::optional<Bytes> stored, view_.get(storage_path(id)));
    if (!stored) continue;
    APM_TRY(const Authorisation authorisation, from_record(*stored));
    ids_by_path.emplace(authorisation.full_path(), authorisation.id());
    by_id.emplace(authorisation.id(), authorisation);
  }
  const WriterLock lock(mutex_);
  by_id_ = std::move(by_id);
  ids_by_path_ = std::move(ids_by_path);
  return {};
}

Status Authorisations::check_addition(const Authorisation& authorisation) const {
  const ReaderLock lock(mutex_);
  const auto found = by_id_.find(authorisation.id());
  if (found != by_id_.end() && found->second.claims.asks() && !authorisation.claims.asks()) {
    return Error(Code::kConflict, "authorization_restricted",
                 "this authorization has a claims policy, which this write would take away: give a "
                 "policy, or revoke the authorization first");
  }
  if (found == by_id_.end() && by_id_.size() >= kAuthorisationsMax) {
    return Error(Code::kTooLarge, "authorizations_full",
                 concat("there are ", kAuthorisationsMax, " authorizations: revoke some first"));
  }
  return {};
}

Status Authorisations::add(const Authorisation& authorisation) {
  const MutexLock writing(writing_);
  APM_CHECK_OK(check_addition(authorisation));
  const std::string id = authorisation.id();
  const std::optional<Authorisation> before = find(id);
  if (before && before->claims.document() == authorisation.claims.document()) return {};
  const std::string record = json::write(json::Value(authorisation.describe()));
  APM_CHECK_OK(view_.put(storage_path(id), as_bytes(record)));
  const WriterLock lock(mutex_);
  if (!before) ids_by_path_.emplace(authorisation.full_path(), id);
  by_id_.insert_or_assign(id, authorisation);
  return {};
}

Status Authorisations::remove(const std::string& id) {
  const MutexLock writing(writing_);
  const std::optional<Authorisation> authorisation = find(id);
  if (!authorisation) {
    return Error(Code::kNotFound, "authorization_unknown", "there is no such authorization");
  }
  APM_CHECK_OK(view_.erase(storage_path(id)));
  const WriterLock lock(mutex_);
  const auto [begin, end] = ids_by_path_.equal_range(authorisation->full_path());
  for (auto it = begin; it != end; ++it) {
    if (it->second != id) continue;
    ids_by_path_.erase(it);
    break;
  }
  by_id_.erase(id);
  return {};
}

std::optional<Authorisation> Authorisations::find(const std::string& id) const {
  const ReaderLock lock(mutex_);
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return std::nullopt;
  return found->second;
}

std::vector<Authorisation> Authorisations::all() const {
  const ReaderLock lock(mutex_);
  std::vector<Authorisation> out;
  out.reserve(by_id_.size());
  for (const auto& [id, authorisation] : by_id_) out.push_back(authorisation);
  return out;
}

bool Authorisations::allows_read(const logical::AttestedIdentity& identity,
                                 const std::string& path) const {
  std::optional<json::Value> subject;  // made when a policy asks
  const ReaderLock lock(mutex_);
  const auto [begin, end] = ids_by_path_.equal_range(path);
  for (auto it = begin; it != end; ++it) {
    const Authorisation& a = by_id_.at(it->second);
    if (!a.names(identity)) continue;
    if (!a.claims.asks()) return true;
    if (!subject) subject = subject_of(identity);
    if (a.claims.evaluate(*subject).passed) return true;
  }
  return false;
}

std::vector<Authorisations::Match> Authorisations::matches(
    const logical::AttestedIdentity& identity) const {
  const json::Value subject = subject_of(identity);
  std::vector<Match> out;
  const ReaderLock lock(mutex_);
  for (const auto& [id, authorisation] : by_id_) {
    if (!authorisation.names(identity)) continue;
    out.push_back({authorisation, authorisation.claims.evaluate(subject)});
  }
  return out;
}

}  // namespace apm::auth_apm
