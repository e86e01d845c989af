// The configuration of a migration, and what is refused before any store is opened.

#include "boot/offline.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "base/text.h"
#include "boot/config.h"
#include "storage/sqlite_store.h"
#include "storage/temp_dir.h"

namespace apm::boot {
namespace {

template <class R>
std::string refusal(const R& result) {
  return result.ok() ? "" : result.error().reason + ": " + result.error().message;
}

bool says(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::optional<std::string> nothing(const std::string&) { return std::nullopt; }

TEST(MigrationConfig, NamesTwoStores) {
  const auto config = parse_migration_config(
      "storage_source \"sqlite\" { path = \"/a.db\" }\n"
      "storage_destination \"postgresql\" { connection_url = \"postgresql://h/d\" table = \"t\" }");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->source.storage.type, "sqlite");
  EXPECT_EQ(config->source.storage.path, "/a.db");
  EXPECT_EQ(config->destination.storage.type, "postgresql");
  EXPECT_EQ(config->destination.storage.postgres.table, "t");
}

TEST(MigrationConfig, RefusesWhatIsNotExactlyThat) {
  const std::string source = "storage_source \"sqlite\" { path = \"/a.db\" }\n";
  const std::string destination = "storage_destination \"sqlite\" { path = \"/b.db\" }\n";
  ASSERT_TRUE(parse_migration_config(source + destination).ok());
  const auto refused = [](const std::string& text) {
    return refusal(parse_migration_config(text));
  };
  EXPECT_TRUE(says(refused(source), "0 storage_destination"));
  EXPECT_TRUE(says(refused(destination), "0 storage_source"));
  EXPECT_TRUE(says(refused(source + source + destination), "2 storage_source"));
  EXPECT_TRUE(says(refused(source + destination + "storage \"sqlite\" { path = \"/c.db\" }"),
                   "\"storage\" does not belong"));
  EXPECT_TRUE(says(refused(source + "storage_destination \"inmem\" {}"), "in memory"));
  EXPECT_TRUE(says(refused(source + "storage_destination \"raft\" {}"), "\"raft\""));
}

class OfflineFiles : public testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& text) {
    std::ofstream(dir_.file(name)) << text;
    return dir_.file(name);
  }
  std::string sqlite(const std::string& word, const std::string& name) {
    return concat(word, " \"sqlite\" { path = \"", dir_.file(name), "\" }\n");
  }
  storage::TempDir dir_;
};

TEST_F(OfflineFiles, AMisspeltKeyOfAStanzaStopsAMigration) {
  const std::string path = file("m.hcl", concat(sqlite("storage_source", "a.db"),
                                                "storage_destination \"sqlite\" { path = \"",
                                                dir_.file("b.db"), "\" tabel = \"x\" }"));
  EXPECT_TRUE(says(refusal(migrate_store(path, nothing)), "tabel"));
}

TEST_F(OfflineFiles, TwoDatabasesNeedAtLeastOneUrlInTheFile) {
  const std::string path = file("m.hcl",
                                "storage_source \"postgresql\" { table = \"a\" }\n"
                                "storage_destination \"postgresql\" { table = \"b\" }");
  const auto lookup = [](const std::string&) { return std::optional<std::string>("x"); };
  EXPECT_TRUE(says(refusal(migrate_store(path, lookup)), "are both PostgreSQL"));
}

// One with variables of the environment, which are taken once.
class AzureMigration : public testing::Test {
 protected:
  Status apply(const std::string& text) {
    auto parsed = parse_migration_config(text);
    EXPECT_TRUE(parsed.ok()) << parsed.error().message;
    config = std::move(*parsed);
    auto left = variables;
    return apply_environment(config, [&left](const std::string& name) {
      const auto found = left.extract(name);
      return found ? std::optional(found.mapped()) : std::nullopt;
    });
  }
  static std::string azure(const std::string& word, const std::string& more) {
    return concat(word, " \"azure\" {\n", more, "\n}\n");
  }
  std::map<std::string, std::string> variables;
  MigrationConfig config;
};

TEST_F(AzureMigration, TheFileGoesBeforeTheEnvironmentWhichServesBothSides) {
  variables = {{"AZURE_ACCOUNT_NAME", "other"},
               {"AZURE_ACCOUNT_KEY", "a2V5"},
               {"AZURE_ENVIRONMENT", "AzureChinaCloud"}};
  ASSERT_TRUE(apply(azure("storage_source", "accountName = \"acct\"\ncontainer = \"a\"") +
                    azure("storage_destination", "container = \"b\"\naccountKey = \"a2V5Mg==\""))
                  .ok());
  EXPECT_EQ(config.source.storage.azure.account, "acct");
  EXPECT_EQ(config.source.storage.azure.account_key.text(), "a2V5");
  EXPECT_EQ(config.source.storage.azure.environment, "AzureChinaCloud");
  EXPECT_EQ(config.destination.storage.azure.account, "other");
  EXPECT_EQ(config.destination.storage.azure.account_key.text(), "a2V5Mg==");
  EXPECT_EQ(config.destination.storage.azure.environment, "AzureChinaCloud");
}

TEST_F(AzureMigration, OneContainerIsNotTwoStores) {
  const std::string same = "accountName = \"acct\"\ncontainer = \"a\"";
  EXPECT_TRUE(
      says(refusal(apply(azure("storage_source", same) + azure("storage_destination", same))),
           "one container"));
}

TEST_F(AzureMigration, ATestServiceIsForTheMigrationOfATestStore) {
  const std::string sides =
      "storage_source \"sqlite\" { path = \"/a.db\" }\n" +
      azure(
          "storage_destination",
          "accountName = \"acct\"\ncontainer = \"a\"\nblob_endpoint = \"http://127.0.0.1:1/acct\"");
  ASSERT_TRUE(apply(sides).ok());
  EXPECT_TRUE(says(refusal(blob_store_config(config.destination)), "plain http"));
  ASSERT_TRUE(apply("store_kind = \"test\"\n" + sides).ok());
  EXPECT_TRUE(blob_store_config(config.destination).ok());
  EXPECT_TRUE(
      says(refusal(parse_migration_config("test { ca_file = \"/ca\" }\n" + sides)), "store_kind"));
}

TEST_F(OfflineFiles, AProductionStoreIsNotMigratedAsATest) {
  {
    const auto store = storage::open_sqlite_store(dir_.file("a.db"));
    ASSERT_TRUE(store.ok());
    const auto lease = (*store)->acquire_lease("test", Deadline::after(Milliseconds(1'000)));
    ASSERT_TRUE(lease.ok());
    const SystemClock clock;
    barrier::Barrier barrier(**store, clock);
    auto plan = barrier.plan_init(barrier::StoreKind::kProduction, {.shares = 1, .threshold = 1});
    ASSERT_TRUE(plan.ok());
    ASSERT_TRUE(barrier.commit_init(std::move(*plan)).ok());
  }
  const std::string sides =
      sqlite("storage_source", "a.db") + sqlite("storage_destination", "b.db");
  const std::string test = file("t.hcl", "store_kind = \"test\"\n" + sides);
  EXPECT_TRUE(says(refusal(migrate_store(test, nothing)), "is a production store"));
  EXPECT_FALSE(std::filesystem::exists(dir_.file("b.db")));
  EXPECT_TRUE(migrate_store(file("p.hcl", sides), nothing).ok());
}

TEST_F(OfflineFiles, AnEmptyStoreIsNoSource) {
  const std::string path =
      file("m.hcl", sqlite("storage_source", "a.db") + sqlite("storage_destination", "b.db"));
  EXPECT_TRUE(says(refusal(migrate_store(path, nothing)), "never initialised"));
  const std::string same =
      file("s.hcl", sqlite("storage_source", "a.db") + sqlite("storage_destination", "a.db"));
  EXPECT_TRUE(says(refusal(migrate_store(same, nothing)), "lease_held"));
}

TEST_F(OfflineFiles, WhatIsNoSnapshotMakesNoStore) {
  const std::string config = file("s.hcl", sqlite("storage", "new.db"));
  const std::string snapshot = file("x.snap", "not a snapshot at all");
  EXPECT_TRUE(says(refusal(restore_store({config, snapshot, {}}, nothing)), "snapshot_format"));
  EXPECT_TRUE(says(refusal(restore_store({config, dir_.file("absent"), {}}, nothing)), "absent"));
  EXPECT_FALSE(std::filesystem::exists(dir_.file("new.db")));
  const std::string memory = file("i.hcl", "storage \"inmem\" {}");
  EXPECT_TRUE(says(refusal(restore_store({memory, snapshot, {}}, nothing)), "in memory"));
}

}  // namespace
}  // namespace apm::boot
