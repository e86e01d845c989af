#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "audit/broker.h"

namespace apm::audit {
namespace {

class AuditTest : public ::testing::Test {
 protected:
  AuditTest() {
    std::string name = (std::filesystem::temp_directory_path() / "apm-audit-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ + "/audit.log";
  }
  ~AuditTest() override { std::filesystem::remove_all(folder_); }

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
  std::string folder_;
  std::string path_;
};

TEST_F(AuditTest, NoSecretIsInTheFile) {
  Broker broker(log_);
  broker.add(*FileDevice::open("main", path_));
  const json::Object data{{"value", "CANARYVALUE"},
                          {"deep", json::Array{json::Object{{"x", "CANARYDEEP"}}}},
                          {"n", 7}};
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
  EXPECT_EQ(verify_chain(good.substr(0, second) + good.substr(third)).error().reason, "audit_chain");
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
  broker.add(*FileDevice::open("main", path_));
  EXPECT_TRUE(broker.write(record(data)).ok());
}

}  // namespace
}  // namespace apm::audit
