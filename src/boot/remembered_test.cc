#include "boot/remembered.h"

#include "api/api_fixture.h"

namespace apm::boot {
namespace {

class CountingLog final : public Log {
 public:
  void write(LogLevel level, std::string_view, std::string_view,
             std::initializer_list<Field> fields) override {
    if (level != LogLevel::kWarn) return;
    for (const auto& [name, value] : fields) said += concat(name, "=", value, " ");
  }
  std::string said;
};

class Remembered : public api::ApiTest {
 protected:
  api::MasterKeyFacts boot(const std::string& kid, const std::string& policy) {
    clock.advance(Milliseconds(1000));
    log_.said.clear();
    auto facts = remember_release_policy(server.barrier, {kid, policy}, clock, log_);
    EXPECT_TRUE(facts.ok()) << facts.error().message;
    return facts.ok() ? *facts : api::MasterKeyFacts();
  }
  // What reaches auth/apm/config.
  json::Object start_with(const json::Object& keys, const std::string& mount_id = "m1") {
    json::Object written;
    const Status done =
        apply_environment_keys(server.barrier, {mount_id, keys}, [&](json::Object changed) {
          written = std::move(changed);
          return fail_ ? Status(Error(Code::kUnavailable, "planned", "planned")) : Status();
        });
    EXPECT_EQ(done.ok(), !fail_);
    return written;
  }

  CountingLog log_;
  bool fail_ = false;
};

TEST_F(Remembered, AnotherReleasePolicyIsNamedOnceAndShownForEver) {
  const api::MasterKeyFacts first = boot("k/1", "aa");
  EXPECT_EQ(first.previous_policy_sha256, "");
  EXPECT_EQ(boot("k/1", "aa").since_unix_s, first.since_unix_s);
  EXPECT_EQ(log_.said, "");
  const api::MasterKeyFacts changed = boot("k/1", "bb");
  EXPECT_EQ(log_.said, "before_sha256=aa now_sha256=bb before_kid=k/1 now_kid=k/1 ");
  EXPECT_EQ(changed.previous_policy_sha256, "aa");
  EXPECT_EQ(changed.since_unix_s, clock.unix_s());
  const api::MasterKeyFacts later = boot("k/1", "bb");
  EXPECT_EQ(log_.said, "");
  EXPECT_EQ(later.previous_policy_sha256, "aa");
  // A new version of the key under the same policy is no change of the policy.
  const api::MasterKeyFacts rotated = boot("k/2", "bb");
  EXPECT_EQ(log_.said, "");
  EXPECT_EQ(rotated.kid, "k/2");
  EXPECT_EQ(rotated.previous_policy_sha256, "aa");
}

TEST_F(Remembered, ARecordThatIsNotUnderstoodStopsTheBoot) {
  ASSERT_TRUE(server.barrier.put(kReleasePolicyPath, as_bytes("[]")).ok());
  const auto facts = remember_release_policy(server.barrier, {"k", "aa"}, clock, log_);
  EXPECT_FALSE(facts.ok());
}

TEST_F(Remembered, TheEnvironmentsKeysAreWrittenWhenTheyChangeAlone) {
  const json::Object keys{{"epid-api-key", "one"}, {"dcap-api-key", "two"}};
  EXPECT_EQ(start_with(keys).size(), 2U);
  EXPECT_TRUE(start_with(keys).empty()) << "an operator's later edit stays";
  const json::Object other{{"epid-api-key", "one"}, {"dcap-api-key", "three"}};
  EXPECT_EQ(json::write(start_with(other)), R"({"dcap-api-key":"three"})");
  EXPECT_EQ(start_with(other, "m2").size(), 2U) << "the method was made anew";
  const auto kept = server.barrier.get(kEnvironmentKeysPath);
  EXPECT_EQ(std::string(as_text(**kept)).find("three"), std::string::npos);
}

TEST_F(Remembered, WhatCouldNotBeWrittenIsTriedAgain) {
  fail_ = true;
  EXPECT_EQ(start_with(json::Object{{"epid-api-key", "one"}}).size(), 1U);
  fail_ = false;
  EXPECT_EQ(start_with(json::Object{{"epid-api-key", "one"}}).size(), 1U);
}

TEST_F(Remembered, AnOperatorsOwnEnclavePolicyStays) {
  ASSERT_TRUE(server.core.ensure_policy("anjuna-enclave-default-policy", "path \"a\" {}").ok());
  ASSERT_EQ(server
                .ask("PUT", "sys/policies/acl/anjuna-enclave-default-policy",
                     R"({"policy":"path \"b\" {}"})")
                .status,
            204);
  ASSERT_TRUE(server.core.ensure_policy("anjuna-enclave-default-policy", "path \"a\" {}").ok());
  EXPECT_EQ(server.policies.text("anjuna-enclave-default-policy"), "path \"b\" {}");
}

}  // namespace
}  // namespace apm::boot
