// Authorisations with a claims policy: matched at each read against the facts that a token carries.

#include "auth/apm/authorisations.h"

#include <gtest/gtest.h>

#include "base/clock.h"
#include "storage/leased_memory_store.h"

namespace apm::auth_apm {
namespace {

const std::string kEnclave(64, 'e');
const std::string kSigner(64, '5');
constexpr const char* kPath = "anjuna/dek";

class ApmAuthorisations : public ::testing::Test {
 protected:
  void SetUp() override {
    auto plan = barrier_.plan_init(barrier::StoreKind::kTest, {1, 1});
    ASSERT_TRUE(plan.ok()) << plan.error().message;
    ASSERT_TRUE(barrier_.commit_init(std::move(*plan)).ok());
    open();
  }
  void open() {
    all_ = std::make_unique<Authorisations>(barrier::View(barrier_, "auth/1/"));
    ASSERT_TRUE(all_->load().ok());
  }
  std::string add(const char* claims) {
    json::Object data{{"enclave", kEnclave}, {"signer", kSigner}, {"secret", "dek"}};
    if (claims != nullptr) data.set("claims", claims);
    const auto read = read_authorisation(data, true);
    if (!read.ok()) return read.error().reason;
    const Status added = all_->add(*read);
    return added.ok() ? "added" : added.error().reason;
  }
  [[nodiscard]] bool reads(const json::Object& facts, const std::string& family = "snp") const {
    return all_->allows_read({kEnclave, kSigner, family, "amd", facts}, kPath);
  }
  static json::Object vmpl(int value) {
    return {{"sevsnp", json::Object{{"vmpl", value}, {"chip_id", "c1"}}}};
  }

  ManualClock clock_{1'790'000'000};
  storage::LeasedMemoryStore store_;
  barrier::Barrier barrier_{store_, clock_};
  std::unique_ptr<Authorisations> all_;
};

TEST_F(ApmAuthorisations, ApplyOnlyWhenTheClaimsPolicyPasses) {
  ASSERT_EQ(add(R"({"allOf": [{"claim": "family", "equals": "snp"},
                              {"claim": "sevsnp.vmpl", "lessOrEquals": 1}]})"),
            "added");
  open();  // from storage
  EXPECT_TRUE(reads(vmpl(1)));
  EXPECT_FALSE(reads(vmpl(2)));
  EXPECT_FALSE(reads(vmpl(1), "azure-snp-vtpm"));
  EXPECT_FALSE(reads({}));
}

TEST_F(ApmAuthorisations, EveryOperatorGuardsAReadByItself) {
  struct Row {
    const char* claims;
    bool reads;  // of VMPL 1
  };
  const Row rows[] = {{R"({"claim": "sevsnp.vmpl", "equals": 1})", true},
                      {R"({"claim": "sevsnp.vmpl", "equals": 2})", false},
                      {R"({"claim": "sevsnp.vmpl", "notEquals": 2})", true},
                      {R"({"claim": "sevsnp.vmpl", "notEquals": 1})", false},
                      {R"({"claim": "sevsnp.vmpl", "in": [0, 1]})", true},
                      {R"({"claim": "sevsnp.vmpl", "in": [2, 3]})", false},
                      {R"({"claim": "sevsnp.vmpl", "less": 2})", true},
                      {R"({"claim": "sevsnp.vmpl", "less": 1})", false},
                      {R"({"claim": "sevsnp.vmpl", "greater": 0})", true},
                      {R"({"claim": "sevsnp.vmpl", "greater": 1})", false},
                      {R"({"claim": "sevsnp.vmpl", "lessOrEquals": 0})", false},
                      {R"({"claim": "sevsnp.vmpl", "greaterOrEquals": 2})", false},
                      {R"({"claim": "sevsnp.chip_id", "exists": true})", true},
                      {R"({"claim": "sevsnp.chip_id", "exists": false})", false},
                      {R"({"claim": "sevsnp.chip_id", "notEquals": "c1"})", false},
                      {R"({"claim": "tdx.mrtd", "notEquals": "00"})", false}};
  for (const Row& row : rows) {
    ASSERT_EQ(add(row.claims), "added") << row.claims;
    EXPECT_EQ(reads(vmpl(1)), row.reads) << row.claims;
  }
  EXPECT_EQ(all_->all().size(), 1U);  // each replaced the one before
}

TEST_F(ApmAuthorisations, FactsCannotPoseAsTheIdentity) {
  ASSERT_EQ(add(R"({"claim": "family", "equals": "tdx"})"), "added");
  EXPECT_FALSE(reads({{"family", "tdx"}}));
  ASSERT_EQ(add(R"({"claim": "trust_anchor", "equals": "intel"})"), "added");
  EXPECT_FALSE(reads({{"trust_anchor", "intel"}}));
  ASSERT_EQ(add(R"({"claim": "enclave_id", "notEquals": "x"})"), "added");
  EXPECT_TRUE(reads({{"enclave_id", "x"}}));
}

TEST_F(ApmAuthorisations, APolicyIsReplacedAndNeverSilentlyLost) {
  ASSERT_EQ(add(nullptr), "added");
  EXPECT_TRUE(reads(vmpl(2)));
  ASSERT_EQ(add(R"({"claim": "sevsnp.vmpl", "equals": 0})"), "added");
  EXPECT_FALSE(reads(vmpl(2)));
  EXPECT_EQ(add(nullptr), "authorization_restricted");
  EXPECT_EQ(add(""), "authorization_restricted");
  open();
  EXPECT_FALSE(reads(vmpl(2)));
  ASSERT_EQ(add(R"({"claim": "sevsnp.vmpl", "equals": 2})"), "added");
  EXPECT_TRUE(reads(vmpl(2)));
  const std::string id = all_->all().front().id();
  ASSERT_TRUE(all_->remove(id).ok());
  EXPECT_FALSE(reads(vmpl(2)));
  EXPECT_EQ(add(nullptr), "added");
  EXPECT_TRUE(reads(vmpl(3)));
}

TEST_F(ApmAuthorisations, APolicyIsValidatedWhenItIsWritten) {
  EXPECT_EQ(add(R"({"claim": "sevsnp.vmpl", "is": 1})"), "policy_syntax");
  EXPECT_EQ(add(R"({"claim": "snp.vmpl", "equals": 1})"), "policy_claim_unknown");
  EXPECT_EQ(add("{"), "policy_syntax");
  const auto read = read_authorisation(
      {{"signer", kSigner},
       {"secret", "dek"},
       {"claims",
        json::Object{{"allOf", json::Array{json::Object{{"claim", "snp.vmpl"}, {"equals", 1}}}}}}},
      false);
  ASSERT_FALSE(read.ok());
  EXPECT_NE(read.error().message.find("allOf[0]"), std::string::npos) << read.error().message;
}

TEST_F(ApmAuthorisations, AnEnclaveMayBeNamedWithoutASigner) {
  const auto read = read_authorisation({{"enclave", kEnclave}, {"secret", "dek"}}, true);
  ASSERT_TRUE(read.ok());
  ASSERT_TRUE(all_->add(*read).ok());
  open();
  EXPECT_TRUE(all_->allows_read({kEnclave, "", "tdx", "intel", {}}, kPath));
  EXPECT_TRUE(all_->allows_read({kEnclave, kSigner, "sgx", "intel", {}}, kPath));
  EXPECT_FALSE(all_->allows_read({std::string(64, 'a'), "", "tdx", "intel", {}}, kPath));
  EXPECT_FALSE(all_->allows_read({"", kSigner, "sgx", "intel", {}}, kPath));
  EXPECT_FALSE(read_authorisation({{"secret", "dek"}}, false).ok());
  EXPECT_FALSE(
      read_authorisation({{"enclave", kEnclave}, {"signer", ""}, {"secret", "d"}}, true).ok());
}

TEST_F(ApmAuthorisations, MatchesSayWhatRefuses) {
  ASSERT_EQ(add(R"({"claim": "sevsnp.vmpl", "equals": 0})"), "added");
  const auto matches = all_->matches({kEnclave, kSigner, "snp", "amd", vmpl(2)});
  ASSERT_EQ(matches.size(), 1U);
  EXPECT_FALSE(matches[0].claims.passed);
  ASSERT_NE(matches[0].claims.decisive(), nullptr);
  EXPECT_EQ(matches[0].claims.decisive()->found, "2");
  EXPECT_TRUE(all_->matches({kEnclave, std::string(64, '6'), "snp", "amd", vmpl(2)}).empty());
  EXPECT_TRUE(all_->matches({kEnclave, "", "snp", "amd", vmpl(2)}).empty());
}

}  // namespace
}  // namespace apm::auth_apm
