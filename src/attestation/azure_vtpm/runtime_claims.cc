// The runtime claims of an HCL report: the paravisor's own words, once their hash was found in a
// verified hardware report. Members that are not known are part of what was hashed and are passed
// over; those that are known have their type.

#include <algorithm>

#include "attestation/azure_vtpm/hcl_report.h"
#include "attestation/limits.h"
#include "base/encoding.h"
#include "base/text.h"

namespace apm::attestation::azure_vtpm {
namespace {

constexpr int kAkBitsMin = 2048;
constexpr std::string_view kAkName = "HCLAkPub";

Error bad_ak(std::string_view what) {
  return Error(Code::kRefused, "runtime_claims_ak", concat("the runtime claims: ", what));
}

Error malformed(std::string_view what) {
  return Error(Code::kRefused, "runtime_claims_malformed", concat("the runtime claims: ", what));
}

// "sign"; hosts of 2023 said "encrypt" of the same key.
bool may_sign(const json::Value& key) {
  const json::Value* operations = key.at("key_ops");
  const json::Array* list = operations == nullptr ? nullptr : operations->as_array();
  if (list == nullptr || list->size() != 1) return false;
  const std::string* only = list->front().as_string();
  return only != nullptr && (*only == "sign" || *only == "encrypt");
}

Result<crypto::PublicKey> read_ak(const json::Value& key) {
  const std::string* type = key.string_at("kty");
  const std::string* n = key.string_at("n");
  const std::string* e = key.string_at("e");
  if (type == nullptr || *type != "RSA" || n == nullptr || e == nullptr) {
    return bad_ak("HCLAkPub is not an RSA key");
  }
  if (!may_sign(key)) return bad_ak("HCLAkPub is for something other than signing");
  const auto modulus = base64url_decode(*n);
  const auto exponent = base64url_decode(*e);
  if (!modulus.ok() || !exponent.ok()) return bad_ak("HCLAkPub is not in base64url");
  auto ak = crypto::PublicKey::from_rsa(*modulus, *exponent);
  if (!ak.ok() || ak->bits() < kAkBitsMin || !equal(*exponent, Bytes{1, 0, 1})) {
    return bad_ak("HCLAkPub must be RSA of at least 2048 bits with e 65537");
  }
  return ak;
}

Status read_keys(const json::Value& document, RuntimeClaims& claims) {
  const json::Value* keys = document.at("keys");
  const json::Array* list = keys == nullptr ? nullptr : keys->as_array();
  if (list == nullptr) return malformed("they are not JSON with keys");
  for (const json::Value& key : *list) {
    const std::string* kid = key.string_at("kid");
    if (kid == nullptr) return malformed("they hold a key without a name");
    claims.key_ids.push_back(*kid);
    if (*kid != kAkName) continue;
    if (!claims.ak_spki_der.empty()) return bad_ak("they name two attestation keys");
    APM_TRY(const crypto::PublicKey ak, read_ak(key));
    claims.ak_spki_der = ak.spki_der();
  }
  if (claims.ak_spki_der.empty()) return bad_ak("they name no attestation key (HCLAkPub)");
  return {};
}

Status read_vm_configuration(const json::Value& document, RuntimeClaims& claims) {
  const json::Value* vm = document.at("vm-configuration");
  if (vm == nullptr) return {};
  if (vm->as_object() == nullptr) return malformed("vm-configuration is not an object");
  for (const char* name : {"secure-boot", "tpm-enabled", "tpm-persisted", "console-enabled"}) {
    const json::Value* member = vm->at(name);
    if (member != nullptr && member->as_bool() == nullptr) {
      return malformed(concat(name, " is neither true nor false"));
    }
  }
  for (const char* name : {"vmUniqueId", "root-cert-thumbprint"}) {
    const json::Value* member = vm->at(name);
    if (member != nullptr && member->as_string() == nullptr) {
      return malformed(concat(name, " is not text"));
    }
  }
  claims.vm_configuration = *vm->as_object();
  if (const std::string* id = vm->string_at("vmUniqueId")) claims.vm_id = *id;
  if (const json::Value* on = vm->at("secure-boot")) claims.secure_boot = *on->as_bool();
  return {};
}

Status read_user_data(const json::Value& document, RuntimeClaims& claims) {
  const json::Value* member = document.at("user-data");
  if (member == nullptr) return {};
  const std::string* text = member->as_string();
  auto bytes = text == nullptr ? Result<Bytes>(Bytes{}) : hex_decode(*text);
  if (text == nullptr || !bytes.ok() || bytes->size() > kHclUserDataBytesMax) {
    return malformed("user-data is not the hexadecimal form of at most 64 bytes");
  }
  claims.user_data = std::move(*bytes);
  return {};
}

}  // namespace

Result<RuntimeClaims> parse_runtime_claims(ByteView exact_json) {
  const auto parsed = json::parse(exact_json);
  if (!parsed.ok()) return malformed("they are not strict JSON");
  RuntimeClaims claims;
  APM_CHECK_OK(read_keys(*parsed, claims));
  APM_CHECK_OK(read_vm_configuration(*parsed, claims));
  APM_CHECK_OK(read_user_data(*parsed, claims));
  return claims;
}

}  // namespace apm::attestation::azure_vtpm
