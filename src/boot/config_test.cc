#include "boot/config.h"

#include <gtest/gtest.h>

namespace apm::boot {
namespace {

TEST(Config, TheOriginalsKeysAndOurs) {
  const auto config = parse_config(R"(
disable_mlock = true
api_addr = "https://apm-server.test:8200"
store_kind = "test"
ui = true
listener "tcp" {
  address = "0.0.0.0:8201"
  tls_cert_file = "/c"
  tls_key_file = "/k"
  tls_min_version = "tls12"
}
storage "sqlite" { path = "/data/store.db" }
audit "file" "main" { file_path = "/data/audit.log" }
test { imds_endpoint = "http://127.0.0.1:1" }
)");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->listener.address, "0.0.0.0");
  EXPECT_EQ(config->listener.port, 8201);
  EXPECT_EQ(config->storage.path, "/data/store.db");
  EXPECT_EQ(config->audit.at(0).name, "main");
  EXPECT_EQ(config->test->imds_endpoint, "http://127.0.0.1:1");
  ASSERT_EQ(config->warnings.size(), 2U);
  EXPECT_EQ(config->warnings[0],
            "unknown key \"tls_min_version\" in listener \"tcp\" at line 10, column 3");
  EXPECT_EQ(config->warnings[1], "unknown key \"ui\" at line 5, column 1");
}

TEST(Config, AProductionStoreRefusesWhatOnlyTestsMayHave) {
  const std::string storage = "storage \"inmem\" {}\n";
  EXPECT_TRUE(parse_config(storage).ok());
  for (const char* text : {"test {}", "listener \"tcp\" { tls_disable = true }"}) {
    const auto config = parse_config(storage + text);
    ASSERT_FALSE(config.ok()) << text;
    EXPECT_EQ(config.error().reason, "config");
    EXPECT_TRUE(parse_config(storage + "store_kind = \"test\"\n" + text).ok());
  }
}

TEST(Config, ErrorsNameTheLineAndTheColumn) {
  for (const auto& [text, part] : std::vector<std::pair<const char*, const char*>>{
           {"storage \"sqlite\" {}", "line 1, column 1: storage \"sqlite\" needs a path"},
           {"storage \"floppy\" {}", "\"floppy\" is not known"},
           {"listener \"tcp\" { address = \"x\" }", "must be HOST:PORT"},
           {"disable_mlock = \"maybe\"", "line 1, column 17"},
           {"api_addr = ", "line 1, column 12"}}) {
    const auto config = parse_config(text);
    ASSERT_FALSE(config.ok()) << text;
    EXPECT_NE(config.error().message.find(part), std::string::npos) << config.error().message;
  }
}

}  // namespace
}  // namespace apm::boot
