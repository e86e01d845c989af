#include "sim/maa.h"

#include "base/byte_reader.h"
#include "base/encoding.h"
#include "base/text.h"
#include "crypto/aead.h"
#include "crypto/digest.h"
#include "crypto/jws.h"
#include "crypto/random.h"
#include "sim/limits.h"

namespace apm::sim {
namespace {

constexpr const char* kPolicyText =
    "version= 1.0; authorizationrules { [type==\"secureboot\", value==false] => deny(); "
    "=> permit(); }; issuancerules { };";

std::string policy_hash() {
  return base64url_encode(crypto::sha256(as_bytes(base64url_encode(as_bytes(kPolicyText)))));
}

json::Object isolation_claims(const GuestFacts& facts) {
  const ByteView r = facts.snp_report;
  const auto hex = [&](std::size_t at, std::size_t size) {
    return hex_encode(r.subspan(at, size));
  };
  const auto number = [&](std::size_t at) { return json::Value(unsigned{r[at]}); };
  ByteReader reader(r.subspan(8));
  const std::uint64_t policy = reader.u64_le();
  const auto bit = [&](unsigned n) { return (policy >> n & 1) != 0; };
  const std::string p = "x-ms-sevsnpvm-";
  json::Object out;
  out.set("x-ms-attestation-type", "sevsnpvm");
  out.set("x-ms-compliance-status", "azure-compliant-cvm");
  out.set("x-ms-runtime", facts.runtime);
  out.set(p + "authorkeydigest", hex(0x110, 48));
  out.set(p + "bootloader-svn", number(0x180));
  out.set(p + "ciphertext-hiding-dram-enabled", bit(24));
  out.set(p + "cxl-allowed", bit(21));
  out.set(p + "familyId", hex(0x10, 16));
  out.set(p + "guestsvn", number(0x04));
  out.set(p + "hostdata", hex(0xC0, 32));
  out.set(p + "idkeydigest", hex(0xE0, 48));
  out.set(p + "imageId", hex(0x20, 16));
  out.set(p + "is-debuggable", bit(19));
  out.set(p + "launchmeasurement", hex(0x90, 48));
  out.set(p + "mem-aes256-xts-required", bit(22));
  out.set(p + "microcode-svn", number(0x187));
  out.set(p + "migration-allowed", bit(18));
  out.set(p + "page-swap-disabled", bit(25));
  out.set(p + "rapl-disabled", bit(23));
  out.set(p + "reportdata", hex(0x50, 64));
  out.set(p + "reportid", hex(0x140, 32));
  out.set(p + "singlesocket", bit(20));
  out.set(p + "smt-allowed", bit(16));
  out.set(p + "snpfw-svn", number(0x186));
  out.set(p + "tee-svn", number(0x181));
  out.set(p + "vmpl", number(0x30));
  return out;
}

void add_azure_vm_claims(json::Object& out, const GuestFacts& facts, const TokenFaults& faults) {
  const std::string p = "x-ms-azurevm-";
  json::Array pcrs;
  json::Object values;
  for (const auto& [index, value] : facts.pcrs) {
    pcrs.emplace_back(index);
    values.set(concat("pcr", index), base64_encode(value));
  }
  out.set(p + "attestation-protocol-ver", "2.0");
  if (!faults.no_pcr_values) out.set(p + "attested-pcr-values", std::move(values));
  out.set(p + "attested-pcrs", std::move(pcrs));
  for (const char* off :
       {"bootdebug-enabled", "elam-enabled", "flightsigning-enabled", "hypervisordebug-enabled",
        "is-windows", "kerneldebug-enabled", "testsigning-enabled"}) {
    out.set(p + off, false);
  }
  for (const char* on : {"dbvalidated", "dbxvalidated", "debuggersdisabled",
                         "default-securebootkeysvalidated", "signingdisabled"}) {
    out.set(p + on, true);
  }
  out.set(p + "hvci-policy", 0);
  out.set(p + "osbuild", facts.os_build);
  out.set(p + "osdistro", facts.os_distro);
  out.set(p + "ostype", facts.os_type);
  out.set(p + "osversion-major", facts.os_major);
  out.set(p + "osversion-minor", facts.os_minor);
  out.set(p + "vmid", facts.vm_id);
}

json::Object runtime_claims(const GuestFacts& facts) {
  const json::Object key{{"e", "AQAB"},
                         {"key_ops", json::Array{json::Value("encrypt")}},
                         {"kid", "TpmEphemeralEncryptionKey"},
                         {"kty", "RSA"},
                         {"n", base64url_encode(facts.key_modulus)}};
  json::Object out;
  if (facts.client_payload.as_object() != nullptr) out.set("client-payload", facts.client_payload);
  out.set("keys", json::Array{json::Value(key)});
  return out;
}

// What only the holder of the attested transfer key opens.
Result<std::string> seal_token(const GuestFacts& facts, const std::string& token, bool tamper) {
  APM_TRY(const crypto::PublicKey key,
          crypto::PublicKey::from_rsa(facts.key_modulus, Bytes{1, 0, 1}));
  const crypto::SecretBytes aes = crypto::SecretBytes::random(crypto::kGcmKeySize);
  const Bytes iv = crypto::random_bytes(crypto::kGcmNonceSize);
  APM_TRY(Bytes sealed, crypto::gcm_seal(aes, iv, as_bytes("Transport Key"), as_bytes(token)));
  APM_TRY(const Bytes inner, key.encrypt_pkcs1(aes.view()));
  if (tamper) sealed[0] = static_cast<std::uint8_t>(sealed[0] ^ 1);
  const std::size_t size = sealed.size() - crypto::kGcmTagSize;
  const json::Object envelope{{"AuthenticationData", base64_encode(ByteView(sealed).subspan(size))},
                              {"EncryptedInnerKey", base64_encode(inner)},
                              {"EncryptionParams", json::Object{{"BlockMode", "ChainingModeGCM"},
                                                                {"BlockPadding", "PKCS7"},
                                                                {"Cipher", "AES"},
                                                                {"Iv", base64_encode(iv)},
                                                                {"KeySizeInBits", 256}}},
                              {"Jwt", base64_encode(ByteView(sealed).first(size))}};
  return base64url_encode(as_bytes(json::write(envelope)));
}

}  // namespace

std::string maa_key_id(const Hardware& hardware) {
  return base64_encode(crypto::sha256(hardware.maa.certificate.der()));
}

Result<std::string> make_guest_token(const Settings& settings, const Hardware& hardware,
                                     const GuestFacts& facts, std::int64_t now_s,
                                     const TokenFaults& faults) {
  const std::int64_t issued = faults.expired ? now_s - 2 * kMaaTokenSeconds : now_s;
  const json::Object header{{"alg", "RS256"},
                            {"jku", settings.maa_url() + "/certs"},
                            {"kid", maa_key_id(hardware)},
                            {"typ", "JWT"}};
  json::Object claims{{"exp", issued + kMaaTokenSeconds},
                      {"iat", issued},
                      {"iss", faults.wrong_issuer ? "https://sharedother.sim.attest.azure.net"
                                                  : settings.maa_url()},
                      {"jti", hex_encode(crypto::random_bytes(32))},
                      {"nbf", issued},
                      {"secureboot", true},
                      {"x-ms-attestation-type", "azurevm"}};
  add_azure_vm_claims(claims, facts, faults);
  claims.set("x-ms-isolation-tee", isolation_claims(facts));
  claims.set("x-ms-policy-hash", policy_hash());
  claims.set("x-ms-runtime", runtime_claims(facts));
  claims.set("x-ms-ver", "1.0");
  return crypto::sign_rs256(header, claims, hardware.maa.key);
}

HttpResponse Maa::handle(const HttpRequest& request) const {
  const auto& parts = request.segments;
  const auto at = [&](std::size_t i) {
    return i < parts.size() ? to_lower(parts[i]) : std::string();
  };
  if (at(0) == "attest" && at(1) == "azureguest" && request.method == "POST") {
    return attest(request);
  }
  if (at(0) == "certs" && request.method == "GET") return certs();
  if (at(0) == ".well-known" && request.method == "GET") {
    const std::string base = settings_.maa_url();
    return json_response(
        200,
        json::Object{
            {"issuer", base},
            {"jwks_uri", base + "/certs"},
            {"response_types_supported", json::Array{json::Value("token"), json::Value("none")}},
            {"id_token_signing_alg_values_supported", json::Array{json::Value("RS256")}},
            {"revocation_endpoint", base + "/revoke"},
            {"claims_supported",
             json::Array{json::Value("x-ms-runtime"), json::Value("x-ms-isolation-tee")}}});
  }
  return azure_error(404, "NotFound", "No such path in the simulator");
}

HttpResponse Maa::certs() const {
  return json_response(
      200, json::Object{{"keys", json::Array{json::Value(json::Object{
                                     {"kid", maa_key_id(hardware_)},
                                     {"kty", "RSA"},
                                     {"alg", "RS256"},
                                     {"use", "sig"},
                                     {"x5c", json::Array{json::Value(base64_encode(
                                                 hardware_.maa.certificate.der()))}}})}}});
}

HttpResponse Maa::attest(const HttpRequest& request) const {
  if (request.parameter("api-version").empty()) {
    return azure_error(400, "InvalidParameter", "api-version is missing");
  }
  const auto body = json::parse(request.body);
  const std::string* wrapped = nullptr;
  for (const char* name : {"AttestationInfo", "attestationInfo"}) {
    if (body.ok() && wrapped == nullptr) wrapped = body->string_at(name);
  }
  if (wrapped == nullptr) return azure_error(400, "InvalidParameter", "no AttestationInfo");
  const auto inner = base64_decode_any(*wrapped);
  const auto info = inner.ok() ? json::parse(*inner) : Result<json::Value>(inner.error());
  if (!info.ok()) return azure_error(400, "InvalidParameter", "AttestationInfo is no JSON");
  const std::int64_t now = clock_.unix_s();
  const auto facts = verify_guest(hardware_, *info, now);
  if (!facts.ok()) {
    const bool policy = facts.error().reason == "maa_secure_boot";
    return azure_error(400, policy ? "PolicyEvaluationError" : "InvalidParameter",
                       concat(facts.error().reason, ": ", facts.error().message));
  }
  const TokenFaults faults{request.fault == "expired_token", request.fault == "wrong_issuer",
                           request.fault == "no_pcr_values"};
  const auto token = make_guest_token(settings_, hardware_, *facts, now, faults);
  if (!token.ok()) return azure_error(500, "InternalError", token.error().message);
  const auto sealed = seal_token(*facts, *token, request.fault == "tamper");
  if (!sealed.ok()) return azure_error(500, "InternalError", sealed.error().message);
  HttpResponse out = json_response(200, json::Object{{"token", *sealed}});
  if (!facts->policy_matches_pcrs) {
    out.headers.emplace_back("x-sim-warning", "the transfer key's policy is not the quoted PCRs'");
  }
  return out;
}

}  // namespace apm::sim
