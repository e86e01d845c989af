#include "boot/handover.h"

#include "api/api_fixture.h"

namespace apm::boot {
namespace {

using api::HandoverStage;

// A key vault that keeps what it is given; `fail`: it answers nothing.
class OneSecret final : public SecretVault {
 public:
  Result<std::optional<std::string>> get(const std::string&, const std::string&) override {
    return values.empty() ? std::optional<std::string>() : std::optional(values.back());
  }
  Result<std::string> set(const std::string& name, const std::string& value) override {
    return set_until(name, value, 0);
  }
  Result<std::string> set_until(const std::string& name, const std::string& value,
                                std::int64_t expires_unix_s) override {
    if (fail) return Error(Code::kUnavailable, "vault_gone", "planned");
    EXPECT_EQ(name, "apm-root-token");
    values.push_back(value);
    expires = expires_unix_s;
    return concat("v", values.size());
  }
  Result<std::vector<Version>> versions(const std::string&) override {
    return std::vector<Version>();
  }
  [[nodiscard]] std::string name() const override { return "apmkv"; }

  std::vector<std::string> values;
  std::int64_t expires = 0;
  bool fail = false;
};

class BootHandover : public api::ApiTest {
 protected:
  Result<HandoverOutcome> boot() { return hand_over(server.core, vault_, plan_); }
  HandoverDone done() {
    auto outcome = boot();
    EXPECT_TRUE(outcome.ok()) << outcome.error().message;
    return outcome.ok() ? outcome->done : HandoverDone::kConfirmed;
  }
  bool alive(const std::string& token) { return server.tokens.lookup(token).ok(); }

  OneSecret vault_;
  HandoverPlan plan_{3600, nullptr};
};

TEST_F(BootHandover, OneTokenUntilItEndsAndItsEndIsToldToKeyVault) {
  EXPECT_EQ(done(), HandoverDone::kDelivered);
  ASSERT_TRUE(alive(vault_.values[0]));
  EXPECT_EQ(vault_.expires, clock.unix_s() + 3600);
  EXPECT_EQ(done(), HandoverDone::kAlreadyDelivered);
  clock.advance(Milliseconds(3'600'000));
  EXPECT_EQ(done(), HandoverDone::kDelivered);
  ASSERT_EQ(vault_.values.size(), 2U);
  EXPECT_FALSE(alive(vault_.values[0]));
  EXPECT_TRUE(alive(vault_.values[1]));
}

TEST_F(BootHandover, NeverIsSaidAsNoEnd) {
  plan_.ttl_s.reset();
  EXPECT_EQ(done(), HandoverDone::kDelivered);
  EXPECT_EQ(vault_.expires, 0);
  EXPECT_EQ(api::read_handover(server.barrier)->expires_unix_s, 0);
}

TEST_F(BootHandover, AnInterruptedDeliveryLeavesNoTokenBehind) {
  vault_.fail = true;
  const auto failed = boot();
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().reason, "vault_gone");
  const std::size_t with_lost_one = server.tokens.size();
  EXPECT_EQ(api::read_handover(server.barrier)->stage, HandoverStage::kMinted);
  vault_.fail = false;
  EXPECT_EQ(done(), HandoverDone::kDelivered);
  EXPECT_EQ(server.tokens.size(), with_lost_one) << "the lost one is revoked";
}

// A boot that ended between the record and the token.
TEST_F(BootHandover, ARecordWithoutItsTokenIsSuperseded) {
  api::Handover record;
  record.stage = HandoverStage::kMinted;
  record.accessor = expiry::new_accessor();
  record.secret_name = kRootTokenSecret;
  record.minted_unix_s = clock.unix_s();
  ASSERT_TRUE(api::write_handover(server.barrier, record).ok());
  EXPECT_EQ(done(), HandoverDone::kDelivered);
  const auto after = api::read_handover(server.barrier);
  EXPECT_NE(after->accessor, record.accessor);
  EXPECT_EQ(server.tokens.lookup(vault_.values[0])->accessor, after->accessor);
}

TEST_F(BootHandover, AfterTheConfirmationNoneEver) {
  EXPECT_EQ(done(), HandoverDone::kDelivered);
  ASSERT_TRUE(api::confirm_handover(server.core, {{}, "", true}).ok());
  EXPECT_FALSE(alive(vault_.values[0]));
  clock.advance(Milliseconds(999'000'000));
  EXPECT_EQ(done(), HandoverDone::kConfirmed);
  EXPECT_EQ(vault_.values.size(), 1U);
}

TEST_F(BootHandover, AConfirmationThatWasInterruptedIsFinished) {
  EXPECT_EQ(done(), HandoverDone::kDelivered);
  api::Handover record = *api::read_handover(server.barrier);
  record.stage = HandoverStage::kConfirming;
  ASSERT_TRUE(api::write_handover(server.barrier, record).ok());
  ASSERT_TRUE(alive(vault_.values[0]));
  EXPECT_EQ(done(), HandoverDone::kConfirmed);
  EXPECT_FALSE(alive(vault_.values[0]));
  EXPECT_EQ(api::read_handover(server.barrier)->stage, HandoverStage::kConfirmed);
}

TEST_F(BootHandover, WithAnAdministratorsKeyTheVaultHoldsNoToken) {
  const auto key = crypto::PrivateKey::generate_rsa(3072);
  const auto admin = parse_admin_key(key->public_key()->spki_pem());
  ASSERT_TRUE(admin.ok());
  plan_.admin_key = &*admin;
  EXPECT_EQ(done(), HandoverDone::kDelivered);
  ASSERT_TRUE(vault_.values[0].starts_with("apm-admin1."));
  const auto opened = open_with_admin_key(*key, vault_.values[0]);
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  EXPECT_TRUE(alive(std::string(opened->token.text())));
  EXPECT_EQ(opened->context.store_id, (*server.barrier.seal_config())->store_id);
  EXPECT_EQ(api::read_handover(server.barrier)->key_sha256, admin->sha256);
}

}  // namespace
}  // namespace apm::boot
