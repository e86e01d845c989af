// Evidence files as the body that a server explains.

#include "cli/evidence/request.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/text.h"

namespace apm::cli::evidence {
namespace {

Result<json::Object> request(const std::string& family, const char* input, json::Object others) {
  const auto c = Case::from_words(family, {input, Bytes{1, 2, 3}}, std::move(others), 0);
  EXPECT_TRUE(c.ok()) << (c.ok() ? "" : c.error().message);
  if (!c.ok()) return c.error();
  return explain_request(*c);
}

std::string member(const Result<json::Object>& body, std::string_view name) {
  if (!body.ok()) return "error: " + body.error().reason;
  const json::Value* found = body->find(name);
  return found == nullptr ? "absent" : json::write(*found);
}

TEST(ExplainRequest, FamiliesHaveTheMembersOfALogin) {
  const auto snp = request("snp", "report", {{"crl", "hex:05"}});
  EXPECT_EQ(member(snp, "family"), "\"snp\"");
  EXPECT_EQ(member(snp, "report"), "\"AQID\"");
  EXPECT_EQ(member(snp, "amd_crl"), "\"BQ==\"");
  EXPECT_EQ(member(snp, "vcek_chain"), "absent");
  EXPECT_EQ(member(request("nitro", "doc", {}), "document"), "\"AQID\"");
  EXPECT_EQ(member(request("sgx", "quote", {}), "quote"), "\"AQID\"");
  EXPECT_EQ(member(request("tdx", "quote", {}), "family"), "\"tdx\"");
  const auto maa = request("maa", "jwt", {{"jwks", "hex:7b7d"}});
  EXPECT_EQ(member(maa, "token"), R"("\u0001\u0002\u0003")");
  EXPECT_EQ(member(maa, "jwks"), "\"{}\"");
  const std::string zeros(64 * 24, '0');
  const auto azure = request(
      "azure", "hcl", {{"tpm_msg", "hex:06"}, {"tpm_sig", "hex:07"}, {"pcrs", "hex:" + zeros}});
  EXPECT_EQ(member(azure, "family"), "\"azure-snp-vtpm\"");
  EXPECT_EQ(member(azure, "quote"), R"({"attest":"Bg==","signature":"Bw=="})");
  ASSERT_TRUE(azure.ok());
  EXPECT_EQ(azure->find("pcrs")->as_object()->size(), 24U);
}

TEST(ExplainRequest, WhatTheServerDecidesIsRefusedAndNotIgnored) {
  for (const char* input : {"report_data", "policy_vmpl_max", "allow_vlek", "allow_debug", "root",
                            "host_data_preimage"}) {
    EXPECT_EQ(member(request("snp", "report", {{input, "hex:01"}}), "family"), "error: case_input")
        << input;
  }
  EXPECT_EQ(member(request("nitro", "doc", {{"nonce", "hex:01"}}), "family"), "error: case_input");
  EXPECT_EQ(member(request("maa", "jwt", {{"expected_issuer", "x"}, {"jwks", "hex:7b7d"}}), "x"),
            "error: case_input");
  EXPECT_EQ(member(request("tpm", "tpm_msg", {}), "x"), "error: case_input");
  EXPECT_EQ(member(request("azure", "hcl", {}), "x"), "error: case_input");  // no quote
}

TEST(ExplainRequest, ASavedLoginIsSentWithoutItsNonce) {
  const auto body =
      explain_request(as_bytes(R"({"family": "snp", "nonce": "n", "report": "AA=="})"));
  EXPECT_EQ(member(body, "report"), "\"AA==\"");
  EXPECT_EQ(member(body, "nonce"), "absent");
  EXPECT_EQ(member(explain_request(as_bytes("{}")), "x"), "error: case_input");
  EXPECT_EQ(member(explain_request(as_bytes("{")), "x"), "error: case_input");
}

}  // namespace
}  // namespace apm::cli::evidence
