#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "audit/broker.h"

namespace apm::audit {
namespace {

class AuditTest : public ::testing::Test {
 public:
  ~AuditTest() override { std::filesystem::remove_all(folder_); }

 protected:
  AuditTest() {
    std::string name = (std::filesystem::temp_directory_path() / "apm-audit-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ + "/audit.log";
  }

  Record record(const json::Object& data) {
    Record out;
    out.type = "request";
    out.operation = "update";
    out.path = "anjuna/dek";
    out.data = &data;
    out.client_token = "hvs.CANARYTOKEN";
    return out;
  }
  std::string text() {
    std::ifstream in(path_);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void replace(const std::string& content) { std::ofstream(path_, std::ios::trunc) << content; }

  NullLog log_;
  crypto::SecretBytes salt_ = crypto::SecretBytes::copy_of("a salt of the test");
  std::string folder_;
  std::string path_;
};

TEST_F(AuditTest, NoSecretIsInTheFile) {
  Broker broker(log_);
  broker.add(*FileDevice::open("main", path_));
  const json::Object data{
      {"value", "CANARYVALUE"}, {"deep", json::Array{json::Object{{"x", "CANARYDEEP"}}}}, {"n", 7}};
  ASSERT_TRUE(broker.write(record(data)).ok());
  EXPECT_EQ(text().find("CANARY"), std::string::npos);
  EXPECT_NE(text().find("\"value\":\"hmac-sha256:"), std::string::npos);
  EXPECT_NE(text().find("\"n\":7"), std::string::npos);
  EXPECT_EQ(std::filesystem::status(path_).permissions() & std::filesystem::perms::others_all,
            std::filesystem::perms::none);
}

TEST_F(AuditTest, TheChainGoesOnAfterARestartAndFindsEveryEdit) {
  const json::Object data{{"a", "b"}};
  for (int round = 0; round < 3; ++round) {
    Broker broker(log_);
    broker.add(*FileDevice::open("main", path_));
    ASSERT_TRUE(broker.write(record(data)).ok());
    ASSERT_TRUE(broker.write(record(data)).ok());
  }
  const std::string good = text();
  EXPECT_EQ(verify_chain(good)->head.sequence, 6U);
  const auto second = good.find('\n') + 1;
  const auto third = good.find('\n', second) + 1;
  std::string edited = good;
  edited.replace(edited.find("anjuna/dek", second), 10, "anjuna/kek");
  EXPECT_EQ(verify_chain(edited).error().reason, "audit_chain");
  EXPECT_TRUE(verify_chain(edited).error().message.starts_with("line 2"));
  EXPECT_EQ(verify_chain(good.substr(0, second) + good.substr(third)).error().reason,
            "audit_chain");
  const std::string swapped =
      good.substr(second, third - second) + good.substr(0, second) + good.substr(third);
  EXPECT_EQ(verify_chain(swapped).error().reason, "audit_chain");
  EXPECT_EQ(verify_chain(good.substr(0, third))->head.sequence, 2U);  // a cut tail: a lower head
}

TEST_F(AuditTest, ATornLastLineIsNamedByTheNextRecord) {
  const json::Object data;
  {
    Broker broker(log_);
    broker.add(*FileDevice::open("main", path_));
    ASSERT_TRUE(broker.write(record(data)).ok());
  }
  replace(text() + "{\"type\":\"requ");
  Broker broker(log_);
  broker.add(*FileDevice::open("main", path_));
  ASSERT_TRUE(broker.write(record(data)).ok());
  const auto report = verify_file(path_);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->head.sequence, 2U);
  EXPECT_EQ(report->torn_lines, 1U);
}

TEST_F(AuditTest, CodeExecutionAnExecutableFileIsRefused) {
  replace("");
  ::chmod(path_.c_str(), 0700);
  EXPECT_EQ(FileDevice::open("main", path_).error().reason, "audit_file_mode");
}

TEST_F(AuditTest, CodeExecutionAPrefixOrAFileThatOthersWriteIsRefused) {
  EXPECT_EQ(FileDevice::open("main", {path_, "#!/bin/sh\n", false}).error().reason, "audit_prefix");
  EXPECT_FALSE(std::filesystem::exists(path_));
  replace("");
  ::chmod(path_.c_str(), 0620);
  EXPECT_EQ(FileDevice::open("main", path_).error().reason, "audit_file_mode");
  EXPECT_EQ(FileDevice::open("main", folder_).error().code, Code::kIo);
  std::filesystem::create_symlink(path_, folder_ + "/link");
  EXPECT_EQ(FileDevice::open("main", folder_ + "/link").error().code, Code::kIo);
}

TEST_F(AuditTest, AForeignFileIsRefusedAndLeftAsItIs) {
  replace("root:x:0:0::/root:/bin/sh\n");
  EXPECT_EQ(FileDevice::open("main", path_).error().reason, "audit_chain");
  EXPECT_EQ(text(), "root:x:0:0::/root:/bin/sh\n");
}

TEST_F(AuditTest, ASecondWriterIsRefused) {
  const auto first = FileDevice::open("main", path_);
  EXPECT_EQ(FileDevice::open("main", path_).error().reason, "audit_file_in_use");
}

TEST_F(AuditTest, SeveralCrashesInARowAreCountedAlsoBeforeTheFirstRecord) {
  const json::Object data;
  replace("{\"type\":\"requ\n{\"ty");
  ASSERT_TRUE((*FileDevice::open("main", path_))->write(entry_of(salt_, record(data))).ok());
  replace(text() + "{\"type\":\"a\n{\"type\":\"b\n{\"t");
  ASSERT_TRUE((*FileDevice::open("main", path_))->write(entry_of(salt_, record(data))).ok());
  const auto report = verify_file(path_);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->head.sequence, 2U);
  EXPECT_EQ(report->torn_lines, 5U);
  EXPECT_FALSE(report->torn_tail);
  replace(text() + "{\"type\":");
  EXPECT_TRUE(verify_file(path_)->torn_tail);
}

TEST_F(AuditTest, AWholeRecordWithoutItsNewlineStillCounts) {
  const json::Object data;
  ASSERT_TRUE((*FileDevice::open("main", path_))->write(entry_of(salt_, record(data))).ok());
  std::string cut = text();
  cut.pop_back();
  replace(cut);
  ASSERT_TRUE((*FileDevice::open("main", path_))->write(entry_of(salt_, record(data))).ok());
  const auto report = verify_file(path_);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->head.sequence, 2U);
  EXPECT_EQ(report->torn_lines, 0U);
}

// Every byte that is cut or changed is noticed, at its line or by a lower head.
TEST_F(AuditTest, EveryCutAndEveryChangedByteIsNoticed) {
  const json::Object data{{"a", "b"}};
  auto device = *FileDevice::open("main", path_);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(device->write(entry_of(salt_, record(data))).ok());
  const std::string good = text();
  const ChainHead head = verify_chain(good)->head;
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    const auto changed = verify_chain(bad);
    EXPECT_FALSE(changed.ok() && changed->head == head && changed->torn_lines == 0) << i;
    const auto cut = verify_chain(good.substr(0, i));
    EXPECT_FALSE(cut.ok() && cut->head == head && i + 1 != good.size()) << i;
  }
  EXPECT_FALSE(verify_chain(good.substr(0, 1) + " " + good.substr(1)).ok());
}

TEST_F(AuditTest, RotationBeginsAFileThatNamesTheOneBefore) {
  const json::Object data;
  Broker broker(log_);
  broker.add(*FileDevice::open("main", path_));
  ASSERT_TRUE(broker.write(record(data)).ok());
  ASSERT_TRUE(broker.reopen().ok());  // nothing was rotated
  ASSERT_TRUE(broker.write(record(data)).ok());
  const ChainHead before = verify_file(path_)->head;
  EXPECT_EQ(before.sequence, 2U);
  std::filesystem::rename(path_, path_ + ".1");
  ASSERT_TRUE(broker.reopen().ok());
  ASSERT_TRUE(broker.write(record(data)).ok());
  ASSERT_TRUE(broker.write(record(data)).ok());
  const auto after = verify_file(path_);
  ASSERT_TRUE(after.ok()) << after.error().message;
  EXPECT_EQ(after->start, before);
  EXPECT_EQ(after->head.sequence, 4U);
}

TEST_F(AuditTest, AFailedReopenKeepsTheOldFile) {
  const json::Object data;
  Broker broker(log_);
  broker.add(*FileDevice::open("main", path_));
  ASSERT_TRUE(broker.write(record(data)).ok());
  std::filesystem::rename(path_, path_ + ".1");
  std::filesystem::create_directory(path_);
  EXPECT_FALSE(broker.reopen().ok());
  EXPECT_TRUE(broker.write(record(data)).ok());
  EXPECT_EQ(verify_file(path_ + ".1")->head.sequence, 2U);
}

TEST_F(AuditTest, ARecordLargerThanTheFirstLookIsFoundAgain) {
  const json::Object data{{"list", json::Array(20'000, json::Value("v"))}};
  for (int round = 0; round < 2; ++round) {
    auto device = FileDevice::open("main", FileOptions{path_, "", true});
    ASSERT_TRUE(device.ok()) << device.error().message;
    ASSERT_TRUE((*device)->write(entry_of(salt_, record(data))).ok());
  }
  EXPECT_EQ(verify_file(path_)->head.sequence, 2U);
}

TEST_F(AuditTest, AsDeepARecordAsTheApiAcceptsVerifies) {
  json::Value deep("x");
  for (int i = 0; i < 63; ++i) deep = json::Array{deep};
  const json::Object data{{"deep", deep}};
  ASSERT_TRUE((*FileDevice::open("main", path_))->write(entry_of(salt_, record(data))).ok());
  EXPECT_EQ(verify_file(path_)->head.sequence, 1U);
}

TEST_F(AuditTest, AResponseHoldsNoSecretEither) {
  const json::Object data{{"password", "CANARYIN"}};
  const json::Object answer{{"keys", json::Array{"CANARYOUT"}}, {"flag", true}};
  logical::Caller caller;
  caller.authenticated = true;
  caller.accessor = "CANARYACCESSOR";
  caller.policies = {"default"};
  Record out = record(data);
  out.type = "response";
  out.caller = &caller;
  out.response_data = &answer;
  out.response_token = "hvs.CANARYNEW";
  out.status = 200;
  Broker broker(log_);
  broker.add(*FileDevice::open("main", path_));
  broker.set_salt(crypto::SecretBytes::copy_of("CANARYSALT"));
  ASSERT_TRUE(broker.response(out).ok());
  EXPECT_EQ(text().find("CANARY"), std::string::npos);
  const auto entry = json::parse(text().substr(0, text().size() - 1));
  ASSERT_TRUE(entry.ok());
  const json::Value* response = entry->at("response");
  EXPECT_EQ(*response->at("status")->as_int(), 200);
  EXPECT_TRUE(*response->at("data")->at("flag")->as_bool());
  // Equal secrets have equal hashes under one salt, so that a leak can be searched for.
  const auto salt = crypto::SecretBytes::copy_of("CANARYSALT");
  EXPECT_EQ(*response->at("auth")->string_at("client_token"), hmac_text(salt, "hvs.CANARYNEW"));
  EXPECT_NE(hmac_text(salt, "a"), hmac_text(crypto::SecretBytes::copy_of("other"), "a"));
}

class BrokenDevice final : public Device {
 public:
  Status write(const json::Object&) override { return Error(Code::kIo, "disk full"); }
  Status reopen() override { return {}; }
  [[nodiscard]] std::string name() const override { return "broken"; }
};

TEST_F(AuditTest, FailClosedUnlessOneDeviceAccepts) {
  const json::Object data;
  Broker broker(log_);
  EXPECT_TRUE(broker.write(record(data)).ok());
  broker.add(std::make_unique<BrokenDevice>());
  EXPECT_EQ(broker.write(record(data)).error().reason, "audit_unavailable");
  EXPECT_EQ(broker.write(record(data)).error().code, Code::kInternal);
  broker.add(*FileDevice::open("main", path_));
  EXPECT_TRUE(broker.write(record(data)).ok());
}

}  // namespace
}  // namespace apm::audit
