#include "cli/atomic_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "storage/temp_dir.h"

namespace apm::cli {
namespace {

std::string content(const std::string& path) {
  const auto bytes = read_file(path, 1000);
  return bytes.ok() ? std::string(as_text(*bytes)) : "absent";
}

long files_in(const std::string& directory) {
  return std::distance(std::filesystem::directory_iterator(directory), {});
}

TEST(AtomicFile, AppearsWholeWithItsMode) {
  const storage::TempDir dir;
  const std::string path = dir.file("x");
  auto file = AtomicFile::create(path);
  ASSERT_TRUE(file.ok()) << file.error().message;
  ASSERT_TRUE(file->write(as_bytes("one ")).ok());
  EXPECT_EQ(content(path), "absent");
  ASSERT_TRUE(file->write(as_bytes("two")).ok());
  ASSERT_TRUE(file->publish().ok());
  EXPECT_EQ(content(path), "one two");
  struct stat info{};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  EXPECT_EQ(files_in(std::filesystem::path(path).parent_path()), 1);
}

TEST(AtomicFile, WhatIsNotPublishedLeavesWhatWasThere) {
  const storage::TempDir dir;
  const std::string path = dir.file("x");
  std::ofstream(path) << "before";
  {
    auto file = AtomicFile::create(path);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(file->write(as_bytes("half")).ok());
  }
  EXPECT_EQ(content(path), "before");
  EXPECT_EQ(files_in(std::filesystem::path(path).parent_path()), 1);
}

TEST(AtomicFile, AnAbsentDirectoryIsNamed) {
  const storage::TempDir dir;
  const auto file = AtomicFile::create(dir.file("absent/x"));
  ASSERT_FALSE(file.ok());
  EXPECT_NE(file.error().message.find("absent/x"), std::string::npos);
}

}  // namespace
}  // namespace apm::cli
