#pragma once

// A vault of the tests' own: CA, signer, master key, and the answer to a key release, of which each
// part can be made wrong alone. For tests; one thread.

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "base/encoding.h"
#include "base/json.h"
#include "crypto/aead.h"
#include "crypto/jws.h"
#include "crypto/x509_build.h"
#include "skr/release_answer.h"

namespace apm::skr::testing {

inline constexpr std::int64_t kNow = 1'790'000'000;
inline constexpr const char* kHost = "apmkv.vault.azure.net";
inline constexpr const char* kKid = "https://apmkv.vault.azure.net/keys/apm-master-key/0a1b";
inline constexpr const char* kPolicy =
    R"({"version":"1.0.0","anyOf":[{"authority":"https://sharedsim.sim.attest.azure.net/","allOf":[)"
    R"({"claim":"x-ms-isolation-tee.x-ms-attestation-type","equals":"sevsnpvm"},)"
    R"({"claim":"x-ms-isolation-tee.x-ms-compliance-status","equals":"azure-compliant-cvm"}]}]})";

inline crypto::PrivateKey rsa() {
  return std::move(crypto::PrivateKey::generate_rsa(2048)).value();
}

using Change = std::function<void(json::Object&)>;
// A change that leaves out a member, or gives it another value.
inline Change without(std::string name) {
  return [name = std::move(name)](json::Object& in) { in.erase(name); };
}
inline Change with(std::string name, json::Value value) {
  return
      [name = std::move(name), value = std::move(value)](json::Object& in) { in.set(name, value); };
}

struct Said {
  std::string host = kHost;
  std::string nonce = "n1";
  std::string enc = "RSA_AES_KEY_WRAP_256";
  std::string transfer_kid = "T";
  std::string kid = kKid;
  std::string policy = kPolicy;
  bool sign_with_other = false;
  // Of the signed header, the payload, its request, its response's key with policy, the public key,
  // and what key_hsm holds.
  Change header, payload, request, released, key, hsm;
};

class VaultAnswer : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { keys_ = new Keys{rsa(), rsa(), rsa(), rsa()}; }
  static void TearDownTestSuite() {
    delete keys_;
    keys_ = nullptr;
  }

  struct Keys {
    crypto::PrivateKey ca, signer, master, other;
  };

  [[nodiscard]] std::string answer(const Said& said) {
    crypto::CertificateSpec ca_spec;
    ca_spec.common_name = "test CA";
    ca_spec.is_ca = true;
    ca_spec.not_before_s = kNow - 1000;
    ca_spec.not_after_s = kNow + 1000;
    const auto ca_public = keys_->ca.public_key();
    const auto ca = crypto::build_certificate(ca_spec, *ca_public, nullptr, keys_->ca);
    crypto::CertificateSpec leaf_spec = ca_spec;
    leaf_spec.common_name = "vault";
    leaf_spec.is_ca = false;
    leaf_spec.server_auth = true;
    leaf_spec.dns_names = {said.host};
    const auto leaf =
        crypto::build_certificate(leaf_spec, *keys_->signer.public_key(), &*ca, keys_->ca);
    expected_.ca_pem = ca->pem();
    json::Object header{{"alg", "RS256"},
                        {"x5c", json::Array{json::Value(base64_encode(leaf->der())),
                                            json::Value(base64_encode(ca->der()))}}};
    apply(said.header, header);
    const auto& signer = said.sign_with_other ? keys_->other : keys_->signer;
    return std::move(crypto::sign_rs256(std::move(header), payload(said), signer)).value();
  }

  [[nodiscard]] json::Value payload(const Said& said) {
    json::Object request{{"enc", said.enc},
                         {"kid", "https://apmkv.vault.azure.net/keys/apm-master-key"},
                         {"nonce", said.nonce}};
    apply(said.request, request);
    json::Object released{
        {"key", key(said)},
        {"release_policy", json::Object{{"data", base64url_encode(as_bytes(said.policy))}}}};
    apply(said.released, released);
    json::Object out{{"request", std::move(request)},
                     {"response", json::Object{{"key", std::move(released)}}}};
    apply(said.payload, out);
    return out;
  }

  [[nodiscard]] json::Object key(const Said& said) {
    const auto master = keys_->master.public_key();
    json::Object out{{"kid", said.kid},
                     {"kty", "RSA-HSM"},
                     {"n", base64url_encode(std::move(master->rsa_modulus()).value())},
                     {"e", "AAEAAQ"},
                     {"key_hsm", base64url_encode(as_bytes(hsm(said)))}};
    apply(said.key, out);
    return out;
  }

  [[nodiscard]] std::string hsm(const Said& said) {
    Bytes sealed(256, 1);
    append(sealed, ByteView(wrapped(std::move(keys_->master.pkcs8_der()).value().view())));
    json::Object out{
        {"schema_version", "1.0"},
        {"header", json::Object{{"kid", said.transfer_kid}, {"alg", "dir"}, {"enc", said.enc}}},
        {"ciphertext", base64url_encode(sealed)}};
    apply(said.hsm, out);
    return json::write(std::move(out));
  }

  [[nodiscard]] Bytes wrapped(ByteView der) const {
    return std::move(crypto::kwp_wrap(aes_, der)).value();
  }

  void expect_refused(const Said& said, const std::string& reason) {
    const auto verified = verify_release_answer(answer(said), expected_);
    ASSERT_FALSE(verified.ok()) << reason;
    EXPECT_EQ(verified.error().code, Code::kRefused);
    EXPECT_EQ(verified.error().reason, reason) << verified.error().message;
  }

  static void apply(const Change& change, json::Object& in) {
    if (change) change(in);
  }

  static inline Keys* keys_ = nullptr;
  crypto::SecretBytes aes_ = crypto::SecretBytes::random(32);
  ReleaseExpectation expected_{
      {kHost, "apm-master-key", ""}, "n1", "RSA_AES_KEY_WRAP_256", "T", "", kNow};
};

}  // namespace apm::skr::testing
