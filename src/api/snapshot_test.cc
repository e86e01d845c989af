// sys/apm/snapshot/: who may, piece by piece, what is refused, and what a restore leaves behind.

#include "api/api_fixture.h"
#include "api/limits.h"
#include "api/snapshot_fixture.h"
#include "base/encoding.h"
#include "snapshot/reader.h"
#include "storage/fault_store.h"

namespace apm::api {
namespace {

class SnapshotApiTest : public ApiTest {
 public:
  void SetUp() override {
    ApiTest::SetUp();
    ASSERT_EQ(server.ask("POST", "sys/mounts/anjuna", R"({"type":"kv"})").status, 204);
    write_secret("before");
  }
  void write_secret(const std::string& value) {
    ASSERT_EQ(server.ask("POST", "anjuna/dek", R"({"dek":")" + value + "\"}").status, 204);
  }
  std::string secret() {
    const Reply reply = server.ask("GET", "anjuna/dek");
    const json::Value* value = reply.data("dek");
    return value == nullptr ? concat(reply.status) : *value->as_string();
  }
  std::string upload(const Bytes& file) { return upload_to(server, file); }
  Reply commit(const std::string& id, bool force = false) {
    return server.ask("POST", "sys/apm/snapshot/restore/" + id + "/commit",
                      force ? R"({"force":true})" : "{}");
  }
};

TEST_F(SnapshotApiTest, AStoreGoesBackToItsSnapshotAndTheServerForgetsWhatItKnew) {
  const std::string early = server.make_token(R"({"policies":["default"]})");
  const Bytes file = save(server);
  write_secret("after");
  ASSERT_EQ(server.ask("POST", "sys/mounts/later", R"({"type":"kv"})").status, 204);
  const std::string late = server.make_token(R"({"policies":["default"]})");
  ASSERT_EQ(server.ask("POST", "auth/token/revoke", R"({"token":")" + early + "\"}").status, 204);

  const Reply done = commit(upload(file));
  ASSERT_EQ(done.status, 200) << done.error();
  EXPECT_TRUE(*done.data("authenticated")->as_bool());
  EXPECT_EQ(server.ask("GET", "anjuna/dek").status, 503);  // sealed
  server.unseal();
  EXPECT_EQ(secret(), "before");
  EXPECT_EQ(server.ask("GET", "later/x").status, 404);
  // What was revoked since lives again, what was made since is gone.
  EXPECT_EQ(server.ask("GET", "auth/token/lookup-self", "", early).status, 200);
  EXPECT_EQ(server.ask("GET", "auth/token/lookup-self", "", late).status, 403);
  write_secret("and it can be written to");
}

TEST_F(SnapshotApiTest, ALargeStoreGoesInPieces) {
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(server.barrier.put(concat("logical/large/", i), Bytes(1'000'000)).ok());
  }
  const Bytes file = save(server);
  EXPECT_GT(file.size(), 3 * kSnapshotPieceBytes);
  EXPECT_TRUE(snapshot::verify(snapshot::source_of(file)).ok());
  const Reply done = commit(upload(file));
  EXPECT_EQ(done.status, 200) << done.error();
}

TEST_F(SnapshotApiTest, OnlySudoMay) {
  ASSERT_EQ(server
                .ask("PUT", "sys/policies/acl/almost",
                     R"({"policy":"path \"sys/apm/*\" { capabilities = [\"create\",)"
                     R"(\"read\",\"update\",\"delete\"] }"})")
                .status,
            204);
  const std::string almost = server.make_token(R"({"policies":["almost"]})");
  for (const std::string path : {"save", "save/x", "restore", "restore/x", "restore/x/commit"}) {
    EXPECT_EQ(server.ask("POST", "sys/apm/snapshot/" + path, "", almost).status, 403) << path;
    EXPECT_EQ(server.ask("POST", "sys/apm/snapshot/" + path, "", "").status, 403) << path;
    EXPECT_EQ(server.ask("GET", "sys/apm/snapshot/" + path).status, 405) << path;
  }
  EXPECT_EQ(secret(), "before");
}

TEST_F(SnapshotApiTest, PiecesComeInOrderToTheirOwnerAndOnceOnly) {
  const std::string id = text(server.ask("POST", "sys/apm/snapshot/save"), "id");
  const std::string path = "sys/apm/snapshot/save/" + id;
  EXPECT_EQ(server.ask("POST", "sys/apm/snapshot/save").status, 400);  // busy
  EXPECT_EQ(server.ask("POST", path, R"({"piece":1})").status, 400);
  const std::string other = server.make_token(R"({"policies":["root"]})");
  EXPECT_EQ(server.ask("POST", path, R"({"piece":0})", other).status, 404);
  EXPECT_EQ(server.ask("POST", path, R"({"piece":0})").status, 200);
  EXPECT_EQ(server.ask("POST", path, R"({"piece":0})").status, 404);  // it was the last one
  // Given up, or idle for too long.
  const std::string given_up = text(server.ask("POST", "sys/apm/snapshot/save"), "id");
  EXPECT_EQ(server.ask("DELETE", "sys/apm/snapshot/save/" + given_up).status, 204);
  const std::string idle = text(server.ask("POST", "sys/apm/snapshot/save"), "id");
  ASSERT_NE(idle, "");
  clock.advance(kSnapshotIdleMax + Milliseconds(1));
  EXPECT_EQ(server.ask("POST", "sys/apm/snapshot/save/" + idle, R"({"piece":0})").status, 404);
  EXPECT_EQ(server.ask("POST", "sys/apm/snapshot/save").status, 200);
  EXPECT_TRUE(server.core.maintain().ok());
}

TEST_F(SnapshotApiTest, PiecesOfARestoreAreBoundedAndChecked) {
  const std::string id = text(server.ask("POST", "sys/apm/snapshot/restore"), "id");
  EXPECT_EQ(send_piece(server, id, 1, {1}).status, 400);
  EXPECT_EQ(send_piece(server, id, 0, Bytes(kSnapshotPieceBytes + 1)).status, 413);
  EXPECT_EQ(
      server.ask("POST", "sys/apm/snapshot/restore/" + id, R"({"piece":0,"data":"?"})").status,
      400);
  Transfers transfers(clock);
  const auto begun = transfers.begin_restore("me");
  const Bytes piece(kSnapshotPieceBytes);
  const std::size_t pieces = kSnapshotUploadBytesMax / kSnapshotPieceBytes;
  for (std::size_t i = 0; i < pieces; ++i) {
    ASSERT_TRUE(transfers.write({"me", *begun}, i, piece).ok()) << i;
  }
  const Status full = transfers.write({"me", *begun}, pieces, Bytes(1));
  ASSERT_FALSE(full.ok());
  EXPECT_EQ(full.error().reason, "snapshot_too_large");
}

TEST_F(SnapshotApiTest, WhatIsDamagedOrForgedChangesNothing) {
  const Bytes file = save(server);
  write_secret("after");
  for (const std::size_t at : {std::size_t{0}, file.size() / 2, file.size() - 1}) {
    Bytes damaged = file;
    damaged[at] ^= 1;
    EXPECT_EQ(commit(upload(damaged)).status, 400) << at;
  }
  EXPECT_EQ(commit(upload({})).status, 400);
  // A record left out by who keeps the backups: only the code tells.
  auto all = server.barrier.stored_content();
  const auto config = server.barrier.seal_config();
  snapshot::Writer forger({(*config)->store_id, (*config)->kind, 0, 0, "inmem"},
                          std::move(all->records), crypto::SecretBytes::random(32));
  const Reply refused = commit(upload(*forger.read(1 << 20)), true);
  EXPECT_EQ(refused.status, 403);
  EXPECT_NE(refused.error().find("authentication code"), std::string::npos) << refused.error();
  EXPECT_EQ(secret(), "after");  // and never sealed
}

TEST_F(SnapshotApiTest, AnotherStoresSnapshotNeedsForceAndItsOwnKeys) {
  storage::LeasedMemoryStore other_memory;
  Server other(other_memory, clock, Mode::kNetworkOperated, Phase::kServing);
  other.bring_up();
  ASSERT_EQ(other.ask("POST", "sys/mounts/anjuna", R"({"type":"kv"})").status, 204);
  ASSERT_EQ(other.ask("POST", "anjuna/dek", R"({"dek":"of the other"})").status, 204);
  const Bytes file = save(other);
  const Reply refused = commit(upload(file));
  EXPECT_EQ(refused.status, 403);
  EXPECT_NE(refused.error().find("-force"), std::string::npos) << refused.error();
  EXPECT_EQ(secret(), "before");
  // Who may restore may not decide what this server's clients are told.
  ASSERT_EQ(server
                .ask("PUT", "sys/policies/acl/backup",
                     R"({"policy":"path \"sys/apm/snapshot/*\" { capabilities = [\"create\",)"
                     R"(\"update\",\"sudo\"] }"})")
                .status,
            204);
  const std::string root = server.root;
  server.root = server.make_token(R"({"policies":["backup"]})");
  const Reply not_root = commit(upload(file), true);
  EXPECT_EQ(not_root.status, 403);
  EXPECT_NE(not_root.error().find("root token"), std::string::npos) << not_root.error();
  server.root = root;
  EXPECT_EQ(secret(), "before");
  const Reply forced = commit(upload(file), true);
  ASSERT_EQ(forced.status, 200) << forced.error();
  EXPECT_FALSE(*forced.data("authenticated")->as_bool());
  server.keys = other.keys;
  server.root = other.root;
  server.unseal();
  EXPECT_EQ(secret(), "of the other");
}

TEST_F(SnapshotApiTest, AnotherKindIsRefusedAlsoWithForce) {
  storage::LeasedMemoryStore memory_of_production;
  barrier::Barrier production(memory_of_production, clock);
  auto plan = production.plan_init(barrier::StoreKind::kProduction, {3, 2});
  ASSERT_TRUE(plan.ok() && production.commit_init(std::move(*plan)).ok());
  auto content = production.stored_content();
  snapshot::Writer writer(
      {(*production.seal_config())->store_id, barrier::StoreKind::kProduction, 0, 0, "inmem"},
      std::move(content->records), crypto::SecretBytes::random(32));
  const Reply refused = commit(upload(*writer.read(1 << 20)), true);
  EXPECT_EQ(refused.status, 403);
  EXPECT_NE(refused.error().find("production"), std::string::npos) << refused.error();
  EXPECT_EQ(secret(), "before");
}

TEST_F(SnapshotApiTest, SealingEndsWhatIsUnderWay) {
  const std::string id = text(server.ask("POST", "sys/apm/snapshot/save"), "id");
  ASSERT_EQ(server.ask("PUT", "sys/seal").status, 204);
  EXPECT_EQ(server.ask("POST", "sys/apm/snapshot/save").status, 503);
  server.unseal();
  EXPECT_EQ(server.ask("POST", "sys/apm/snapshot/save/" + id, R"({"piece":0})").status, 404);
}

// The storage fails in the middle: the server is sealed all the same, and what is left is either
// the store of before or marked as none.
TEST(SnapshotOverAFailingStore, LeavesASealedServerAndNoHalfStore) {
  for (const unsigned failing : {1U, 2U, 3U}) {
    storage::LeasedMemoryStore memory;
    unsigned left = 0;  // commits until one fails; 0: none does
    storage::FaultStore store(
        memory, [&left](storage::FaultStore::Point point, unsigned) -> Status {
          if (point == storage::FaultStore::Point::kAfterCommit || left == 0 || --left != 0)
            return {};
          return Error(Code::kIo, "fault", "fault");
        });
    ManualClock clock{1'800'000'000};
    Server server(store, clock, Mode::kNetworkOperated, Phase::kServing);
    server.bring_up();
    const Bytes file = save(server);
    for (int i = 0; i < 1000; ++i) {
      ASSERT_TRUE(server.barrier.put(concat("logical/x/", i), Bytes{1}).ok());
    }
    const std::string id = upload_to(server, file);
    left = failing;
    const Reply reply = server.ask("POST", "sys/apm/snapshot/restore/" + id + "/commit", "{}");
    if (left != 0) {
      EXPECT_EQ(reply.status, 200);  // fewer commits than that
      EXPECT_EQ(failing, 3U);
      continue;
    }
    EXPECT_EQ(reply.status, 500);
    EXPECT_FALSE(server.core.active());
    const auto state = server.barrier.state();
    const bool whole = failing == 1;  // nothing was written yet
    EXPECT_EQ(state.ok(), whole) << failing;
    EXPECT_TRUE(state.ok() || state.error().reason == "store_incomplete");
  }
}

TEST(SnapshotOfABootedServer, IsRestoredByARootTokenAlone) {
  storage::LeasedMemoryStore memory;
  ManualClock clock{1'800'000'000};
  Server server(memory, clock, Mode::kSelfBooted, Phase::kServing);
  auto plan = server.barrier.plan_init(barrier::StoreKind::kTest, {1, 1});
  ASSERT_TRUE(plan.ok() && server.barrier.commit_init(std::move(*plan)).ok());
  ASSERT_TRUE(server.core.on_unseal().ok());
  server.root = *server.core.create_root_token(0);
  ASSERT_EQ(server
                .ask("PUT", "sys/policies/acl/backup",
                     R"({"policy":"path \"sys/apm/snapshot/*\" { capabilities = [\"create\",)"
                     R"(\"update\",\"sudo\"] }"})")
                .status,
            204);
  const std::string operator_token = server.make_token(R"({"policies":["backup"]})");
  EXPECT_EQ(server.ask("POST", "sys/apm/snapshot/save", "", operator_token).status, 200);
  EXPECT_EQ(server.ask("POST", "sys/apm/snapshot/restore", "", operator_token).status, 403);
  EXPECT_EQ(server.ask("POST", "sys/apm/snapshot/restore/x/commit", "", operator_token).status,
            403);
  EXPECT_EQ(server.ask("POST", "sys/apm/snapshot/restore").status, 200);
}

}  // namespace
}  // namespace apm::api
