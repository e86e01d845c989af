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

TEST(Config, TheAddressThatClientsAreSentTo) {
  const auto with = [](const std::string& address, const std::string& kind) {
    return parse_config("storage \"postgresql\" {}\nstore_kind = \"" + kind + "\"\napi_addr = \"" +
                        address + "\"");
  };
  EXPECT_EQ(with("https://a:8200/", "production")->api_addr, "https://a:8200");
  EXPECT_EQ(with("http://a:8200", "test")->api_addr, "http://a:8200");
  const auto plain = with("http://a:8200", "production");
  ASSERT_FALSE(plain.ok());
  EXPECT_NE(plain.error().message.find("api_addr of http://"), std::string::npos);
  const auto path = with("https://a:8200/apm", "production");
  ASSERT_FALSE(path.ok());
  EXPECT_NE(path.error().message.find("without a path"), std::string::npos);
  EXPECT_TRUE(with("https://a:8200", "production")->warnings.empty());
  const auto none = with("", "production");
  ASSERT_EQ(none->warnings.size(), 1U);
  EXPECT_NE(none->warnings[0].find("api_addr"), std::string::npos);
}

TEST(Config, TheLeaseOfPostgreSqlLastsOneToThreeHundredSeconds) {
  const auto with = [](const std::string& text) {
    return parse_config("storage \"postgresql\" {\n  lease_duration = \"" + text + "\"\n}");
  };
  EXPECT_EQ(parse_config("storage \"postgresql\" {}")->storage.postgres.lease_ttl,
            storage::kPgLeaseTtl);
  EXPECT_EQ(with("1s")->storage.postgres.lease_ttl, Milliseconds(1'000));
  EXPECT_EQ(with("300s")->storage.postgres.lease_ttl, Milliseconds(300'000));
  for (const char* refused : {"0s", "301s", "soon", "-5s"}) {
    const auto config = with(refused);
    ASSERT_FALSE(config.ok()) << refused;
    EXPECT_NE(config.error().message.find("lease_duration"), std::string::npos) << refused;
  }
}

TEST(Config, PostgreSqlTakesItsUrlFromTheFileOrTheEnvironment) {
  auto config = parse_config(R"(api_addr = "https://a:8200"
storage "postgresql" {
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

// A configuration with the environment that is given applied to it.
class AzureConfigTest : public ::testing::Test {
 protected:
  Status apply(const std::string& text, std::map<std::string, std::string> values = {}) {
    auto parsed = parse_config(text);
    EXPECT_TRUE(parsed.ok()) << parsed.error().message;
    config = std::move(*parsed);
    return apply_environment(
        config,
        [values = std::move(values)](const std::string& name) -> std::optional<std::string> {
          const auto found = values.find(name);
          if (found == values.end()) return std::nullopt;
          return found->second;
        });
  }
  static std::string stanza(const std::string& more) {
    return "storage \"azure\" {\n accountName = \"acct\"\n container = \"vault\"\n" + more +
           "\n}\n";
  }
  Config config;
};

TEST_F(AzureConfigTest, FileAndEnvironmentAsVaults) {
  ASSERT_TRUE(apply(stanza("accountKey = \"a2V5\"\nenvironment = \"AzureChinaCloud\"")).ok());
  auto store = blob_store_config(config);
  ASSERT_TRUE(store.ok()) << store.error().message;
  EXPECT_EQ(store->endpoint, "https://acct.blob.core.chinacloudapi.cn");
  EXPECT_EQ(store->account_key.text(), "key");
  ASSERT_EQ(config.warnings.size(), 1U);  // several servers share a container
  EXPECT_NE(config.warnings[0].find("no api_addr"), std::string::npos);
  ASSERT_TRUE(apply(stanza(""), {{"AZURE_ACCOUNT_NAME", "other"},
                                 {"AZURE_ACCOUNT_KEY", "a2V5Mg=="},
                                 {"AZURE_BLOB_CONTAINER", "elsewhere"},
                                 {"AZURE_ENVIRONMENT", "AzureUSGovernmentCloud"}})
                  .ok());
  store = blob_store_config(config);
  ASSERT_TRUE(store.ok()) << store.error().message;
  EXPECT_EQ(store->endpoint, "https://other.blob.core.usgovcloudapi.net");
  EXPECT_EQ(store->container, "elsewhere");
  EXPECT_EQ(store->account_key.text(), "key2");
  // No key: the managed identity.
  ASSERT_TRUE(apply(stanza("")).ok());
  EXPECT_TRUE(blob_store_config(config)->account_key.empty());
}

TEST_F(AzureConfigTest, PlainHttpIsForATestStoreOnLoopback) {
  const std::string loopback = stanza("blob_endpoint = \"http://127.0.0.1:10000/acct\"");
  EXPECT_EQ(apply(loopback).error().reason, "config");
  EXPECT_TRUE(apply("store_kind = \"test\"\n" + loopback).ok());
  // The loopback of https is one too; a public host only when connect_to keeps it here.
  EXPECT_TRUE(
      apply("store_kind = \"test\"\n" + stanza("blob_endpoint = \"https://127.0.0.1:1\"")).ok());
  const Status outside = apply("store_kind = \"test\"\n" + stanza(""));
  EXPECT_EQ(outside.error().reason, "config");
  EXPECT_NE(outside.error().message.find("acct.blob.core.windows.net"), std::string::npos);
  EXPECT_TRUE(
      apply("store_kind = \"test\"\ntest { connect_to = \"127.0.0.1:1\" }\n" + stanza("")).ok());
  const std::string remote = stanza("blob_endpoint = \"http://10.0.0.1:10000/acct\"");
  EXPECT_EQ(apply("store_kind = \"test\"\n" + remote).error().reason, "config");
  EXPECT_TRUE(apply(stanza("blob_endpoint = \"https://acct.privatelink.example\"")).ok());
}

TEST_F(AzureConfigTest, RefusesWhatIsMissingOrMalformedAndNeverQuotesTheKey) {
  EXPECT_EQ(apply("storage \"azure\" { container = \"vault\" }").error().reason, "config");
  EXPECT_EQ(apply("storage \"azure\" { accountName = \"acct\" }").error().reason, "config");
  EXPECT_EQ(apply(stanza("environment = \"Moon\"")).error().reason, "blob_endpoint");
  const Status cloud = apply(stanza(""), {{"AZURE_ARM_ENDPOINT", "https://management.example"}});
  EXPECT_EQ(cloud.error().reason, "config");
  EXPECT_NE(cloud.error().message.find("AZURE_ARM_ENDPOINT"), std::string::npos);
  const Status bad = apply(stanza("accountKey = \"CANARY!\""));
  EXPECT_EQ(bad.error().reason, "config");
  EXPECT_EQ(bad.error().message.find("CANARY"), std::string::npos);
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
