#include "attestation/maa/token.h"

#include <algorithm>

#include "attestation/limits.h"
#include "attestation/maa/claim_reader.h"
#include "base/encoding.h"
#include "base/text.h"

namespace apm::attestation::maa {
namespace {

constexpr int kRsaBitsLeast = 2048;
constexpr std::size_t kMeasurementSize = 48;
constexpr std::size_t kSha256Size = 32;
constexpr std::size_t kReportDataSize = 64;
constexpr unsigned kAttestedPcrMax = 23;
constexpr std::string_view kTpmKey = "TpmEphemeralEncryptionKey";

Error refused(std::string reason, std::string message) {
  return Error(Code::kRefused, std::move(reason), std::move(message));
}

std::optional<Tee> tee_of(const std::string* name) {
  if (name == nullptr) return std::nullopt;
  for (const Tee tee : {Tee::kSevSnpVm, Tee::kTdxVm, Tee::kSgx}) {
    if (*name == tee_name(tee)) return tee;
  }
  return std::nullopt;
}

// ---- One TEE's claims ----

Result<SnpClaims> read_snp(const json::Value& from) {
  SnpClaims out;
  APM_TRY(out.debuggable, claim_bool(from, "x-ms-sevsnpvm-is-debuggable"));
  APM_TRY(out.migration_allowed, claim_bool(from, "x-ms-sevsnpvm-migration-allowed"));
  APM_TRY(out.vmpl, claim_uint(from, "x-ms-sevsnpvm-vmpl"));
  APM_TRY(out.launch_measurement,
          claim_hex(from, "x-ms-sevsnpvm-launchmeasurement", kMeasurementSize));
  APM_TRY(out.host_data, claim_hex(from, "x-ms-sevsnpvm-hostdata", kSha256Size));
  APM_TRY(out.id_key_digest, claim_hex(from, "x-ms-sevsnpvm-idkeydigest", kMeasurementSize));
  APM_TRY(out.report_data, claim_hex(from, "x-ms-sevsnpvm-reportdata", kReportDataSize));
  APM_TRY(out.svns.bootloader, claim_uint(from, "x-ms-sevsnpvm-bootloader-svn"));
  APM_TRY(out.svns.tee, claim_uint(from, "x-ms-sevsnpvm-tee-svn"));
  APM_TRY(out.svns.snp_firmware, claim_uint(from, "x-ms-sevsnpvm-snpfw-svn"));
  APM_TRY(out.svns.microcode, claim_uint(from, "x-ms-sevsnpvm-microcode-svn"));
  APM_TRY(out.svns.guest, claim_uint(from, "x-ms-sevsnpvm-guestsvn"));
  return out;
}

Result<TdxClaims> read_tdx(const json::Value& from) {
  TdxClaims out;
  APM_TRY(out.debuggable, claim_bool(from, "tdx_td_attributes_debug"));
  if (const std::string* status = from.string_at("attester_tcb_status")) out.tcb_status = *status;
  APM_TRY(out.mrtd, claim_hex(from, "tdx_mrtd", kMeasurementSize));
  for (const char* name : {"tdx_rtmr0", "tdx_rtmr1", "tdx_rtmr2", "tdx_rtmr3"}) {
    APM_TRY(Bytes rtmr, claim_hex(from, name, kMeasurementSize));
    out.rtmrs.push_back(std::move(rtmr));
  }
  APM_TRY(out.report_data, claim_hex(from, "tdx_report_data", kReportDataSize));
  return out;
}

Result<SgxClaims> read_sgx(const json::Value& from) {
  SgxClaims out;
  APM_TRY(out.debuggable, claim_bool(from, "x-ms-sgx-is-debuggable"));
  APM_TRY(out.mrenclave, claim_hex(from, "x-ms-sgx-mrenclave", kSha256Size));
  APM_TRY(out.mrsigner, claim_hex(from, "x-ms-sgx-mrsigner", kSha256Size));
  APM_TRY(out.product_id, claim_uint(from, "x-ms-sgx-product-id"));
  APM_TRY(out.svn, claim_uint(from, "x-ms-sgx-svn"));
  APM_TRY(out.report_data, claim_hex(from, "x-ms-sgx-report-data", kReportDataSize));
  if (from.at("x-ms-sgx-ehd") != nullptr) {
    APM_TRY(const std::string text, claim_text(from, "x-ms-sgx-ehd"));
    const auto held = base64url_decode(text);
    if (!held.ok() || held->empty()) return malformed_claim("x-ms-sgx-ehd", "base64url");
    out.held_data = *held;
  }
  return out;
}

Status read_tee(const json::Value& from, Token& out) {
  switch (out.tee) {
    case Tee::kSevSnpVm: {
      APM_TRY(out.snp, read_snp(from));
      return {};
    }
    case Tee::kTdxVm: {
      APM_TRY(out.tdx, read_tdx(from));
      return {};
    }
    case Tee::kSgx: {
      APM_TRY(out.sgx, read_sgx(from));
      return {};
    }
  }
  return {};
}

// ---- The guest beneath which the TEE stands ----

// {"pcr0": <base64 of 32 bytes>, ...}
Result<tpm::PcrValues> read_pcrs(const json::Value& payload) {
  constexpr std::string_view kName = "x-ms-azurevm-attested-pcr-values";
  tpm::PcrValues out;
  const json::Value* values = payload.at(kName);
  if (values == nullptr) return out;
  if (values->as_object() == nullptr) return malformed_claim(kName, "an object");
  for (const auto& [name, value] : *values->as_object()) {
    const auto index =
        parse_u64(std::string_view(name).substr(std::min<std::size_t>(3, name.size())));
    const std::string* text = value.as_string();
    const auto digest = base64_decode(text == nullptr ? std::string_view("?") : *text);
    if (!name.starts_with("pcr") || !index || *index > kAttestedPcrMax || !digest.ok() ||
        digest->size() != kSha256Size) {
      return malformed_claim(kName, "pcr<n>: base64 of 32 bytes");
    }
    if (!out.emplace(static_cast<unsigned>(*index), *digest).second) {
      return malformed_claim(kName, "each PCR once");
    }
  }
  return out;
}

Result<AzureVmClaims> read_vm(const json::Value& payload) {
  AzureVmClaims out;
  APM_TRY(out.secure_boot, claim_bool(payload, "secureboot"));
  out.debug = false;
  for (const char* name :
       {"x-ms-azurevm-bootdebug-enabled", "x-ms-azurevm-kerneldebug-enabled",
        "x-ms-azurevm-hypervisordebug-enabled", "x-ms-azurevm-testsigning-enabled"}) {
    APM_TRY(const bool on, claim_bool(payload, name));
    out.debug = out.debug || on;
  }
  APM_TRY(out.pcrs, read_pcrs(payload));
  if (const std::string* id = payload.string_at("x-ms-azurevm-vmid")) out.vm_id = *id;
  return out;
}

// ---- Runtime claims ----

Result<crypto::PublicKey> read_rsa(const json::Value& jwk, std::string_view kid) {
  const auto bad = [kid](std::string_view why) {
    return refused("maa_runtime_keys", concat("the runtime key ", kid, " ", why));
  };
  const std::string* type = jwk.string_at("kty");
  const std::string* n = jwk.string_at("n");
  const std::string* e = jwk.string_at("e");
  if (type == nullptr || *type != "RSA" || n == nullptr || e == nullptr) {
    return bad("is not an RSA key with n and e");
  }
  const auto modulus = base64url_decode(*n);
  const auto exponent = base64url_decode(*e);
  if (!modulus.ok() || !exponent.ok()) return bad("is not in base64url");
  auto key = crypto::PublicKey::from_rsa(*modulus, *exponent);
  if (!key.ok() || key->bits() < kRsaBitsLeast) return bad("is not RSA of at least 2048 bits");
  return key;
}

bool may_encrypt(const json::Value& jwk) {
  const json::Value* operations = jwk.at("key_ops");
  const json::Array* list = operations == nullptr ? nullptr : operations->as_array();
  return list != nullptr && std::any_of(list->begin(), list->end(), [](const json::Value& value) {
           return value.as_string() != nullptr && *value.as_string() == "encrypt";
         });
}

// The keys with the wanted names; others (an enclave's own runtime data) are none of our business.
Status collect_keys(const json::Value* runtime, std::string_view kid,
                    std::optional<crypto::PublicKey>& out) {
  const json::Value* keys = runtime == nullptr ? nullptr : runtime->at("keys");
  if (keys == nullptr) return {};
  const json::Array* list = keys->as_array();
  if (list == nullptr || list->size() > kMaaRuntimeKeysMax) {
    return refused("maa_runtime_keys", "the runtime claims' keys are no list, or too long a one");
  }
  for (const json::Value& jwk : *list) {
    const std::string* name = jwk.string_at("kid");
    if (name == nullptr || *name != kid) continue;
    if (out) return refused("maa_runtime_keys", concat("the runtime key ", kid, " occurs twice"));
    if (kid == kTpmKey && !may_encrypt(jwk)) {
      return refused("maa_runtime_keys", concat("the runtime key ", kid, " is not for encryption"));
    }
    APM_TRY(out, read_rsa(jwk, kid));
  }
  return {};
}

Status read_runtime(const json::Value& payload, const json::Value& tee, Token& out) {
  const json::Value* guest = payload.at("x-ms-runtime");
  const json::Value* platform = tee.at("x-ms-runtime");
  if (out.vm) {
    APM_CHECK_OK(collect_keys(guest, kTpmKey, out.keys.tpm_ephemeral));
  }
  if (out.tee != Tee::kSgx) {
    APM_CHECK_OK(collect_keys(platform, "HCLAkPub", out.keys.hcl_ak));
    APM_CHECK_OK(collect_keys(platform, "HCLEkPub", out.keys.hcl_ek));
  }
  const json::Value* client = guest == nullptr ? nullptr : guest->at("client-payload");
  if (client == nullptr || client->at("nonce") == nullptr) return {};
  const std::string* nonce = client->string_at("nonce");
  const auto decoded = base64_decode(nonce == nullptr ? std::string_view("?") : *nonce);
  if (!decoded.ok()) return malformed_claim("client-payload.nonce", "base64");
  out.nonce = *decoded;
  return {};
}

}  // namespace

std::string_view tee_name(Tee tee) {
  switch (tee) {
    case Tee::kSevSnpVm: return "sevsnpvm";
    case Tee::kTdxVm: return "tdxvm";
    case Tee::kSgx: return "sgx";
  }
  return "";
}

bool Token::debuggable() const {
  const bool tee_debug = (snp && snp->debuggable) || (tdx && tdx->debuggable) ||
                         (sgx && sgx->debuggable) || (!snp && !tdx && !sgx);
  return tee_debug || (vm && vm->debug);
}

Status check_token_type(const json::Value& payload) {
  for (const char* name :
       {"x-ms-policy-result", "x-ms-policy-token-hash", "x-ms-policy-certificates",
        "x-ms-certificate-thumbprint", "x-ms-policycertificates-result"}) {
    if (payload.at(name) == nullptr) continue;
    return refused("maa_token_type", concat("the token has ", name,
                                            ": it is an answer about policies, and no "
                                            "attestation result"));
  }
  const std::string* type = payload.string_at("x-ms-attestation-type");
  const bool vm = type != nullptr && *type == "azurevm";
  if (!vm && !tee_of(type)) {
    return refused("maa_token_type",
                   "the token is no attestation result of a kind that is known (azurevm, sevsnpvm, "
                   "tdxvm, sgx)");
  }
  if (!vm) return {};
  const json::Value* tee = payload.at("x-ms-isolation-tee");
  const auto beneath =
      tee == nullptr ? std::nullopt : tee_of(tee->string_at("x-ms-attestation-type"));
  if (beneath == Tee::kSevSnpVm || beneath == Tee::kTdxVm) return {};
  return refused("maa_tee_missing",
                 "the token is of an Azure VM without an SNP or TDX machine beneath it");
}

Result<Token> read_token(const json::Value& payload) {
  APM_CHECK_OK(check_token_type(payload));
  Token out;
  APM_TRY(out.attestation_type, claim_text(payload, "x-ms-attestation-type"));
  const bool in_vm = out.attestation_type == "azurevm";
  const json::Value& tee = in_vm ? *payload.at("x-ms-isolation-tee") : payload;
  out.tee = *tee_of(tee.string_at("x-ms-attestation-type"));
  APM_TRY(out.policy_hash, claim_text(payload, "x-ms-policy-hash"));
  APM_TRY(out.version, claim_text(payload, "x-ms-ver"));
  if (const std::string* status = tee.string_at("x-ms-compliance-status")) out.compliance = *status;
  APM_CHECK_OK(read_tee(tee, out));
  if (in_vm) {
    APM_TRY(out.vm, read_vm(payload));
  }
  APM_CHECK_OK(read_runtime(payload, tee, out));
  return out;
}

}  // namespace apm::attestation::maa
