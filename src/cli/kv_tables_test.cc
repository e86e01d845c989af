#include "cli/kv_tables.h"

#include <gtest/gtest.h>

namespace apm::cli {
namespace {

TEST(KvTables, LookAsVaultsDo) {
  EXPECT_EQ(path_heading("Secret Path", "secret/data/creds"),
            "== Secret Path ==\nsecret/data/creds\n");
  EXPECT_EQ(path_heading("Secret Path", "s/data/x"), "== Secret Path ==\ns/data/x\n");
  EXPECT_EQ(titled_table("Data", {{"foo", "a"}, {"bar", "b"}}),
            "=== Data ===\n"
            "Key    Value\n"
            "---    -----\n"
            "bar    b\n"
            "foo    a");
  EXPECT_EQ(titled_table("Metadata", {{"version", 1},
                                      {"created_time", "now"},
                                      {"custom_metadata", json::Null()},
                                      {"deletion_time", ""},
                                      {"destroyed", false}}),
            "======= Metadata =======\n"
            "Key                Value\n"
            "---                -----\n"
            "created_time       now\n"
            "custom_metadata    <nil>\n"
            "deletion_time      n/a\n"
            "destroyed          false\n"
            "version            1");
}

TEST(KvTables, ValuesReadAsGoPrintsThem) {
  const auto text = [](const char* document) {
    return kv_cell(*json::parse(std::string_view(document)));
  };
  EXPECT_EQ(text("null"), "<nil>");
  EXPECT_EQ(text("\"a b\""), "a b");
  EXPECT_EQ(text("1.50"), "1.50");
  EXPECT_EQ(text(R"({"b":[1,"x"],"a":{}})"), "map[a:map[] b:[1 x]]");
}

}  // namespace
}  // namespace apm::cli
