#include "auth/apm/config.h"

#include "auth/apm/config_snp.h"
#include "auth/apm/config_values.h"
#include "base/text.h"

namespace apm::auth_apm {
namespace {

Status apply_secret(const ConfigMember& member, crypto::SecretBytes& out) {
  APM_TRY(out, read_api_key(member));
  return {};
}

// What does not belong to one kind of hardware.
Status apply_general(const ConfigMember& member, Config& config) {
  if (member.name == "require_crl") {
    APM_TRY(config.require_crl, read_flag(member));
  } else if (member.name == "require_secure_boot") {
    APM_TRY(config.guest.require_secure_boot, read_flag(member));
  } else if (member.name == "allowed_pcrs") {
    APM_TRY(config.guest.allowed_pcrs, read_pcr_lists(member));
  } else if (member.name == "allowed_vm_ids") {
    APM_TRY(const std::vector<std::string> ids, read_texts(member));
    config.guest.allowed_vm_ids.clear();
    for (const std::string& id : ids) config.guest.allowed_vm_ids.insert(to_lower(id));
  } else if (member.name == "allowed_public_signers") {
    APM_TRY(config.allowed_public_signers, read_ids(member, 32));
  } else if (member.name == "token_ttl") {
    APM_TRY(config.token_ttl_s, read_ttl(member));
  } else if (member.name == "epid-api-key") {
    return apply_secret(member, config.epid_api_key);
  } else if (member.name == "dcap-api-key") {
    return apply_secret(member, config.dcap_api_key);
  } else {
    return invalid_config(member.name, "is not known");
  }
  return {};
}

Status apply_member(const ConfigMember& member, Config& config) {
  APM_TRY(const bool known, apply_snp_member(member, config.floor));
  return known ? Status() : apply_general(member, config);
}

json::Object public_part(const Config& config) {
  json::Object out;
  write_snp_members(config.floor, out);
  out.set("require_crl", config.require_crl);
  out.set("require_secure_boot", config.guest.require_secure_boot);
  out.set("allowed_pcrs", write_pcr_lists(config.guest.allowed_pcrs));
  out.set("allowed_vm_ids", write_texts(config.guest.allowed_vm_ids));
  out.set("allowed_public_signers", write_texts(config.allowed_public_signers));
  out.set("token_ttl", config.token_ttl_s);
  return out;
}

}  // namespace

Config Config::clone() const {
  Config copy;
  copy.floor = floor;
  copy.guest = guest;
  copy.require_crl = require_crl;
  copy.allowed_public_signers = allowed_public_signers;
  copy.token_ttl_s = token_ttl_s;
  copy.epid_api_key = epid_api_key.clone();
  copy.dcap_api_key = dcap_api_key.clone();
  return copy;
}

Result<Config> merge(const Config& base, const json::Object& change) {
  Config merged = base.clone();
  for (const auto& [name, value] : change) APM_CHECK_OK(apply_member({name, value}, merged));
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
