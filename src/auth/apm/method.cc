#include "auth/apm/method.h"

#include "attestation/identity.h"
#include "attestation/login_binding.h"
#include "attestation/tpm/public_area.h"
#include "auth/apm/admission.h"
#include "auth/apm/explain.h"
#include "auth/apm/limits.h"
#include "auth/apm/wire.h"
#include "auth/apm/wire_values.h"
#include "base/encoding.h"
#include "base/text.h"
#include "crypto/digest.h"

namespace apm::auth_apm {
namespace {

using logical::Operation;
using logical::Response;

constexpr const char* kConfigPath = "config";
constexpr std::string_view kItemPrefix = "authorizations/";
constexpr std::string_view kRefusals = "refusals";
constexpr std::string_view kRefusalPrefix = "refusals/";
constexpr std::string_view kAccessorDomain = "apm-login-accessor-v1";
constexpr std::size_t kAccessorBytes = 16;

Error unsupported() { return Error(Code::kUnsupported, "unsupported operation"); }

bool is_write(Operation operation) {
  return operation == Operation::kCreate || operation == Operation::kUpdate;
}

Response with_data(json::Object data) {
  Response response;
  response.data = std::move(data);
  return response;
}

json::Array pcr_list() {
  json::Array out;
  for (const unsigned index : attestation::login_pcrs()) out.emplace_back(index);
  return out;
}

// Derived from the nonce, so that a repeat names the same token.
std::string accessor_of(ByteView nonce) {
  const Bytes digest = crypto::digest(crypto::Hash::kSha256, {as_bytes(kAccessorDomain), nonce});
  return hex_encode(ByteView(digest).first(kAccessorBytes));
}

bool is_of_endorsements(const Error& error) { return error.reason.starts_with("endorsement_"); }

// Null: there was nothing to fetch, or it would not have helped.
json::Value describe_fetch(const Result<std::optional<Fetched>>& fetched) {
  if (!fetched.ok()) {
    return json::Object{{"fetched", false},
                        {"reason", fetched.error().reason},
                        {"message", fetched.error().message}};
  }
  return *fetched ? json::Value(json::Object{{"fetched", true}}) : json::Value();
}

template <class Anchors>
Status add_vendor(std::shared_ptr<const Anchors>& anchors) {
  if (anchors) return {};
  APM_TRY(Anchors vendor, Anchors::vendor());
  anchors = std::make_shared<const Anchors>(std::move(vendor));
  return {};
}

Status add_vendor_anchors(Dependencies& dependencies) {
  APM_CHECK_OK(add_vendor(dependencies.intel_anchors));
  return add_vendor(dependencies.aws_anchors);
}

}  // namespace

Method::Method(barrier::View view, Dependencies dependencies)
    : view_(std::move(view)), dependencies_(std::move(dependencies)), authorisations_(view_) {}

Result<std::unique_ptr<Method>> Method::open(barrier::View view, Dependencies dependencies) {
  APM_CHECK_OK(add_vendor_anchors(dependencies));
  std::unique_ptr<Method> method(new Method(std::move(view), std::move(dependencies)));
  APM_TRY(std::optional<Bytes> stored, method->view_.get(kConfigPath));
  if (stored) {
    auto config = deserialize(*stored);
    crypto::wipe(*stored);
    if (!config.ok()) return config.error();
    const WriterLock lock(method->config_mutex_);
    method->config_ = std::move(*config);
  }
  APM_CHECK_OK(method->authorisations_.load());
  return method;
}

Result<Response> Method::handle(const logical::Request& request) {
  const std::string& path = request.path;
  if (path == "config") return config(request);
  if (path == "authorizations" || path == kItemPrefix) return authorizations(request);
  if (path.starts_with(kItemPrefix)) {
    return authorization_item(request, path.substr(kItemPrefix.size()));
  }
  if (path == kRefusals || path.starts_with(kRefusalPrefix)) return refusals(request);
  if (path != "challenge" && path != "login" && path != "explain") {
    return Error(Code::kNotFound, concat("auth/apm has no path '", path, "'"));
  }
  if (!is_write(request.operation)) return unsupported();
  if (path == "explain") return explain_file(request);
  return path == "challenge" ? challenge() : login(request);
}

bool Method::unauthenticated(const std::string& path) const {
  return path == "challenge" || path == "login";
}

bool Method::needs_sudo(const std::string& path) const {
  return path == "explain" || path == kRefusals || path.starts_with(kRefusalPrefix);
}

bool Method::authorises(const logical::AttestedIdentity& identity, Operation op,
                        const std::string& full_path) const {
  return op == Operation::kRead && authorisations_.allows_read(identity, full_path);
}

Result<Response> Method::challenge() {
  APM_TRY(const Bytes server_key, dependencies_.server_key_sha256());
  return with_data(
      json::Object{{"nonce", base64url_encode(nonces_.issue(dependencies_.clock->unix_s()))},
                   {"cluster_id", dependencies_.cluster_id},
                   {"server_key_sha256", hex_encode(server_key)},
                   {"expires_in_s", kChallengeTtlS},
                   {"pcrs", pcr_list()}});
}

Result<Response> Method::login(const logical::Request& request) {
  attestation::Appraisal appraisal;
  auto answer = try_login(request, appraisal);
  if (answer.ok()) return answer;
  const Error& why = answer.error();
  if (why.code != Code::kRefused && !is_of_endorsements(why)) return answer;
  refusals_.add({request.request_id, dependencies_.clock->unix_s(),
                 concat(request.mount_path, request.path), request.remote_address, why.reason,
                 why.message, appraisal.explain()});
  if (why.code != Code::kRefused) return answer;  // a failure of ours: the log has its details
  const bool all = current_config().explain_refusals;
  return told(why, appraisal, all ? Telling::kRules : Telling::kReason, request.request_id);
}

// Only a read that an authorisation's claims policy refused is worth a record: that none names the
// caller is said in the refusal itself.
std::string Method::read_refused(const logical::Request& request) {
  if (!request.caller.identity) return "";
  std::string first;
  json::Array rules;
  for (const auto& [authorisation, verdict] : authorisations_.matches(*request.caller.identity)) {
    const policy::RuleResult* decisive = verdict.decisive();
    if (authorisation.full_path() != request.path || decisive == nullptr) continue;
    if (first.empty()) first = policy::describe(*decisive);
    rules.emplace_back(
        json::Object{{"authorization", authorisation.id()}, {"claims", explain(verdict)}});
  }
  if (rules.empty()) return "";
  refusals_.add({request.request_id, dependencies_.clock->unix_s(), request.path,
                 request.remote_address, "claims_policy", first, std::move(rules)});
  return current_config().explain_refusals ? first : "";
}

Result<Response> Method::refusals(const logical::Request& request) const {
  if (request.path == kRefusals && request.operation == Operation::kList) {
    json::Array keys;
    json::Object info;
    for (const Refusal& one : refusals_.newest_first()) {
      keys.emplace_back(one.request_id);
      info.set(one.request_id, json::Object{{"time_unix_s", one.time_unix_s},
                                            {"path", one.path},
                                            {"remote_address", one.remote_address},
                                            {"reason", one.reason}});
    }
    return with_data(json::Object{{"keys", std::move(keys)}, {"key_info", std::move(info)}});
  }
  if (request.path == kRefusals || request.operation != Operation::kRead) return unsupported();
  const auto found = refusals_.find(request.path.substr(kRefusalPrefix.size()));
  if (found) return with_data(found->describe());
  return Error(Code::kNotFound, "refusal_unknown",
               "no refusal of this request is kept: it was none, it is too old, or the server was "
               "started since");
}

// What was not sent is got, where this server has a source, and then judged as if it had been.
Result<Judged> Method::verify(const logical::Request& request, Judge judge,
                              attestation::Appraisal& appraisal) {
  std::optional<Fetched> fetched;
  if (dependencies_.collateral) {
    APM_TRY(fetched, fetch_lacking(request.data, judge, *dependencies_.collateral,
                                   request.remote_address, appraisal));
  }
  if (fetched) judge.fetched = &*fetched;
  return verify_evidence(request.data, judge, appraisal);
}

Result<Response> Method::try_login(const logical::Request& request,
                                   attestation::Appraisal& appraisal) {
  APM_TRY(const LoginRequest login, read_login(request.data));
  const std::int64_t now = dependencies_.clock->unix_s();
  APM_TRY(const std::int64_t issued, nonces_.check(login.nonce, now));
  APM_TRY(const Bytes server_key, dependencies_.server_key_sha256());
  const Config config = current_config();
  APM_CHECK_OK(admit_family(config, login.family, appraisal));
  const Challenged challenged{attestation::login_binding({login.nonce, dependencies_.cluster_id,
                                                          server_key, login.key_name}),
                              login.caller_key};
  APM_TRY(const Judged judged,
          verify(request, {config, anchors(), now, challenged, nullptr}, appraisal));
  APM_CHECK_OK(admit_claims(config, judged.result, appraisal));
  const auto& key = judged.certified_key ? judged.certified_key : login.sealing_key;
  if (!key) return Error(Code::kInternal, "a login without the caller's key");
  APM_CHECK_OK(nonces_.use(login.nonce));

  const std::uint64_t ttl = config.token_ttl_s == 0 ? kTokenTtlSDefault : config.token_ttl_s;
  const logical::AttestedIdentity identity = identity_of(judged.result);
  const std::string accessor = accessor_of(login.nonce);
  APM_TRY(std::string token, dependencies_.issue_token(identity, issued, ttl, accessor));
  const json::Object answer{{"client_token", token},
                            {"accessor", accessor},
                            {"lease_duration", ttl},
                            {"enclave_id", identity.enclave_id},
                            {"signer_id", identity.signer_id}};
  crypto::wipe(token);
  APM_TRY(json::Object sealed, seal_answer(answer, *key, challenged.binding));
  return with_data(json::Object{{"sealed", std::move(sealed)}});
}

// "at": the clock to judge by, for a file whose evidence was short-lived; else the server's. What
// is published today says nothing of another time: then nothing is fetched.
Result<Response> Method::explain_file(const logical::Request& request) const {
  std::int64_t now = dependencies_.clock->unix_s();
  const json::Value* at = request.data.find("at");
  if (at != nullptr) {
    const auto given = at->as_int();
    if (!given || *given < 0) return malformed_member("at", "must be a time in seconds");
    now = *given;
  }
  const Config config = current_config();
  Judge judge{config, anchors(), now, {}, nullptr};
  std::optional<Fetched> fetched;
  json::Value fetching;
  if (dependencies_.collateral && at == nullptr) {
    attestation::Appraisal unused;
    auto got = fetch_lacking(request.data, judge, *dependencies_.collateral, request.remote_address,
                             unused);
    fetching = describe_fetch(got);
    if (got.ok()) fetched = std::move(*got);
  }
  if (fetched) judge.fetched = &*fetched;
  APM_TRY(json::Object answer, explain(request.data, judge, authorisations_));
  answer.set("collateral", std::move(fetching));
  return with_data(std::move(answer));
}

TrustAnchors Method::anchors() const {
  return {dependencies_.anchors.get(), dependencies_.intel_anchors.get(),
          dependencies_.aws_anchors.get(), &dependencies_.maa_providers};
}

Config Method::current_config() const {
  const ReaderLock lock(config_mutex_);
  return config_.clone();
}

Result<Response> Method::config(const logical::Request& request) {
  if (request.operation == Operation::kRead) return with_data(describe(current_config()));
  if (!is_write(request.operation)) return unsupported();
  const WriterLock lock(config_mutex_);
  APM_TRY(Config merged, merge(config_, request.data));
  std::string record = serialize(merged);
  const Status stored = view_.put(kConfigPath, as_bytes(record));
  crypto::wipe(record);
  APM_CHECK_OK(stored);
  config_ = std::move(merged);
  return Response{};
}

Result<Response> Method::authorizations(const logical::Request& request) {
  const std::vector<Authorisation> all = authorisations_.all();
  if (request.operation == Operation::kList) {
    json::Array keys;
    json::Object info;
    for (const Authorisation& a : all) {
      keys.emplace_back(a.id());
      info.set(a.id(), a.describe());
    }
    return with_data(json::Object{{"keys", std::move(keys)}, {"key_info", std::move(info)}});
  }
  if (request.operation != Operation::kRead) return unsupported();
  json::Array list;
  for (const Authorisation& a : all) list.emplace_back(a.describe());
  return with_data(json::Object{{"authorizations", std::move(list)}});
}

Result<Response> Method::authorization_item(const logical::Request& request,
                                            const std::string& item) {
  if (item == "enclave" || item == "signer" || item == "revoke") {
    if (!is_write(request.operation)) return unsupported();
    if (item == "revoke") return revoke(request.data);
    return authorize(request.data, item == "enclave");
  }
  if (request.operation == Operation::kDelete) {
    APM_CHECK_OK(authorisations_.remove(item));
    return Response{};
  }
  if (request.operation != Operation::kRead) return unsupported();
  const std::optional<Authorisation> found = authorisations_.find(item);
  if (!found) {
    return Error(Code::kNotFound, "authorization_unknown", "there is no such authorization");
  }
  return with_data(found->describe());
}

Result<Response> Method::authorize(const json::Object& data, bool with_enclave) {
  APM_TRY(Authorisation authorisation, read_authorisation(data, with_enclave));
  authorisation.created_unix_s = dependencies_.clock->unix_s();
  APM_CHECK_OK(authorisations_.add(authorisation));
  return with_data(authorisation.describe());
}

Result<Response> Method::revoke(const json::Object& data) {
  APM_TRY(const Authorisation authorisation,
          read_authorisation(data, data.find("enclave") != nullptr));
  APM_CHECK_OK(authorisations_.remove(authorisation.id()));
  return Response{};
}

}  // namespace apm::auth_apm
