#include "auth/apm/config.h"

#include <functional>

#include "auth/apm/limits.h"
#include "base/encoding.h"
#include "base/text.h"

namespace apm::auth_apm {
namespace {

using json::Value;

Error invalid(std::string_view name, std::string_view why) {
  return Error(Code::kInvalidArgument, "config_value", concat("config: ", name, " ", why));
}

// Values arrive as JSON, or as text from a command line.
Result<std::uint64_t> number(std::string_view name, const Value& value, std::uint64_t max) {
  std::optional<std::uint64_t> parsed = value.as_uint();
  if (!parsed && value.as_string() != nullptr) parsed = parse_u64(*value.as_string());
  if (!parsed || *parsed > max) return invalid(name, concat("must be a number from 0 to ", max));
  return *parsed;
}

Status read_level(std::string_view name, const Value& value, std::uint8_t& out) {
  APM_TRY(const std::uint64_t level, number(name, value, 255));
  out = static_cast<std::uint8_t>(level);
  return {};
}

Status read_bool(std::string_view name, const Value& value, bool& out) {
  const std::string* text = value.as_string();
  if (value.as_bool() != nullptr) {
    out = *value.as_bool();
  } else if (text != nullptr && (*text == "true" || *text == "false")) {
    out = *text == "true";
  } else {
    return invalid(name, "must be true or false");
  }
  return {};
}

Status read_ttl(std::string_view name, const Value& value, std::uint64_t& out) {
  std::optional<std::uint64_t> seconds = value.as_uint();
  if (!seconds && value.as_string() != nullptr) seconds = parse_duration_s(*value.as_string());
  if (!seconds || *seconds > kTokenTtlSMax) {
    return invalid(name, concat("must be a duration of at most ", kTokenTtlSMax, " seconds"));
  }
  out = *seconds;
  return {};
}

Status read_key(std::string_view name, const Value& value, crypto::SecretBytes& out) {
  const std::string* text = value.as_string();
  if (text == nullptr || text->size() > kApiKeyBytesMax) return invalid(name, "must be text");
  out = crypto::SecretBytes::copy_of(*text);
  return {};
}

// A list, or one text with commas, of hexadecimal ids. Each write replaces the whole list.
Status read_ids(std::string_view name, const Value& value, std::size_t id_size,
                std::set<std::string>& out) {
  std::vector<std::string> ids;
  if (const std::string* text = value.as_string()) {
    for (const std::string_view part : split(*text, ',')) ids.emplace_back(trim(part));
    if (trim(*text).empty()) ids.clear();
  } else if (const json::Array* list = value.as_array()) {
    for (const Value& item : *list) {
      if (item.as_string() == nullptr) return invalid(name, "must be a list of texts");
      ids.push_back(*item.as_string());
    }
  } else {
    return invalid(name, "must be a list of ids");
  }
  if (ids.size() > kListEntriesMax) return invalid(name, "has too many entries");
  std::set<std::string> result;
  for (const std::string& id : ids) {
    const auto bytes = hex_decode(id);
    if (!bytes.ok() || bytes->size() != id_size) {
      return invalid(name, concat("needs ids of ", id_size * 2, " hexadecimal digits"));
    }
    result.insert(to_lower(id));
  }
  out = std::move(result);
  return {};
}

Status apply_member(const std::string& name, const Value& value, Config& config) {
  attestation::snp::Tcb& tcb = config.floor.minimum;
  if (name == "min_tcb_fmc") return read_level(name, value, tcb.fmc);
  if (name == "min_tcb_bootloader") return read_level(name, value, tcb.bootloader);
  if (name == "min_tcb_tee") return read_level(name, value, tcb.tee);
  if (name == "min_tcb_snp") return read_level(name, value, tcb.snp);
  if (name == "min_tcb_microcode") return read_level(name, value, tcb.microcode);
  if (name == "require_alias_check") {
    return read_bool(name, value, config.floor.require_alias_check);
  }
  if (name == "denied_chips") return read_ids(name, value, 64, config.floor.denied_chips);
  if (name == "allowed_public_signers") {
    return read_ids(name, value, 32, config.allowed_public_signers);
  }
  if (name == "token_ttl") return read_ttl(name, value, config.token_ttl_s);
  if (name == "epid-api-key") return read_key(name, value, config.epid_api_key);
  if (name == "dcap-api-key") return read_key(name, value, config.dcap_api_key);
  return invalid(name, "is not known");
}

json::Array to_array(const std::set<std::string>& ids) {
  json::Array out;
  for (const std::string& id : ids) out.emplace_back(id);
  return out;
}

json::Object public_part(const Config& config) {
  const attestation::snp::Tcb& tcb = config.floor.minimum;
  return json::Object{{"min_tcb_fmc", unsigned{tcb.fmc}},
                      {"min_tcb_bootloader", unsigned{tcb.bootloader}},
                      {"min_tcb_tee", unsigned{tcb.tee}},
                      {"min_tcb_snp", unsigned{tcb.snp}},
                      {"min_tcb_microcode", unsigned{tcb.microcode}},
                      {"require_alias_check", config.floor.require_alias_check},
                      {"denied_chips", to_array(config.floor.denied_chips)},
                      {"allowed_public_signers", to_array(config.allowed_public_signers)},
                      {"token_ttl", config.token_ttl_s}};
}

}  // namespace

Config Config::clone() const {
  Config copy;
  copy.floor = floor;
  copy.allowed_public_signers = allowed_public_signers;
  copy.token_ttl_s = token_ttl_s;
  copy.epid_api_key = epid_api_key.clone();
  copy.dcap_api_key = dcap_api_key.clone();
  return copy;
}

Result<Config> merge(const Config& base, const json::Object& change) {
  Config merged = base.clone();
  for (const auto& [name, value] : change) APM_CHECK_OK(apply_member(name, value, merged));
  return merged;
}

json::Object describe(const Config& config) {
  json::Object out = public_part(config);
  out.set("epid-api-key-set", !config.epid_api_key.empty());
  out.set("dcap-api-key-set", !config.dcap_api_key.empty());
  return out;
}

std::string serialize(const Config& config) {
  json::Object out = public_part(config);
  out.set("epid-api-key", config.epid_api_key.text());
  out.set("dcap-api-key", config.dcap_api_key.text());
  return json::write(json::Value(std::move(out)));
}

Result<Config> deserialize(ByteView stored) {
  APM_TRY(const json::Value value, json::parse(stored));
  if (value.as_object() == nullptr) {
    return Error(Code::kCorrupt, "config_record", "the stored login configuration is malformed");
  }
  return merge(Config{}, *value.as_object());
}

}  // namespace apm::auth_apm
