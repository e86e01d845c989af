// The behaviour suite over the backends of this folder.

#include "storage/behaviour_suite.h"

#include <filesystem>

#include "storage/memory_store.h"
#include "storage/postgres_fixture.h"
#include "storage/sqlite_store.h"
#include "storage/temp_dir.h"

namespace apm::storage {
namespace {

class MemoryBackend final : public Backend {
 public:
  [[nodiscard]] Result<std::unique_ptr<Store>> open() override {
    return std::unique_ptr<Store>(std::make_unique<MemoryStore>(content_));
  }
  void expire_lease() override { content_->expire_lease(); }

 private:
  std::shared_ptr<MemoryContent> content_ = std::make_shared<MemoryContent>();
};

class SqliteBackend final : public Backend {
 public:
  [[nodiscard]] Result<std::unique_ptr<Store>> open() override {
    return open_sqlite_store(dir_.file("store.db"));
  }
  void expire_lease() override { std::filesystem::remove(dir_.file("store.db.lock")); }

 private:
  TempDir dir_;
};

class PostgresBackend final : public Backend {
 public:
  [[nodiscard]] Result<std::unique_ptr<Store>> open() override {
    return open_postgres_store({.connection_url = secret(server_.url(database_))});
  }
  void expire_lease() override {
    const auto done = server_.run(database_, "UPDATE apm_store_lease SET expires = '-infinity'");
    EXPECT_TRUE(done.ok()) << done.error().message;
  }

 private:
  PostgresServer& server_ = PostgresServer::shared();
  std::string database_ = server_.new_database();
};

template <class B>
BackendCase case_of(const char* name) {
  return {name, [] { return std::make_unique<B>(); }, [] { return std::string(); }};
}

BackendCase postgres_case() {
  BackendCase one = case_of<PostgresBackend>("postgresql");
  one.skip_reason = [] { return PostgresServer::shared().trouble(); };
  return one;
}

INSTANTIATE_TEST_SUITE_P(Local, StoreBehaviour,
                         testing::Values(case_of<MemoryBackend>("memory"),
                                         case_of<SqliteBackend>("sqlite"), postgres_case()),
                         case_name);

}  // namespace
}  // namespace apm::storage
