// AzureAttestSKR as a program, up to the TPM that this machine of the tests does not have: what is
// read before it, and how it ends. scripts/prove skr goes on from there.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "base/text.h"
#include "crypto/x509_build.h"
#include "skr/attest_skr_cli.h"
#include "skr/limits.h"

namespace apm::skr {
namespace {

constexpr int kUsage = 1;
constexpr int kNoTpm = 2;

class Lines final : public Log {
 public:
  void write(LogLevel, std::string_view, std::string_view message,
             std::initializer_list<Field> fields) override {
    text += message;
    for (const auto& [name, value] : fields) text += concat(" ", name, "=", value);
    text += '\n';
  }
  std::string text;
};

class AttestSkrRun : public ::testing::Test {
 protected:
  void SetUp() override {
    crypto::CertificateSpec spec;
    spec.common_name = "test CA";
    spec.is_ca = true;
    spec.not_after_s = 4'000'000'000;
    const auto key = crypto::PrivateKey::generate_ec(crypto::Curve::kP256);
    const auto ca = crypto::build_certificate(spec, *key->public_key(), nullptr, *key);
    std::ofstream(ca_file_) << ca->pem();
  }
  int run(const std::vector<std::string>& more) {
    std::vector<std::string> words{"-k",
                                   "https://v.vault.azure.net/keys/k",
                                   "--test",
                                   "--ca-file",
                                   ca_file_,
                                   "--connect-to",
                                   "127.0.0.1:1",
                                   "--imds",
                                   "http://127.0.0.1:1",
                                   "--tcti",
                                   "swtpm:path=/nonexistent"};
    words.insert(words.end(), more.begin(), more.end());
    log_.text.clear();
    return run_attest_skr(words, log_);
  }
  const std::string ca_file_ = ::testing::TempDir() + "apm_skr_run_ca.pem";
  Lines log_;
};

TEST_F(AttestSkrRun, TheErrorAndTheTestAnchorsAreLogged) {
  EXPECT_EQ(run({"-r"}), kNoTpm) << log_.text;
  EXPECT_NE(log_.text.find("TEST ANCHORS ARE IN USE"), std::string::npos);
  EXPECT_NE(log_.text.find("reason=tpm"), std::string::npos) << log_.text;
  EXPECT_EQ(run({"-x"}), kUsage);
  EXPECT_EQ(log_.text.find("TEST ANCHORS"), std::string::npos);
  Lines plain;
  EXPECT_EQ(run_attest_skr({"-k", "http://v/keys/k", "-r"}, plain), 4);
  EXPECT_NE(plain.text.find("reason=key_url"), std::string::npos) << plain.text;
  EXPECT_EQ(plain.text.find("TEST ANCHORS"), std::string::npos);
}

TEST_F(AttestSkrRun, ValueOrBatchIsReadBeforeAnythingElse) {
  EXPECT_EQ(run({"-w", "-s", "v"}), kNoTpm) << log_.text;
  EXPECT_EQ(run({"-w", "--fd", "1000"}), kUsage) << log_.text;
  EXPECT_EQ(run({"-B", R"({"keys":[]})"}), kNoTpm) << log_.text;
  EXPECT_EQ(run({"-B", "/nonexistent"}), kUsage) << log_.text;
  const int saved = ::dup(0);
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ASSERT_EQ(::dup2(nothing, 0), 0);
  EXPECT_EQ(run({"-B", "-"}), kNoTpm) << log_.text;
  ::dup2(saved, 0);
  ::close(saved);
  ::close(nothing);
}

TEST_F(AttestSkrRun, ATpmThatIsNoDeviceBelongsToTestMode) {
  SkrConfig config;
  config.maa_url = "https://sharedweu.weu.attest.azure.net/";
  config.key_url = "https://v.vault.azure.net/keys/k";
  const auto refusal = [&](const char* tcti) {
    config.tpm.tcti = tcti;
    return release_master_key(config, Deadline::after(kReleaseDeadline), log_).error().reason;
  };
  EXPECT_EQ(refusal("swtpm:path=/nonexistent"), "transport");
  EXPECT_EQ(refusal("device:/dev/tpm-nonexistent"), "tpm");
}

TEST(AttestSkrBatch, EachItemHasItsOwnError) {
  const auto key = crypto::PrivateKey::generate_rsa(2048);
  ASSERT_TRUE(key.ok());
  SkrCommand command;
  command.operation = Operation::kBatchUnwrap;
  const auto results = [&](std::string_view text) {
    return perform(command, {*key, "1"}, as_bytes(text));
  };
  const std::string binary = std::move(wrap_value(*key->public_key(), Bytes{0xff, 0xfe})).value();
  const auto answer = results(
      concat(R"({"keys":[{"wrapped":"AAAA"},{"id":"a"},{"id":"b","wrapped":")", binary, R"("}]})"));
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  const auto parsed = json::parse(answer->text());
  ASSERT_TRUE(parsed.ok());
  const json::Array& items = *parsed->at("results")->as_array();
  ASSERT_EQ(items.size(), 3U);
  EXPECT_EQ(*items[0].string_at("id"), "");
  EXPECT_EQ(*items[0].string_at("error"), "an item needs the texts id and wrapped");
  EXPECT_EQ(*items[1].string_at("error"), "an item needs the texts id and wrapped");
  EXPECT_EQ(*items[2].string_at("error"), "the value is not text; unwrap it alone with -u");
  for (const char* wrong : {"{", "{}", R"({"keys":1})"}) {
    EXPECT_EQ(results(wrong).error().reason, "usage") << wrong;
  }
}

TEST(AttestSkrBatch, AsManyItemsAsThereMayBeAndAnAnswerThatIsTooLong) {
  const auto key = crypto::PrivateKey::generate_rsa(2048);
  ASSERT_TRUE(key.ok());
  SkrCommand command;
  command.operation = Operation::kBatchUnwrap;
  const auto batch = [&](std::size_t count, const std::string& id) {
    json::Array items(count, json::Value(json::Object{{"id", id}, {"wrapped", ""}}));
    const std::string text = json::write(json::Object{{"keys", std::move(items)}});
    return perform(command, {*key, "1"}, as_bytes(text));
  };
  const auto most = batch(kBatchItemsMax, "a");
  ASSERT_TRUE(most.ok()) << most.error().message;
  EXPECT_EQ(batch(kBatchItemsMax + 1, "a").error().reason, "usage");
  EXPECT_EQ(batch(kBatchItemsMax, std::string(300, 'a')).error().reason, "batch_too_long");
}

}  // namespace
}  // namespace apm::skr
