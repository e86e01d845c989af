// The store on Azure Blob when requests are lost, answers are lost, leases are lost, and blobs are
// not what they were: over Azurite, with faults put between client and service.

#include <gtest/gtest.h>

#include <deque>

#include "azure/azurite_fixture.h"
#include "azure/log_record.h"
#include "base/mutex.h"
#include "storage/limits.h"

namespace apm::azure {
namespace {

using storage::Batch;
using storage::Lease;
using storage::Store;

Batch put(const std::string& key, std::string_view value) {
  Batch batch;
  batch.puts.push_back({key, to_bytes(value)});
  return batch;
}

template <class R>
std::string reason_of(const R& result) {
  return result.ok() ? "" : result.error().reason;
}

Deadline soon() { return Deadline::after(Milliseconds(20'000)); }

enum class Fate { kServed, kLostBefore, kLostAfter, kBusy, kDenied };

// What happens to the next requests that match.
class Faults {
 public:
  // An empty method is any.
  void plan(std::string method, std::string url_part, std::deque<Fate> fates) {
    const MutexLock lock(mutex_);
    method_ = std::move(method);
    part_ = std::move(url_part);
    fates_ = std::move(fates);
  }
  Fate next(const net::Request& request) {
    const MutexLock lock(mutex_);
    if (request.url.find("comp=appendblock") != std::string::npos) ++appends_;
    const bool matches = (method_.empty() || request.method == method_) &&
                         request.url.find(part_) != std::string::npos;
    if (!matches || fates_.empty()) return Fate::kServed;
    const Fate fate = fates_.front();
    fates_.pop_front();
    return fate;
  }
  int appends() {
    const MutexLock lock(mutex_);
    return appends_;
  }
  std::size_t left() {
    const MutexLock lock(mutex_);
    return fates_.size();
  }

 private:
  Mutex mutex_;
  std::string method_ APM_GUARDED_BY(mutex_);
  std::string part_ APM_GUARDED_BY(mutex_);
  std::deque<Fate> fates_ APM_GUARDED_BY(mutex_);
  int appends_ APM_GUARDED_BY(mutex_) = 0;
};

class FaultyConnection final : public BlobConnection {
 public:
  FaultyConnection(const BlobStoreConfig& config, std::shared_ptr<Faults> faults)
      : faults_(std::move(faults)), http_(make_http_client({}).value()) {
    client_.emplace(
        BlobClient::create(
            [this](const net::Request& r, const Deadline& d) { return send(r, d); }, clock_,
            {config.endpoint, config.account, config.container, config.account_key.clone()})
            .value());
  }
  [[nodiscard]] BlobClient& client() override { return *client_; }

 private:
  Result<net::Response> send(const net::Request& request, const Deadline& deadline) {
    const Error lost(Code::kUnavailable, "unreachable", "the connection was cut");
    const Fate fate = faults_->next(request);
    if (fate == Fate::kLostBefore) return lost;
    if (fate == Fate::kBusy || fate == Fate::kDenied) {
      net::Response refusal;
      refusal.status = fate == Fate::kBusy ? 503 : 403;
      return refusal;
    }
    auto answer = http_.send(request, deadline);
    if (fate == Fate::kLostAfter) return lost;
    return answer;
  }

  std::shared_ptr<Faults> faults_;
  SystemClock clock_;
  net::HttpClient http_;
  std::optional<BlobClient> client_;
};

class BlobFaultTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_FALSE(AzuriteServer::shared().failed()) << AzuriteServer::shared().trouble();
    if (!AzuriteServer::shared().trouble().empty()) {
      GTEST_SKIP() << AzuriteServer::shared().trouble();
    }
    store = open(faulty());
    lease = take(*store);
  }
  void TearDown() override {
    lease.reset();
    store.reset();
  }

  BlobConnector faulty() {
    return [this]() -> Result<std::unique_ptr<BlobConnection>> {
      return std::unique_ptr<BlobConnection>(
          std::make_unique<FaultyConnection>(AzuriteServer::shared().config(container), faults));
    };
  }
  BlobConnector clean() { return AzuriteServer::shared().connector(container); }
  std::unique_ptr<Store> open(const BlobConnector& connect) {
    auto opened = open_blob_store(connect, options);
    EXPECT_TRUE(opened.ok()) << opened.error().message;
    return opened.ok() ? std::move(*opened) : nullptr;
  }
  static std::unique_ptr<Lease> take(Store& store) {
    auto taken = store.acquire_lease("node", soon());
    EXPECT_TRUE(taken.ok()) << taken.error().message;
    return taken.ok() ? std::move(*taken) : nullptr;
  }
  static std::string read(Store& store, const std::string& key) {
    const auto value = store.get(key);
    if (!value.ok()) return value.error().reason;
    return *value ? std::string(as_text(**value)) : "absent";
  }
  // As another server sees it.
  std::string seen(const std::string& key) { return read(*open(clean()), key); }

  Manifest manifest() {
    const auto connection = clean()().value();
    return BlobLog(connection->client()).manifest(soon())->manifest;
  }
  Bytes content(const std::string& name) {
    const auto connection = clean()().value();
    const std::uint64_t size = connection->client().properties(name, soon())->size;
    return size == 0 ? Bytes{} : *connection->client().get_range(name, {0, size}, soon());
  }
  // What somebody with the account's key can do.
  void replace(const std::string& name, ByteView bytes) {
    const auto connection = clean()().value();
    BlobClient& client = connection->client();
    ASSERT_TRUE(client.break_lease(name, soon()).ok());
    ASSERT_TRUE(client.remove(name, soon()).ok());
    ASSERT_TRUE(client.create_append_blob(name, soon()).ok());
    const std::string id = crypto::random_uuid();
    ASSERT_TRUE(client.acquire_lease(name, id, kBlobLeaseEndless, soon()).ok());
    if (!bytes.empty()) {
      ASSERT_TRUE(client.append_block(name, bytes, {id, 0}, soon()).ok());
    }
  }
  void stop() {
    lease.reset();
    store.reset();
  }
  // Neither a reader nor a next holder takes it for good.
  void expect_refused(const std::string& reason) {
    const auto other = open(clean());
    EXPECT_EQ(reason_of(other->get("a")), reason);
    EXPECT_EQ(reason_of(other->get("a")), reason);
    EXPECT_EQ(reason_of(other->list("")), reason);
    EXPECT_EQ(reason_of(other->acquire_lease("next", soon())), reason);
  }

  std::string container = AzuriteServer::new_container();
  std::shared_ptr<Faults> faults = std::make_shared<Faults>();
  BlobStoreOptions options{.description = "azure test"};
  std::unique_ptr<Store> store;
  std::unique_ptr<Lease> lease;
};

constexpr const char* kAppend = "comp=appendblock";

// --- Lost answers ---

TEST_F(BlobFaultTest, ALostAnswerToAnAppendIsSettledAndNotAppliedTwice) {
  faults->plan("PUT", kAppend, {Fate::kLostAfter});
  EXPECT_TRUE(store->commit(put("a", "1")).ok());
  EXPECT_EQ(faults->appends(), 1);
  EXPECT_TRUE(store->commit(put("b", "2")).ok());
  EXPECT_EQ(seen("a") + seen("b"), "12");
}

TEST_F(BlobFaultTest, ABusyServiceIsAskedAgain) {
  faults->plan("PUT", kAppend, {Fate::kBusy, Fate::kBusy});
  EXPECT_TRUE(store->commit(put("a", "1")).ok());
  EXPECT_EQ(faults->appends(), 3);
  EXPECT_EQ(seen("a"), "1");
}

TEST_F(BlobFaultTest, AnUnknownOutcomeIsDrivenForwardByTheNextRead) {
  faults->plan("PUT", kAppend, std::deque<Fate>(kAppendAttempts, Fate::kLostBefore));
  EXPECT_EQ(reason_of(store->commit(put("a", "1"))), "store_outcome_unknown");
  EXPECT_EQ(faults->left(), 0U);
  EXPECT_EQ(seen("a"), "absent");
  EXPECT_EQ(read(*store, "a"), "1");
  EXPECT_EQ(seen("a"), "1");
}

// The answer is lost, and so is the look at what stands there.
TEST_F(BlobFaultTest, AnUnknownOutcomeThatWasDoneIsDoneOnce) {
  faults->plan("", "apm/segment", {Fate::kLostAfter, Fate::kLostBefore});
  EXPECT_EQ(reason_of(store->commit(put("a", "1"))), "store_outcome_unknown");
  EXPECT_EQ(seen("a"), "1");
  Batch next = put("b", "2");
  next.preconditions = {{"a", to_bytes("1")}};
  EXPECT_TRUE(store->commit(next).ok());
  EXPECT_EQ(faults->left(), 0U);
  EXPECT_EQ(seen("a") + seen("b"), "12");
}

TEST_F(BlobFaultTest, ARefusedWriteIsToldSoAndNotMadeLater) {
  faults->plan("PUT", kAppend, {Fate::kDenied});
  const Status refused = store->commit(put("a", "refused"));
  EXPECT_EQ(reason_of(refused), "store_unavailable");
  EXPECT_EQ(refused.error().code, Code::kUnavailable);  // it is not the caller who was refused
  EXPECT_EQ(read(*store, "a"), "absent");
  EXPECT_TRUE(store->commit(put("b", "2")).ok());
  EXPECT_EQ(seen("a") + seen("b"), "absent2");
}

// While an earlier write cannot be settled, nothing of a later one is sent, and nobody waits.
TEST_F(BlobFaultTest, CommitsBehindAnUnsettledOneAreAnsweredUndone) {
  faults->plan("", "apm/segment", std::deque<Fate>(200, Fate::kLostBefore));
  EXPECT_EQ(reason_of(store->commit(put("a", "1"))), "store_outcome_unknown");
  std::vector<std::thread> writers;
  writers.reserve(8);
  for (int i = 0; i < 8; ++i) {
    writers.emplace_back([this, i] {
      EXPECT_EQ(reason_of(store->commit(put(concat("w/", i), "x"))), "store_unavailable");
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(read(*store, "a"), "store_outcome_unknown");
  faults->plan("", "apm/segment", {});
  EXPECT_EQ(read(*store, "a"), "1");
  EXPECT_TRUE(store->list("w/")->empty());
}

// --- Lost leases ---

TEST_F(BlobFaultTest, ABrokenSegmentLeaseEndsTheRight) {
  ASSERT_TRUE(store->commit(put("a", "1")).ok());
  const auto connection = clean()().value();
  ASSERT_TRUE(connection->client().break_lease(manifest().segment, soon()).ok());
  EXPECT_EQ(reason_of(store->commit(put("a", "2"))), "lease_lost");
  EXPECT_FALSE(lease->held());
  EXPECT_EQ(reason_of(store->commit({})), "lease_lost");
  EXPECT_EQ(seen("a"), "1");
}

TEST_F(BlobFaultTest, ATakeoverSettlesWhatTheFormerHolderDoesNotKnow) {
  faults->plan("PUT", kAppend, std::deque<Fate>(kAppendAttempts, Fate::kLostBefore));
  EXPECT_EQ(reason_of(store->commit(put("a", "late"))), "store_outcome_unknown");
  const auto connection = clean()().value();
  ASSERT_TRUE(connection->client().break_lease(kManifestBlob, soon()).ok());
  const auto other = open(clean());
  const auto next = take(*other);
  ASSERT_TRUE(other->commit(put("b", "2")).ok());
  EXPECT_NE(read(*store, "a"), "late");
  EXPECT_NE(reason_of(store->commit(put("c", "3"))), "");
  EXPECT_EQ(seen("a") + seen("b") + seen("c"), "absent2absent");
}

// --- Rolling ---

class BlobRollTest : public BlobFaultTest {
 protected:
  BlobRollTest() { options.segment_appends_max = 2; }
};

TEST_F(BlobRollTest, ANewSegmentBeginsAtTheLimitAndTheOldOneGoes) {
  const Manifest before = manifest();
  for (const char* key : {"a", "b"}) ASSERT_TRUE(store->commit(put(key, key)).ok());
  EXPECT_EQ(manifest().segment, before.segment);
  ASSERT_TRUE(store->commit(put("c", "c")).ok());
  const Manifest after = manifest();
  EXPECT_NE(after.segment, before.segment);
  EXPECT_EQ(after.epoch, before.epoch);
  EXPECT_EQ(after.start.sequence, before.start.sequence + 2);
  const auto connection = clean()().value();
  for (const std::string& gone : {before.segment, before.checkpoint}) {
    EXPECT_EQ(connection->client().properties(gone, soon()).error().reason, "blob_not_found");
  }
  EXPECT_EQ(seen("a") + seen("b") + seen("c"), "abc");
}

TEST_F(BlobRollTest, AFailedRollIsAnsweredAndDoneNextTime) {
  for (const char* key : {"a", "b"}) ASSERT_TRUE(store->commit(put(key, key)).ok());
  faults->plan("PUT", "apm/checkpoint", std::deque<Fate>(2, Fate::kLostBefore));
  EXPECT_EQ(reason_of(store->commit(put("c", "lost"))), "store_unavailable");
  EXPECT_EQ(seen("c"), "absent");
  ASSERT_TRUE(store->commit(put("c", "c")).ok());
  EXPECT_EQ(seen("a") + seen("b") + seen("c"), "abc");
}

TEST_F(BlobRollTest, ALostAnswerToTheManifestIsReadBack) {
  for (const char* key : {"a", "b"}) ASSERT_TRUE(store->commit(put(key, key)).ok());
  faults->plan("PUT", kManifestBlob, {Fate::kLostAfter, Fate::kLostAfter});
  ASSERT_TRUE(store->commit(put("c", "c")).ok());
  EXPECT_EQ(faults->left(), 0U);
  EXPECT_EQ(seen("a") + seen("b") + seen("c"), "abc");
}

// The manifest names the new segment, and the roller does not know: it must not go on in the old.
TEST_F(BlobRollTest, ARollThatWasDoneUnknownIsFoundByTheNext) {
  for (const char* key : {"a", "b"}) ASSERT_TRUE(store->commit(put(key, key)).ok());
  const std::string old = manifest().segment;
  // Its third look at the manifest is the one after the last replacement.
  faults->plan("GET", kManifestBlob, {Fate::kServed, Fate::kServed, Fate::kLostBefore});
  EXPECT_EQ(reason_of(store->commit(put("c", "lost"))), "store_unavailable");
  EXPECT_NE(manifest().segment, old);
  ASSERT_TRUE(store->commit(put("d", "d")).ok());
  EXPECT_EQ(seen("a") + seen("b") + seen("c") + seen("d"), "ababsentd");
}

// --- Groups and sizes ---

TEST_F(BlobFaultTest, CommitsThatWaitTogetherShareAnAppend) {
  constexpr int kWriters = 16;
  // The first append is held up by its repetitions, so that the others queue behind it.
  faults->plan("PUT", kAppend, {Fate::kBusy, Fate::kBusy});
  std::vector<std::thread> writers;
  writers.reserve(kWriters);
  for (int i = 0; i < kWriters; ++i) {
    writers.emplace_back([this, i] { EXPECT_TRUE(store->commit(put(concat("w/", i), "x")).ok()); });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_LT(faults->appends(), kWriters);
  EXPECT_EQ(store->list("w/")->size(), static_cast<std::size_t>(kWriters));
}

TEST_F(BlobFaultTest, ABatchIsAtMostOneAppend) {
  Batch batch = put("a", std::string(storage::kValueBytesMax, 'a'));
  batch.puts.push_back({"b", Bytes(store->batch_bytes_max() - storage::kValueBytesMax - 1)});
  EXPECT_EQ(reason_of(store->commit(batch)), "azure_batch");
  EXPECT_EQ(seen("a"), "absent");
  batch.puts.back().value.pop_back();
  EXPECT_TRUE(store->commit(batch).ok());
  // Larger than one record, so that the checkpoint has several.
  ASSERT_TRUE(store->commit(put("c", std::string(storage::kValueBytesMax, 'c'))).ok());
  stop();
  store = open(faulty());
  lease = take(*store);
  EXPECT_EQ(store->list("")->size(), 3U);
  EXPECT_EQ(seen("c"), std::string(storage::kValueBytesMax, 'c'));
}

TEST_F(BlobFaultTest, ABatchOfAllOperationsAndAllBytesFits) {
  Batch batch;
  const std::size_t each = store->batch_bytes_max() / storage::kBatchOperationsMax;
  for (std::size_t i = 0; i < storage::kBatchOperationsMax; ++i) {
    std::string key = concat("k/", 1000 + i);
    const std::size_t left = each - key.size();
    batch.puts.push_back({std::move(key), Bytes(left)});
  }
  EXPECT_TRUE(store->commit(batch).ok());
  EXPECT_EQ(store->list("k/")->size(), storage::kBatchOperationsMax);
}

TEST_F(BlobFaultTest, AStoreGrowsToItsLimitAndShrinks) {
  stop();
  options.state_bytes_max = 3 * (8 + 1 + 10);
  const std::string value(10, 'v');
  store = open(faulty());
  lease = take(*store);
  for (const char* key : {"a", "b", "c"}) ASSERT_TRUE(store->commit(put(key, value)).ok());
  EXPECT_EQ(reason_of(store->commit(put("d", ""))), "azure_state");
  EXPECT_EQ(reason_of(store->commit(put("a", value + "v"))), "azure_state");
  EXPECT_TRUE(store->commit(put("a", value)).ok());
  stop();
  store = open(faulty());
  lease = take(*store);
  EXPECT_EQ(reason_of(store->commit(put("d", ""))), "azure_state");
  Batch exchange = put("d", value);
  exchange.deletes = {"a"};
  EXPECT_TRUE(store->commit(exchange).ok());
  EXPECT_EQ(seen("a") + seen("d"), "absent" + value);
}

TEST_F(BlobFaultTest, ALargeStateIsTakenOverWhole) {
  constexpr int kKeys = 20'000;
  Batch batch;
  for (int i = 0; i < kKeys; ++i) {
    batch.puts.push_back({concat("n/", i), to_bytes(concat("value ", i, std::string(500, 'x')))});
    if (batch.puts.size() < storage::kBatchOperationsMax && i + 1 < kKeys) continue;
    ASSERT_TRUE(store->commit(batch).ok());
    batch.puts.clear();
  }
  stop();
  store = open(clean());
  const SteadyTime begin = std::chrono::steady_clock::now();
  lease = take(*store);
  const auto took = std::chrono::steady_clock::now() - begin;
  std::cout << "takeover of " << kKeys
            << " keys: " << std::chrono::duration_cast<Milliseconds>(took).count() << " ms\n";
  EXPECT_EQ(store->list("n/")->size(), static_cast<std::size_t>(kKeys));
  for (const int i : {0, 7'777, kKeys - 1}) {
    EXPECT_EQ(read(*store, concat("n/", i)), concat("value ", i, std::string(500, 'x')));
  }
  EXPECT_EQ(seen(concat("n/", kKeys - 2)), concat("value ", kKeys - 2, std::string(500, 'x')));
}

// --- Blobs that were changed ---

class BlobTamperTest : public BlobFaultTest {
 protected:
  void SetUp() override {
    BlobFaultTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    for (const char* key : {"a", "b", "c"}) ASSERT_TRUE(store->commit(put(key, key)).ok());
    segment = manifest().segment;
    good = content(segment);
    first = decode_record(good)->size;
  }
  std::string segment;
  Bytes good;
  std::size_t first = 0;  // bytes of the first record
};

TEST_F(BlobTamperTest, ASegmentCutInsideARecordIsTruncated) {
  stop();
  replace(segment, ByteView(good).first(good.size() - 1));
  expect_refused("azure_log_truncated");
}

TEST_F(BlobTamperTest, AReaderNoticesASegmentThatBecameShorter) {
  const auto other = open(clean());
  EXPECT_EQ(read(*other, "c"), "c");
  stop();
  replace(segment, ByteView(good).first(first));
  EXPECT_EQ(read(*other, "c"), "azure_log_truncated");
}

// As an error of the store: a key of it is not absent, and a caller is not refused.
TEST_F(BlobTamperTest, AMissingBlobIsCorruptionAndNoAbsentKey) {
  stop();
  const auto connection = clean()().value();
  ASSERT_TRUE(connection->client().break_lease(segment, soon()).ok());
  ASSERT_TRUE(connection->client().remove(segment, soon()).ok());
  expect_refused("azure_log_missing");
  const auto other = open(clean());
  EXPECT_EQ(other->get("a").error().code, Code::kCorrupt);
  EXPECT_EQ(other->acquire_lease("next", soon()).error().code, Code::kCorrupt);
}

TEST_F(BlobTamperTest, AWholeOlderLogIsNoticedByWhoSawTheNewer) {
  const auto connection = clean()().value();
  const BlobContent old_manifest =
      *connection->client().get_whole(kManifestBlob, kManifestBytesMax, soon());
  const std::string checkpoint = manifest().checkpoint;
  const Bytes old_checkpoint = content(checkpoint);
  const auto other = open(clean());
  stop();
  store = open(clean());
  lease = take(*store);
  ASSERT_TRUE(store->commit(put("d", "d")).ok());
  EXPECT_EQ(read(*other, "d"), "d");
  stop();
  const auto put_back = [&] {
    for (const auto& [name, bytes] :
         {std::pair<std::string, const Bytes&>{checkpoint, old_checkpoint}, {segment, good}}) {
      static_cast<void>(connection->client().create_append_blob(name, soon()));
      replace(name, bytes);
    }
    ASSERT_TRUE(connection->client().break_lease(kManifestBlob, soon()).ok());
    ASSERT_TRUE(
        connection->client().put_block_blob(kManifestBlob, old_manifest.bytes, soon()).ok());
  };
  put_back();
  EXPECT_EQ(read(*other, "a"), "azure_log_rolled_back");
  EXPECT_EQ(read(*other, "a"), "azure_log_rolled_back");
  EXPECT_EQ(reason_of(other->acquire_lease("next", soon())), "azure_log_rolled_back");
  // A server that starts now has seen nothing newer: that needs an anchor outside the container.
  put_back();
  EXPECT_EQ(seen("a"), "a");
}

TEST_F(BlobTamperTest, AFlippedBitIsDamage) {
  stop();
  good[good.size() / 2] ^= 0x10;
  replace(segment, good);
  expect_refused("azure_log_damaged");
}

TEST_F(BlobTamperTest, ARecordThatIsLeftOutBreaksTheChain) {
  stop();
  replace(segment, ByteView(good).subspan(first));
  expect_refused("azure_log_chain");
}

TEST_F(BlobTamperTest, AnotherStoresSegmentIsNotThisOnes) {
  stop();
  std::string elsewhere = AzuriteServer::new_container();
  std::swap(container, elsewhere);
  options.segment_appends_max = 1;  // so that it is of our epoch, and follows another record
  store = open(clean());
  lease = take(*store);
  ASSERT_TRUE(store->commit(put("x", "x")).ok());
  ASSERT_TRUE(store->commit(put("a", "stolen")).ok());
  const Bytes theirs = content(manifest().segment);
  stop();
  std::swap(container, elsewhere);
  replace(segment, theirs);
  expect_refused("azure_log_chain");
}

TEST_F(BlobTamperTest, AnOlderSegmentInTheNewOnesPlaceIsRefused) {
  stop();
  store = open(clean());
  lease = take(*store);
  ASSERT_TRUE(store->commit(put("a", "new")).ok());
  segment = manifest().segment;
  stop();
  replace(segment, good);
  expect_refused("azure_log_epoch");
}

TEST_F(BlobTamperTest, ACheckpointThatWasCutOrReplacedIsRefused) {
  stop();
  store = open(clean());
  lease = take(*store);
  const std::string checkpoint = manifest().checkpoint;
  Bytes bytes = content(checkpoint);
  stop();
  replace(checkpoint, {});
  expect_refused("azure_checkpoint");
  bytes[bytes.size() / 2] ^= 1;
  replace(checkpoint, bytes);
  expect_refused("azure_log_damaged");
}

TEST_F(BlobTamperTest, ADamagedManifestIsRefusedAtOnce) {
  stop();
  const auto connection = clean()().value();
  BlobContent bytes = *connection->client().get_whole(kManifestBlob, kManifestBytesMax, soon());
  bytes.bytes[20] ^= 1;
  ASSERT_TRUE(connection->client().put_block_blob(kManifestBlob, bytes.bytes, soon()).ok());
  EXPECT_EQ(reason_of(open_blob_store(clean(), options)), "azure_manifest_damaged");
}

}  // namespace
}  // namespace apm::azure
