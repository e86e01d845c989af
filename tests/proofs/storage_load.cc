// A program that writes to a store through the barrier until it is killed, and one that looks at
// what is left: storage_load (sqlite PATH | postgresql URL | azurite ENDPOINT/CONTAINER) KEY_FILE
// (init | write | check | free). The last is an Azurite with its published account, and free ends
// its lease.
//
// Each of kThreads writers has one change under way at a time. Change i of writer t sets the
// writer's head and one pair of twins to i and moves a marker from i-1 to i, all or nothing. "t i"
// is printed when it was acknowledged. check prints each head as "t i", or says what is torn and
// exits with 1.

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>

#include "azure/blob_log.h"
#include "azure/blob_store.h"
#include "barrier/barrier.h"
#include "base/encoding.h"
#include "base/text.h"
#include "storage/postgres_store.h"
#include "storage/sqlite_store.h"

namespace {

using namespace apm;  // NOLINT: a program of one file

constexpr int kThreads = 4;
constexpr std::uint64_t kTwins = 16;
constexpr Milliseconds kLeaseTtl{300};
constexpr Milliseconds kLeaseWait{20'000};

// Azurite's published development account; it protects nothing.
constexpr const char* kAzuriteAccount = "devstoreaccount1";
constexpr const char* kAzuriteKey =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
constexpr std::size_t kSegmentAppends = 25;  // logs are rolled under the kills

azure::BlobConnector azurite_at(const std::string& place) {
  const std::size_t slash = place.rfind('/');
  azure::BlobStoreConfig config;
  config.account = kAzuriteAccount;
  config.endpoint = place.substr(0, slash);
  config.container = place.substr(slash + 1);
  const Bytes key = base64_decode(kAzuriteKey).value();
  config.account_key = crypto::SecretBytes::copy_of(ByteView(key));
  return azure::blob_connector(std::make_shared<const azure::BlobStoreConfig>(std::move(config)));
}

Result<std::unique_ptr<storage::Store>> open_azurite(const std::string& place) {
  azure::BlobStoreOptions options;
  options.description = place;
  options.segment_appends_max = kSegmentAppends;
  return azure::open_blob_store(azurite_at(place), options);
}

// Ends the lease of a killed program, which would else last for up to 15 s.
Status free_lease(const std::string& place) {
  APM_TRY(const auto connection, azurite_at(place)());
  return connection->client().break_lease(azure::kManifestBlob, Deadline::after(kLeaseWait));
}

Result<std::unique_ptr<storage::Store>> open_store(const std::string& type,
                                                   const std::string& place) {
  if (type == "sqlite") return storage::open_sqlite_store(place);
  if (type == "azurite") return open_azurite(place);
  return storage::open_postgres_store(
      {.connection_url = crypto::SecretBytes::copy_of(place), .lease_ttl = kLeaseTtl});
}

std::string at(int writer, std::string_view what) { return concat("w/", writer, "/", what); }
std::string twin(int writer, std::uint64_t i, std::string_view which) {
  return at(writer, concat("twin/", i % kTwins, "/", which));
}
// Sizes differ, so that batches take one page or many.
Bytes value_of(std::uint64_t i) {
  const std::string number = concat(i, ";");
  return to_bytes(std::string_view(number + std::string((i * 7919) % 20'000, 'x')));
}
std::uint64_t number_in(const Bytes& value) {
  const std::string_view text = as_text(value);
  return parse_u64(text.substr(0, text.find(';'))).value_or(0);
}

barrier::Change change_of(int writer, std::uint64_t i) {
  barrier::Change change;
  change.writes = {{at(writer, "head"), to_bytes(std::string_view(concat(i, ";")))},
                   {twin(writer, i, "a"), value_of(i)},
                   {twin(writer, i, "b"), value_of(i)},
                   {at(writer, concat("marker/", i)), {}}};
  if (i > 1) change.deletes = {at(writer, concat("marker/", i - 1))};
  return change;
}

Result<std::uint64_t> head_of(barrier::Barrier& barrier, int writer) {
  APM_TRY(const std::optional<Bytes> value, barrier.get(at(writer, "head")));
  return value ? number_in(*value) : 0;
}

Status write_for_ever(barrier::Barrier& barrier, int writer) {
  APM_TRY(std::uint64_t i, head_of(barrier, writer));
  while (true) {
    ++i;
    APM_CHECK_OK(barrier.apply(change_of(writer, i)));
    const std::string line = concat(writer, " ", i, "\n");
    if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) return {};
  }
}

Error torn(int writer, std::uint64_t head, const std::string& what) {
  return Error(Code::kCorrupt, "torn", concat("writer ", writer, ", head ", head, ": ", what));
}

Status check_writer(barrier::Barrier& barrier, int writer) {
  APM_TRY(const std::uint64_t head, head_of(barrier, writer));
  APM_TRY(const std::vector<std::string> markers, barrier.list(at(writer, "marker/")));
  const std::vector<std::string> expected =
      head == 0 ? std::vector<std::string>{} : std::vector<std::string>{concat(head)};
  if (markers != expected) return torn(writer, head, concat(markers.size(), " markers"));
  for (std::uint64_t i = head > kTwins ? head - kTwins + 1 : 1; i <= head; ++i) {
    for (const char* which : {"a", "b"}) {
      APM_TRY(const std::optional<Bytes> value, barrier.get(twin(writer, i, which)));
      if (!value || *value != value_of(i)) return torn(writer, head, concat("twin of ", i));
    }
  }
  std::cout << writer << " " << head << "\n";
  return {};
}

Status init(barrier::Barrier& barrier, const std::string& key_file) {
  APM_TRY(barrier::InitPlan plan, barrier.plan_init(barrier::StoreKind::kTest, {1, 1}));
  std::ofstream(key_file) << hex_encode(plan.shares[0].view());
  return barrier.commit_init(std::move(plan));
}

Status unseal(barrier::Barrier& barrier, const std::string& key_file) {
  std::stringstream text;
  text << std::ifstream(key_file).rdbuf();
  APM_TRY(const Bytes key, hex_decode(text.str()));
  APM_CHECK_OK(barrier.unseal(crypto::SecretBytes::copy_of(key)));
  return {};
}

Status write(barrier::Barrier& barrier) {
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int writer = 0; writer < kThreads; ++writer) {
    threads.emplace_back([&barrier, writer] {
      const Status ended = write_for_ever(barrier, writer);
      if (!ended.ok()) std::cerr << ended.error().reason << ": " << ended.error().message << "\n";
    });
  }
  for (std::thread& thread : threads) thread.join();
  return Error(Code::kIo, "ended", "the writers ended by themselves");
}

Status run(const std::vector<std::string>& words) {
  if (words[1] == "azurite" && words[4] == "free") return free_lease(words[2]);
  APM_TRY(const std::unique_ptr<storage::Store> store, open_store(words[1], words[2]));
  APM_TRY(const std::unique_ptr<storage::Lease> lease,
          store->acquire_lease("storage_load", Deadline::after(kLeaseWait)));
  const SystemClock clock;
  barrier::Barrier barrier(*store, clock);
  if (words[4] == "init") return init(barrier, words[3]);
  APM_CHECK_OK(unseal(barrier, words[3]));
  if (words[4] == "write") return write(barrier);
  for (int writer = 0; writer < kThreads; ++writer) APM_CHECK_OK(check_writer(barrier, writer));
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv, argv + argc);
  if (words.size() != 5) {
    std::cerr << "usage: storage_load (sqlite PATH | postgresql URL | azurite ENDPOINT/CONTAINER) "
                 "KEY_FILE (init|write|check|free)\n";
    return 2;
  }
  const Status done = run(words);
  if (done.ok()) return 0;
  std::cerr << done.error().reason << ": " << done.error().message << "\n";
  return 1;
}
