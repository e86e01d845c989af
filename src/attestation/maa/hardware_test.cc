// Tokens that Microsoft Azure Attestation issued for real machines, with expected verdicts.

#include <gtest/gtest.h>

#include <map>

#include "attestation/maa/verify.h"
#include "attestation/testing/vector_cases.h"
#include "crypto/digest.h"
#include "crypto/jws.h"

namespace apm::attestation::maa {
namespace {

using testing::VectorCase;

Result<Verified> run(const VectorCase& c) {
  const Bytes key_set = c.input("jwks");
  APM_TRY(const Jwks keys, Jwks::parse(as_text(key_set)));
  Issuer issuer;
  issuer.url = *c.value("expected_issuer")->as_string();
  issuer.keys = &keys;
  issuer.policy_hashes.reset();  // the cases name none
  Expectation expected;
  expected.issuers.push_back(issuer);
  expected.now_unix_s = c.time();
  const json::Value* debug = c.value("allow_debug");
  expected.floor.allow_debug = debug != nullptr && *debug->as_bool();
  const Bytes token = c.input("jwt");
  Appraisal appraisal;
  return verify(as_text(token), expected, appraisal);
}

json::Object sgx_facts(const SgxClaims& sgx) {
  json::Object out{{"mrenclave", hex_encode(sgx.mrenclave)},
                   {"mrsigner", hex_encode(sgx.mrsigner)}};
  if (!sgx.held_data.empty()) {
    const Bytes hash = crypto::sha256(sgx.held_data);
    out.set("ehd_sha256_matches_report_data", equal(hash, ByteView(sgx.report_data).first(32)));
  }
  return out;
}

json::Object facts_of(const Verified& verified, const crypto::Jws& jws) {
  json::Object out;
  if (verified.token.sgx) out = sgx_facts(*verified.token.sgx);
  out.set("kid", *jws.header.string_at("kid"));
  out.set("iat", verified.issued_at_s);
  out.set("exp", verified.expires_at_s);
  out.set("debuggable", verified.token.debuggable());
  if (const json::Value* runtime = jws.payload.at("x-ms-runtime"))
    out.set("x_ms_runtime", *runtime);
  if (verified.token.nonce) out.set("nonce_b64", base64_encode(*verified.token.nonce));
  if (verified.token.snp) {
    out.set("launchmeasurement", hex_encode(verified.token.snp->launch_measurement));
    out.set("vmpl", verified.token.snp->vmpl);
  }
  return out;
}

const std::map<std::string, std::string>& reasons() {
  static const std::map<std::string, std::string> map = {
      {"maa/neg-expired-aad", "maa_expired"},       {"maa/neg-debug-aad", "maa_debug"},
      {"maa/neg-issuer-aad", "maa_issuer"},         {"maa/neg-alg-none-aad", "maa_algorithm"},
      {"maa/neg-token-type-aad", "maa_token_type"}, {"maa/neg-cross-tenant-aad", "maa_issuer"}};
  return map;
}

TEST(MaaHardware, Cases) {
  const auto cases = testing::vector_cases("maa");
  if (cases.empty()) GTEST_SKIP() << "no vectors at '" << testing::vectors_directory() << "'";
  std::size_t refused = 0;
  for (const VectorCase& c : cases) {
    const std::string id = c.text("id");
    const auto known = reasons().find(id);
    const std::string wanted = known == reasons().end() ? "accept" : known->second;
    const auto result = run(c);
    EXPECT_EQ(result.ok() ? "accept" : result.error().reason, wanted) << id;
    EXPECT_EQ(result.ok(), c.text("expect") == "accept") << id;
    if (!result.ok()) {
      ++refused;
      EXPECT_TRUE(c.facts().empty()) << id << ": nobody reads the facts of a refused token";
      continue;
    }
    const Bytes token = c.input("jwt");
    c.expect_facts(facts_of(*result, *crypto::parse_jws(as_text(token))));
  }
  EXPECT_EQ(refused, reasons().size());
  EXPECT_GE(cases.size(), 10U);
}

// docs/identity.md: what real tokens say of who runs there.
TEST(MaaHardware, IdentitiesOfTheDocumentation) {
  bool seen = false;
  for (const VectorCase& c : testing::vector_cases("maa")) {
    if (c.text("id") == "maa/sgx-simple-aad") {
      const auto sgx = run(c);
      ASSERT_TRUE(sgx.ok());
      EXPECT_EQ(sgx->evidence.enclave_id,
                "292a1f4b519e46627eb2478a3d9851405653c5b4b0a6925de843834d9216850e");
      EXPECT_EQ(sgx->evidence.signer.signer_id,
                "4aea5f9a0ed04b11f889aadfe6a1d376213a29a95a85ce7337ae6f7fece6610c");
      EXPECT_FALSE(sgx->sealing_key().ok());
    }
    if (c.text("id") == "maa/azurevm-snp-eus2-2025") {
      const auto vm = run(c);
      ASSERT_TRUE(vm.ok());
      EXPECT_EQ(vm->evidence.enclave_id, "");
      EXPECT_EQ(vm->evidence.signer.reason, "signer_is_platform");
      EXPECT_EQ(*vm->evidence.claims.find("maa")->string_at("enclave_id_reason"),
                "identity_pcr_missing");
      ASSERT_TRUE(vm->sealing_key().ok());
      EXPECT_EQ((*vm->sealing_key())->bits(), 2048);
      seen = true;
    }
  }
  if (!seen) GTEST_SKIP() << "no vectors at '" << testing::vectors_directory() << "'";
}

// The quote inside the self-signed certificate names the key: exposed, and no part of a verdict.
TEST(MaaHardware, EmbeddedQuote) {
  for (const VectorCase& c : testing::vector_cases("maa")) {
    if (c.text("id") != "maa/azurevm-snp-eus2-2025") continue;
    const auto keys = Jwks::parse(as_text(c.input("jwks")));
    ASSERT_TRUE(keys.ok());
    const SigningKey* key = keys->find("J0pAPdfXXHqWWimgrH853wMIdh5/fLe1z6uSXYPXCa0=");
    ASSERT_NE(key, nullptr);
    EXPECT_GT(embedded_quote(key->certificate).size(), 1000U);
    return;
  }
  GTEST_SKIP() << "no vectors at '" << testing::vectors_directory() << "'";
}

}  // namespace
}  // namespace apm::attestation::maa
