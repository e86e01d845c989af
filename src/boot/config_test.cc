#include "boot/config.h"

#include <gtest/gtest.h>

#include <map>

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
test {
  imds_endpoint = "http://127.0.0.1:1"
  amd_root_file = "/amd"
  intel_root_file = "/intel"
  aws_root_file = "/aws"
}
)");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->listener.address, "0.0.0.0");
  EXPECT_EQ(config->listener.port, 8201);
  EXPECT_EQ(config->storage.path, "/data/store.db");
  EXPECT_EQ(config->audit.at(0).name, "main");
  EXPECT_EQ(config->test->imds_endpoint, "http://127.0.0.1:1");
  EXPECT_EQ(config->test->amd_root_file, "/amd");
  EXPECT_EQ(config->test->intel_root_file, "/intel");
  EXPECT_EQ(config->test->aws_root_file, "/aws");
  ASSERT_EQ(config->warnings.size(), 2U);
  EXPECT_EQ(config->warnings[0],
            "unknown key \"tls_min_version\" in listener \"tcp\" at line 10, column 3");
  EXPECT_EQ(config->warnings[1], "unknown key \"ui\" at line 5, column 1");
}

TEST(Config, AProductionStoreRefusesWhatOnlyTestsMayHave) {
  const std::string storage = "storage \"inmem\" {}\n";
  EXPECT_TRUE(parse_config(storage).ok());
  for (const char* text :
       {"test {}", "test { intel_root_file = \"/intel\" }", "test { aws_root_file = \"/aws\" }",
        "listener \"tcp\" { tls_disable = true }"}) {
    const auto config = parse_config(storage + text);
    ASSERT_FALSE(config.ok()) << text;
    EXPECT_EQ(config.error().reason, "config");
    EXPECT_TRUE(parse_config(storage + "store_kind = \"test\"\n" + text).ok());
  }
}

TEST(Config, PostgreSqlTakesItsUrlFromTheFileOrTheEnvironment) {
  auto config = parse_config(R"(storage "postgresql" {
  connection_url = "postgresql://apm:in-file@db/apm"
  table = "secrets"
  max_parallel = "16"
  ha_enabled = "true"
})");
  ASSERT_TRUE(config.ok()) << config.error().message;
  const storage::PostgresConfig& postgres = config->storage.postgres;
  EXPECT_EQ(postgres.table, "secrets");
  EXPECT_EQ(postgres.max_parallel, 16U);
  EXPECT_EQ(config->warnings.size(), 1U);
  const auto with = [&config](const std::map<std::string, std::string>& values) {
    return apply_environment(*config,
                             [values](const std::string& name) -> std::optional<std::string> {
                               const auto found = values.find(name);
                               if (found == values.end()) return std::nullopt;
                               return found->second;
                             });
  };
  EXPECT_TRUE(with({}).ok());
  EXPECT_EQ(postgres.connection_url.text(), "postgresql://apm:in-file@db/apm");
  EXPECT_TRUE(with({{"VAULT_PG_CONNECTION_URL", "vaults"}}).ok());
  EXPECT_EQ(postgres.connection_url.text(), "vaults");
  EXPECT_TRUE(
      with({{"VAULT_PG_CONNECTION_URL", "vaults"}, {"APM_PG_CONNECTION_URL", "ours"}}).ok());
  EXPECT_EQ(postgres.connection_url.text(), "ours");

  config = parse_config("storage \"postgresql\" { max_parallel = 64 }");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(with({}).error().reason, "config");
}

TEST(Config, ErrorsNameTheLineAndTheColumn) {
  for (const auto& [text, part] : std::vector<std::pair<const char*, const char*>>{
           {"storage \"sqlite\" {}", "line 1, column 1: storage \"sqlite\" needs a path"},
           {"storage \"floppy\" {}", "\"floppy\" is not known"},
           {"storage \"postgresql\" { max_parallel = 0 }", "must be 1 to 64"},
           {"storage \"postgresql\" { max_parallel = 65 }", "must be 1 to 64"},
           {"storage \"postgresql\" { max_parallel = \"x\" }", "must be 1 to 64"},
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
