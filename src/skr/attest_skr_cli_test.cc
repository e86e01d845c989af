#include "skr/attest_skr_cli.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "skr/envelope.h"
#include "skr/test_settings.h"

namespace apm::skr {
namespace {

const std::string kKey = "https://v.vault.azure.net/keys/k";

void expect_usage(const std::vector<std::string>& words) {
  const auto command = parse_skr_arguments(words);
  ASSERT_FALSE(command.ok());
  EXPECT_EQ(command.error().reason, "usage");
}

TEST(AttestSkrCliTest, ReadsTheKnownLetters) {
  const auto command =
      parse_skr_arguments({"-a", "https://m/", "-k", kKey, "-ws", "v", "-u", "-H", "sha1"});
  ASSERT_TRUE(command.ok()) << command.error().message;
  EXPECT_EQ(command->operation, Operation::kUnwrap);  // the last one counts
  EXPECT_EQ(command->value, "v");
  EXPECT_EQ(command->hashes.mgf1, crypto::Hash::kSha1);  // -G follows -H
  const auto piped = parse_skr_arguments({"-k", kKey, "-w", "-s", "-"});
  ASSERT_TRUE(piped.ok());
  EXPECT_EQ(piped->value_fd, 0);
}

TEST(AttestSkrCliTest, RefusesWhatIsIncompleteOrUnknown) {
  expect_usage({"-k", kKey});
  expect_usage({"-r"});
  expect_usage({"-k", kKey, "-w"});
  expect_usage({"-k", kKey, "-r", "-x"});
  expect_usage({"-k", kKey, "-r", "more"});
  expect_usage({"-k", kKey, "-r", "--tcti", "swtpm:path=/x"});
  const auto untested = parse_skr_arguments({"-k", kKey, "-r", "--ca-file", "/x"});
  ASSERT_FALSE(untested.ok());
  EXPECT_EQ(untested.error().reason, "transport");
}

TEST(AttestSkrCliTest, WrapsUnwrapsAndBatches) {
  const auto key = crypto::PrivateKey::generate_rsa(2048);
  ASSERT_TRUE(key.ok());
  SkrCommand command;
  command.operation = Operation::kWrap;
  const auto wrapped = perform(command, {*key, "1"}, as_bytes("secret"));
  ASSERT_TRUE(wrapped.ok());
  command.operation = Operation::kUnwrap;
  const auto plain = perform(command, {*key, "1"}, wrapped->view());
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ(plain->text(), "secret\n");
  command.operation = Operation::kBatchUnwrap;
  const std::string batch = concat(R"({"keys":[{"id":"a","wrapped":")", trim(wrapped->text()),
                                   R"("},{"id":"b","wrapped":"AAAA"}]})");
  const auto results = perform(command, {*key, "1"}, as_bytes(batch));
  ASSERT_TRUE(results.ok()) << results.error().message;
  EXPECT_NE(results->text().find(R"("unwrapped": "secret")"), std::string_view::npos);
  EXPECT_NE(results->text().find(R"("error": )"), std::string_view::npos);
}

TEST(AttestSkrCliTest, ANamedValueIsAnEnvelopeThatOpensUnderItsNameAlone) {
  const auto key = crypto::PrivateKey::generate_rsa(2048);
  ASSERT_TRUE(key.ok());
  SkrCommand command;
  command.name = "apm-saa-key";
  command.operation = Operation::kWrap;
  const auto wrapped = perform(command, {*key, "7"}, as_bytes("secret"));
  ASSERT_TRUE(wrapped.ok()) << wrapped.error().message;
  const auto header = parse_envelope_header(trim(wrapped->text()));
  ASSERT_TRUE(header.ok()) << header.error().message;
  EXPECT_EQ(header->secret_name, "apm-saa-key");
  EXPECT_EQ(header->key_version, "7");
  EXPECT_EQ(header->store_id, "-");
  command.operation = Operation::kUnwrap;
  EXPECT_EQ(perform(command, {*key, "7"}, wrapped->view())->text(), "secret\n");
  command.name = "apm-tls-cert-password";
  const auto moved = perform(command, {*key, "7"}, wrapped->view());
  ASSERT_FALSE(moved.ok());
  EXPECT_EQ(moved.error().reason, "envelope_name");
  EXPECT_EQ(exit_code_of(moved.error()), 5);
  command.name.clear();
  EXPECT_EQ(perform(command, {*key, "7"}, wrapped->view()).error().reason, "envelope_expected");
  command.name = "apm-saa-key";
  EXPECT_EQ(perform(command, {*key, "7"}, as_bytes("AAAA")).error().reason, "envelope_expected");
}

TEST(AttestSkrCliTest, ANameGoesWithOneValueAndWithoutHashes) {
  EXPECT_TRUE(parse_skr_arguments({"-k", kKey, "-w", "-s", "-", "--name", "n"}).ok());
  EXPECT_TRUE(parse_skr_arguments({"-k", kKey, "-u", "-s", "-", "--name", "n"}).ok());
  expect_usage({"-k", kKey, "-r", "--name", "n"});
  expect_usage({"-k", kKey, "-B", "-", "--name", "n"});
  expect_usage({"-k", kKey, "-w", "-s", "-", "--name", "n", "-H", "sha1"});
  expect_usage({"-k", kKey, "-w", "-s", "-", "--name", "n", "-G", "sha256"});
}

TEST(AttestSkrCliTest, TheTestStanzaOfAConfigurationFile) {
  const auto none = parse_test_settings("storage \"inmem\" {}\n");
  ASSERT_TRUE(none.ok());
  EXPECT_FALSE(none->transport.test);
  const auto test = parse_test_settings(
      "store_kind = \"test\"\ntest {\n  ca_file = \"/ca\"\n  tpm_tcti = \"swtpm:path=/x\"\n}\n");
  ASSERT_TRUE(test.ok()) << test.error().message;
  EXPECT_TRUE(test->transport.test);
  EXPECT_EQ(test->transport.ca_file, "/ca");
  EXPECT_EQ(test->tpm.tcti, "swtpm:path=/x");
  EXPECT_EQ(test->event_log, tee::kEventLogPath);
  EXPECT_EQ(parse_test_settings("test {}").error().reason, "config");
  EXPECT_FALSE(parse_test_settings("test = 1").ok());
  expect_usage({"-k", kKey, "-r", "--test", "--config", "/x"});
  EXPECT_EQ(parse_skr_arguments({"-k", kKey, "-r", "--config", "/nonexistent"}).error().code,
            Code::kIo);
}

TEST(AttestSkrCliTest, ExitCodes) {
  const auto code = [](const char* reason) { return exit_code_of({Code::kRefused, reason, ""}); };
  for (const auto& [exit, reasons] : std::vector<std::pair<int, std::vector<const char*>>>{
           {1, {"usage", "transport"}},
           {2, {"maa_refused", "tpm", "tpm_policy", "hcl_report", "ak_certificate"}},
           {3, {"imds", "entra", "service_principal"}},
           {4, {"key_release_refused", "release_chain"}},
           {5, {"wrapped_refused", "released_key_mismatch", "envelope_seal"}},
           {6, {"unreachable", "deadline", "tls_untrusted"}}}) {
    for (const char* reason : reasons) EXPECT_EQ(code(reason), exit) << reason;
  }
  EXPECT_EQ(exit_code_of({Code::kCrypto, "other", ""}), 5);
}

}  // namespace
}  // namespace apm::skr
