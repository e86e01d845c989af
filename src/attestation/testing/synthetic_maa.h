#pragma once

// A provider of Microsoft Azure Attestation made of a software key, for tests only: its key set,
// and tokens of every shape that it issues. Every part can be edited before it is signed, so that a
// test can make a token in which exactly one thing is wrong. Not part of any program.

#include <functional>
#include <stdexcept>
#include <string>

#include "attestation/maa/verify.h"
#include "base/encoding.h"
#include "crypto/jws.h"
#include "crypto/x509_build.h"

namespace apm::attestation::testing {

class SyntheticMaa {
 public:
  static constexpr std::int64_t kIssuedAt = 1'790'000'000;
  static constexpr std::string_view kIssuer = "https://apmtest.eus2.attest.azure.net";
  static constexpr std::string_view kKid = "a/b+c==";
  static constexpr std::string_view kPolicyHash = "QsNi9UE365SgcskuV_a4p-uFQyGlNcIlQkrsi0UIy7o";

  // ---- What a test may change before token() or key_set() ----
  std::function<void(json::Object&)> edit_header = [](json::Object&) {};
  std::function<void(json::Object&)> edit_payload = [](json::Object&) {};
  std::function<void(json::Object&)> edit_key = [](json::Object&) {};
  crypto::CertificateSpec spec;

  // One key for all, because making one takes long.
  SyntheticMaa() : SyntheticMaa(copy_of(once_for_signing())) {}
  // Another provider, with a key of its own.
  static SyntheticMaa stranger() {
    return SyntheticMaa(must(crypto::PrivateKey::generate_rsa(2048)));
  }
  explicit SyntheticMaa(crypto::PrivateKey key)
      : key_(std::move(key)), tpm_key_(copy_of(once_for_tpm())) {
    spec.common_name = kIssuer;
    spec.not_before_s = kIssuedAt - 86400;
    spec.not_after_s = kIssuedAt + 86400;
  }

  template <class T>
  static T must(Result<T> result) {
    if (!result.ok()) throw std::runtime_error(result.error().message);
    return std::move(result).value();
  }

  [[nodiscard]] crypto::PublicKey tpm_key() const { return must(tpm_key_.public_key()); }
  [[nodiscard]] const crypto::PrivateKey& tpm_private_key() const { return tpm_key_; }
  [[nodiscard]] crypto::PublicKey signing_key() const { return must(key_.public_key()); }

  [[nodiscard]] crypto::Certificate certificate() const {
    return must(crypto::build_certificate(spec, must(key_.public_key()), nullptr, key_));
  }
  // Of one certificate: each call of certificate() makes another.
  [[nodiscard]] std::string key_set_text(const crypto::Certificate& certificate) const {
    json::Object key{
        {"kid", kKid}, {"kty", "RSA"}, {"x5c", json::Array{base64_encode(certificate.der())}}};
    edit_key(key);
    return json::write(json::Object{{"keys", json::Array{json::Value(std::move(key))}}});
  }
  [[nodiscard]] std::string key_set_text() const { return key_set_text(certificate()); }
  [[nodiscard]] maa::Jwks key_set() const { return must(maa::Jwks::parse(key_set_text())); }

  [[nodiscard]] json::Object header() const {
    return {
        {"alg", "RS256"}, {"jku", std::string(kIssuer) + "/certs"}, {"kid", kKid}, {"typ", "JWT"}};
  }

  [[nodiscard]] json::Object rsa_jwk(std::string_view kid, const char* operation) const {
    const crypto::PublicKey key = tpm_key();
    return {{"kid", kid},
            {"kty", "RSA"},
            {"key_ops", json::Array{operation}},
            {"n", base64url_encode(must(key.rsa_modulus()))},
            {"e", base64url_encode(must(key.rsa_exponent()))}};
  }

  static std::string hex(std::size_t size, unsigned char byte) {
    return hex_encode(Bytes(size, byte));
  }

  static void add_snp(json::Object& to) {
    to.set("x-ms-attestation-type", "sevsnpvm");
    to.set("x-ms-compliance-status", "azure-compliant-cvm");
    to.set("x-ms-sevsnpvm-is-debuggable", false);
    to.set("x-ms-sevsnpvm-migration-allowed", false);
    to.set("x-ms-sevsnpvm-vmpl", 0);
    to.set("x-ms-sevsnpvm-launchmeasurement", hex(48, 1));
    to.set("x-ms-sevsnpvm-hostdata", hex(32, 2));
    to.set("x-ms-sevsnpvm-idkeydigest", hex(48, 3));
    to.set("x-ms-sevsnpvm-reportdata", hex(64, 4));
    for (const char* name : {"bootloader-svn", "tee-svn", "snpfw-svn", "microcode-svn", "guestsvn"})
      to.set(std::string("x-ms-sevsnpvm-") + name, 5);
  }
  static void add_tdx(json::Object& to) {
    to.set("x-ms-attestation-type", "tdxvm");
    to.set("x-ms-compliance-status", "azure-compliant-cvm");
    to.set("attester_tcb_status", "UpToDate");
    to.set("tdx_td_attributes_debug", false);
    to.set("tdx_mrtd", hex(48, 1));
    for (const char* name : {"tdx_rtmr0", "tdx_rtmr1", "tdx_rtmr2", "tdx_rtmr3"})
      to.set(name, hex(48, 2));
    to.set("tdx_report_data", hex(64, 4));
  }
  static void add_sgx(json::Object& to) {
    to.set("x-ms-attestation-type", "sgx");
    to.set("x-ms-sgx-is-debuggable", false);
    to.set("x-ms-sgx-mrenclave", hex(32, 1));
    to.set("x-ms-sgx-mrsigner", hex(32, 2));
    to.set("x-ms-sgx-product-id", 1);
    to.set("x-ms-sgx-svn", 5);
    to.set("x-ms-sgx-report-data", hex(64, 4));
  }

  // What every attestation result has.
  [[nodiscard]] static json::Object base() {
    return {{"iss", kIssuer},
            {"iat", kIssuedAt},
            {"nbf", kIssuedAt},
            {"exp", kIssuedAt + 28800},
            {"x-ms-policy-hash", kPolicyHash},
            {"x-ms-ver", "1.0"}};
  }

  [[nodiscard]] json::Object azure_vm(void (*add_tee)(json::Object&)) const {
    json::Object out = base();
    out.set("x-ms-attestation-type", "azurevm");
    out.set("secureboot", true);
    for (const char* name : {"bootdebug", "kerneldebug", "hypervisordebug", "testsigning"})
      out.set(std::string("x-ms-azurevm-") + name + "-enabled", false);
    json::Object tee;
    add_tee(tee);
    tee.set("x-ms-runtime",
            json::Object{{"keys", json::Array{json::Value(rsa_jwk("HCLAkPub", "sign")),
                                              json::Value(rsa_jwk("HCLEkPub", "encrypt"))}}});
    out.set("x-ms-isolation-tee", std::move(tee));
    out.set(
        "x-ms-runtime",
        json::Object{
            {"client-payload", json::Object{{"nonce", base64_encode(as_bytes("abc"))}}},
            {"keys", json::Array{json::Value(rsa_jwk("TpmEphemeralEncryptionKey", "encrypt"))}}});
    return out;
  }

  [[nodiscard]] std::string token(json::Object payload) const {
    json::Object head = header();
    edit_header(head);
    edit_payload(payload);
    return must(crypto::sign_rs256(std::move(head), std::move(payload), key_));
  }
  // Signed as given, byte by byte.
  [[nodiscard]] std::string raw_token(std::string_view head, std::string_view payload) const {
    std::string text = base64url_encode(as_bytes(head)) + "." + base64url_encode(as_bytes(payload));
    const Bytes signature = must(key_.sign_rsa_pkcs1(crypto::Hash::kSha256, as_bytes(text)));
    return text + "." + base64url_encode(signature);
  }

 private:
  static const crypto::PrivateKey& once_for_signing() {
    static const crypto::PrivateKey key = must(crypto::PrivateKey::generate_rsa(2048));
    return key;
  }
  static const crypto::PrivateKey& once_for_tpm() {
    static const crypto::PrivateKey key = must(crypto::PrivateKey::generate_rsa(2048));
    return key;
  }
  static crypto::PrivateKey copy_of(const crypto::PrivateKey& key) {
    return must(crypto::PrivateKey::from_pkcs8_der(must(key.pkcs8_der()).view()));
  }

  crypto::PrivateKey key_;
  crypto::PrivateKey tpm_key_;
};

}  // namespace apm::attestation::testing
