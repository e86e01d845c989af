#include "cli/fields.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace apm::cli {
namespace {

class FieldsTest : public testing::Test {
 protected:
  void SetUp() override { std::ofstream(file_) << R"({"n":1,"k":"file"})"; }
  void TearDown() override { ::unlink(file_.c_str()); }

  std::string file_ = testing::TempDir() + "apm-fields-" + std::to_string(::getpid());
};

TEST_F(FieldsTest, ComeAsWordsFilesAndDocuments) {
  const auto fields = fields_of({"k=v=w", "@" + file_, "e=", "f=@" + file_});
  ASSERT_TRUE(fields.ok()) << fields.error().message;
  EXPECT_EQ(json::write(*fields), R"({"k":"file","n":1,"e":"","f":"{\"n\":1,\"k\":\"file\"}"})");
  EXPECT_TRUE(fields_of({})->empty());
}

TEST_F(FieldsTest, RefusesWordsWithoutKeyAndDoesNotRepeatThem) {
  for (const char* bad : {"SECRET", "=SECRET"}) {
    const auto fields = fields_of({bad});
    ASSERT_FALSE(fields.ok());
    EXPECT_EQ(fields.error().code, Code::kInvalidArgument);
    EXPECT_EQ(fields.error().message.find("SECRET"), std::string::npos);
  }
  EXPECT_FALSE(fields_of({"@" + file_ + "-absent"}).ok());
  std::ofstream(file_) << "[1]";
  EXPECT_EQ(fields_of({"@" + file_}).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace apm::cli
