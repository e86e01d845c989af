// Documents of real enclaves with expected verdicts, and their identities as docs/identity.md
// shows them.

#include <gtest/gtest.h>

#include <map>

#include "attestation/nitro/aws_root.h"
#include "attestation/nitro/verify.h"
#include "attestation/testing/vector_cases.h"
#include "crypto/digest.h"

namespace apm::attestation::nitro {
namespace {

using testing::VectorCase;

Result<Verified> run(const VectorCase& c, bool allow_debug) {
  Anchors anchors = Anchors::none();
  APM_TRY(const crypto::Certificate root, crypto::Certificate::from_der(c.input("root")));
  APM_CHECK_OK(anchors.add_named("case", root.pem()));
  Expectation expected;
  expected.anchors = &anchors;
  expected.now_unix_s = c.time();
  expected.floor.allow_debug = allow_debug;
  Appraisal appraisal;
  return verify(c.input("doc"), expected, appraisal);
}

json::Object facts_of(const Document& document) {
  const auto hex = [](const std::optional<Bytes>& bytes) {
    return bytes ? json::Value(hex_encode(*bytes)) : json::Value();
  };
  json::Object out{
      {"module_id", document.module_id},        {"timestamp_ms", document.timestamp_ms},
      {"nonce", hex(document.nonce)},           {"user_data", hex(document.user_data)},
      {"public_key", hex(document.public_key)}, {"debug", document.debug()}};
  for (const auto& [index, value] : document.pcrs) {
    out.set("pcr" + std::to_string(index), hex_encode(value));
  }
  return out;
}

const std::map<std::string, std::string>& reasons() {
  static const std::map<std::string, std::string> map = {
      {"nitro/dstack-2025-debug", "nitro_debug"},
      {"nitro/fortanix-2021-debug", "nitro_debug"},
      {"nitro/automata-2024-debug", "nitro_debug"},
      {"nitro/neg-fortanix-tampered-sig", "nitro_signature_invalid"},
      {"nitro/neg-expired-shared", "nitro_chain_expired"}};
  return map;
}

TEST(NitroHardware, Cases) {
  const auto cases = testing::vector_cases("nitro");
  if (cases.empty()) GTEST_SKIP() << "no vectors at '" << testing::vectors_directory() << "'";
  std::size_t refused = 0;
  for (const VectorCase& c : cases) {
    const std::string id = c.text("id");
    const auto known = reasons().find(id);
    const std::string wanted = known == reasons().end() ? "accept" : known->second;
    const auto result = run(c, false);
    EXPECT_EQ(result.ok() ? "accept" : result.error().reason, wanted) << id;
    EXPECT_EQ(result.ok(), c.text("expect") == "accept") << id;
    if (!result.ok()) ++refused;
    const auto document = parse_document(c.input("doc"));
    ASSERT_TRUE(document.ok()) << id;
    c.expect_facts(facts_of(*document));
    // Debug is all that is wrong with the genuine debug documents.
    EXPECT_EQ(run(c, true).ok(), result.ok() || wanted == "nitro_debug") << id;
  }
  EXPECT_EQ(refused, reasons().size());
  EXPECT_GE(cases.size(), 11U);
}

TEST(NitroHardware, IdentitiesOfTheDocumentation) {
  const std::map<std::string, std::pair<std::string, std::string>> ids = {
      {"nitro/anjuna-2021",
       {"1115144da04a6487add3e52f72d617aa3d5c44a53e64921a6833125185a542eb", ""}},
      {"nitro/evervault-2022",
       {"f8e963a0437820b08fdbf84177941622de5975c0cf3e141b9f41c5ac0af080d4",
        "33f8970081d39a63c7f0aecbd3c2e2d40b768692b508b907c1b3de14080db7c2"}}};
  std::size_t seen = 0;
  for (const VectorCase& c : testing::vector_cases("nitro")) {
    const auto known = ids.find(c.text("id"));
    if (known == ids.end()) continue;
    const auto result = run(c, false);
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result->evidence.enclave_id, known->second.first);
    EXPECT_EQ(result->evidence.signer.signer_id, known->second.second);
    ++seen;
  }
  if (seen == 0) GTEST_SKIP() << "no vectors at '" << testing::vectors_directory() << "'";
  EXPECT_EQ(seen, ids.size());
}

TEST(NitroHardware, BuiltInRootIsAws) {
  EXPECT_EQ(hex_encode(crypto::sha256(aws_root())),
            "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b");
  const auto anchors = Anchors::vendor();
  ASSERT_TRUE(anchors.ok());
  ASSERT_NE(anchors->find(aws_root()), nullptr);
  EXPECT_EQ(anchors->find(aws_root())->name, "aws");
}

}  // namespace
}  // namespace apm::attestation::nitro
