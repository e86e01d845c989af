#include "auth/apm/config.h"

#include "attestation/limits.h"
#include "auth/apm/config_intel.h"
#include "auth/apm/config_nitro.h"
#include "auth/apm/config_snp.h"
#include "auth/apm/families.h"
#include "base/text.h"

namespace apm::auth_apm {
namespace {

constexpr RegisterKind kTpmPcrs{attestation::kPcrCount, 32};

std::string check_known_family(const std::string& name) {
  return caller_key_of(name).ok() ? "" : concat("has an unknown family ", name);
}

void add_token_ttl(Settings& settings, std::uint64_t& ttl_s) {
  settings.add({"token_ttl",
                [&ttl_s](const ConfigMember& member) -> Status {
                  APM_TRY(ttl_s, read_ttl(member));
                  return {};
                },
                [&ttl_s] { return json::Value(ttl_s); }});
}

void add_vm_ids(Settings& settings, std::set<std::string>& ids) {
  settings.add({"allowed_vm_ids",
                [&ids](const ConfigMember& member) -> Status {
                  APM_TRY(const std::vector<std::string> read, read_texts(member));
                  ids.clear();
                  for (const std::string& id : read) ids.insert(to_lower(id));
                  return {};
                },
                [&ids] { return json::Value(write_texts(ids)); }});
}

void add_claims_policy(Settings& settings, ClaimsPolicy& policy) {
  settings.add({"claims_policy",
                [&policy](const ConfigMember& member) -> Status {
                  auto read = ClaimsPolicy::read(member.value);
                  if (!read.ok()) return read.error().within("config: claims_policy");
                  policy = std::move(*read);
                  return {};
                },
                [&policy] { return policy.document(); }});
}

// Everything but the service keys.
Settings settings_of(Config& config) {
  Settings out;
  out.texts("allowed_families", config.allowed_families, check_known_family);
  add_snp_settings(out, config.floor);
  out.flag("require_crl", config.require_crl);
  out.flag("require_secure_boot", config.guest.require_secure_boot);
  out.registers("allowed_pcrs", config.guest.allowed_pcrs, kTpmPcrs);
  add_vm_ids(out, config.guest.allowed_vm_ids);
  out.ids("allowed_public_signers", config.allowed_public_signers, 32);
  add_sgx_settings(out, config.sgx);
  add_tdx_settings(out, config.tdx);
  add_nitro_settings(out, config.nitro);
  add_maa_settings(out, config.maa_trust, config.maa);
  add_claims_policy(out, config.claims);
  out.flag("explain_refusals", config.explain_refusals);
  add_token_ttl(out, config.token_ttl_s);
  return out;
}

Status apply_secret(const ConfigMember& member, Config& config) {
  if (member.name == "epid-api-key") {
    APM_TRY(config.epid_api_key, read_api_key(member));
  } else if (member.name == "dcap-api-key") {
    APM_TRY(config.dcap_api_key, read_api_key(member));
  } else {
    return invalid_config(member.name, "is not known");
  }
  return {};
}

json::Object public_part(const Config& config) {
  Config copy = config.clone();
  json::Object out;
  settings_of(copy).write_to(out);
  return out;
}

}  // namespace

Config Config::clone() const {
  Config copy;
  copy.floor = floor;
  copy.guest = guest;
  copy.sgx = sgx;
  copy.tdx = tdx;
  copy.nitro = nitro;
  copy.maa = maa;
  copy.maa_trust = maa_trust;
  copy.allowed_families = allowed_families;
  copy.claims = claims;
  copy.explain_refusals = explain_refusals;
  copy.require_crl = require_crl;
  copy.allowed_public_signers = allowed_public_signers;
  copy.token_ttl_s = token_ttl_s;
  copy.epid_api_key = epid_api_key.clone();
  copy.dcap_api_key = dcap_api_key.clone();
  return copy;
}

Result<Config> merge(const Config& base, const json::Object& change) {
  Config merged = base.clone();
  const Settings settings = settings_of(merged);
  for (const auto& [name, value] : change) {
    const ConfigMember member{name, value};
    APM_TRY(const bool known, settings.apply(member));
    if (!known) APM_CHECK_OK(apply_secret(member, merged));
  }
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
