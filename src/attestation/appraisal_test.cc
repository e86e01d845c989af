#include "attestation/appraisal.h"

#include <gtest/gtest.h>

namespace apm::attestation {
namespace {

TEST(Appraisal, RequiredRuleRefusesAtOnceAndExpectedRulesAtTheEnd) {
  Appraisal appraisal;
  EXPECT_TRUE(appraisal.require(true, {Stage::kFormat, "size", "4", "4"}).ok());
  appraisal.expect(false, {Stage::kPolicy, "debug_allowed", "on", "off"});
  appraisal.expect(false, {Stage::kPolicy, "too_old", "1", "at least 2"});
  const Status refused = appraisal.require(false, {Stage::kSignature, "signature", "bad", "good"});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().reason, "signature");
  EXPECT_EQ(refused.error().code, Code::kRefused);
  EXPECT_EQ(appraisal.verdict().error().reason, "debug_allowed");
  EXPECT_EQ(appraisal.explain().size(), 4U);
}

TEST(Appraisal, NothingFailedIsAnAcceptance) {
  Appraisal appraisal;
  appraisal.expect(true, {Stage::kPolicy, "debug_allowed", "off", "off"});
  EXPECT_TRUE(appraisal.require(Status(), Stage::kChain, "chain").ok());
  EXPECT_TRUE(appraisal.verdict().ok());
}

TEST(Appraisal, AStepKeepsItsOwnReason) {
  Appraisal appraisal;
  const Status failed = Error(Code::kRefused, "chain_expired", "the certificate has expired");
  EXPECT_EQ(appraisal.require(failed, Stage::kChain, "chain").error().reason, "chain_expired");
  EXPECT_EQ(appraisal.verdict().error().message, "the certificate has expired");
}

TEST(Appraisal, StagesAfterTheLastAreNotCovered) {
  const Appraisal appraisal(Stage::kSignature);
  EXPECT_TRUE(appraisal.covers(Stage::kFormat));
  EXPECT_TRUE(appraisal.covers(Stage::kSignature));
  EXPECT_FALSE(appraisal.covers(Stage::kBinding));
  EXPECT_TRUE(Appraisal().covers(Stage::kPolicy));
  for (const char* name : {"format", "algorithm", "chain", "validity", "signature", "binding",
                           "freshness", "tcb", "policy"}) {
    ASSERT_TRUE(stage_of(name)) << name;
    EXPECT_EQ(stage_name(*stage_of(name)), name);
  }
  EXPECT_FALSE(stage_of("all"));
}

}  // namespace
}  // namespace apm::attestation
