// Throughput and latency of the stores, one line of JSON a figure:
// storage_table SECONDS (memory | sqlite PATH | postgresql URL | azurite ENDPOINT/CONTAINER), the
// last with the account's key in base64 as the first line of its standard input.

#include <algorithm>
#include <atomic>
#include <functional>
#include <iostream>
#include <thread>

#include "azure/blob_store.h"
#include "base/encoding.h"
#include "base/text.h"
#include "storage/limits.h"
#include "storage/memory_store.h"
#include "storage/postgres_store.h"
#include "storage/sqlite_store.h"

namespace {

using namespace apm;  // NOLINT: a program of one file

constexpr std::size_t kValueBytes = 512;
constexpr int kKeys = 1000;
constexpr std::size_t kConnections = 16;

using Operation = std::function<bool(int thread, std::uint64_t i)>;

struct Figure {
  std::string operation;
  int threads = 1;
  Milliseconds time{1000};
};

// ENDPOINT/CONTAINER, where the endpoint's last segment is the account, as Azurite has it.
Result<std::unique_ptr<storage::Store>> open_blobs(const std::string& place) {
  static const std::string key = [] {
    std::string line;
    std::getline(std::cin, line);
    return line;
  }();
  azure::BlobStoreConfig config;
  const std::size_t slash = place.rfind('/');
  config.endpoint = place.substr(0, slash);
  config.container = place.substr(slash + 1);
  config.account = config.endpoint.substr(config.endpoint.rfind('/') + 1);
  APM_TRY(const Bytes raw, base64_decode(key));
  config.account_key = crypto::SecretBytes::copy_of(ByteView(raw));
  return azure::open_blob_store(std::move(config));
}

Result<std::unique_ptr<storage::Store>> open_store(const std::string& type,
                                                   const std::string& place) {
  if (type == "sqlite") return storage::open_sqlite_store(place);
  if (type == "azurite") return open_blobs(place);
  if (type == "memory") {
    return std::unique_ptr<storage::Store>(std::make_unique<storage::MemoryStore>());
  }
  return storage::open_postgres_store(
      {.connection_url = crypto::SecretBytes::copy_of(place), .max_parallel = kConnections});
}

std::int64_t percentile(const std::vector<std::int64_t>& sorted, double part) {
  const auto last = static_cast<double>(sorted.size() - 1);
  return sorted.empty() ? 0 : sorted[static_cast<std::size_t>(last * part)];
}

constexpr int kManyKeys = 20'000;

// How long a server waits for the right over a store of many keys, when its holder gave it up.
Status measure_takeover(const std::string& type, const std::string& place) {
  APM_TRY(const std::unique_ptr<storage::Store> store, open_store(type, place));
  APM_TRY(std::unique_ptr<storage::Lease> lease,
          store->acquire_lease("bench", Deadline::after(Milliseconds(60'000))));
  storage::Batch batch;
  for (int i = 0; i < kManyKeys; ++i) {
    batch.puts.push_back({concat("many/", i), Bytes(kValueBytes)});
    if (batch.puts.size() < storage::kBatchOperationsMax && i + 1 < kManyKeys) continue;
    APM_CHECK_OK(store->commit(batch));
    batch.puts.clear();
  }
  lease.reset();
  APM_TRY(const std::unique_ptr<storage::Store> next, open_store(type, place));
  const SteadyTime begin = std::chrono::steady_clock::now();
  APM_TRY(const std::unique_ptr<storage::Lease> taken,
          next->acquire_lease("next", Deadline::after(Milliseconds(60'000))));
  const auto took = std::chrono::steady_clock::now() - begin;
  std::cout << R"({"backend":")" << type << R"(","operation":"takeover of )" << kManyKeys
            << R"( keys","threads":1,"per_s":0,"p50_ns":)" << took.count() << R"(,"p99_ns":)"
            << took.count() << "}\n";
  return {};
}

// Runs the operation on all threads for the time; prints how many a second, and how long each took.
bool measure(const std::string& backend, const Figure& figure, const Operation& operation) {
  std::vector<std::vector<std::int64_t>> took(static_cast<std::size_t>(figure.threads));
  std::vector<std::thread> threads;
  threads.reserve(took.size());
  std::atomic<bool> failed{false};
  const SteadyTime begin = std::chrono::steady_clock::now();
  for (int t = 0; t < figure.threads; ++t) {
    threads.emplace_back([&, t] {
      SteadyTime before = begin;
      for (std::uint64_t i = 0; before - begin < figure.time && !failed; ++i) {
        const SteadyTime start = std::chrono::steady_clock::now();
        if (!operation(t, i)) failed = true;
        before = std::chrono::steady_clock::now();
        took[static_cast<std::size_t>(t)].push_back((before - start).count());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto elapsed_ns = (std::chrono::steady_clock::now() - begin).count();
  std::vector<std::int64_t> all;
  for (const auto& one : took) all.insert(all.end(), one.begin(), one.end());
  std::sort(all.begin(), all.end());
  std::cout << R"({"backend":")" << backend << R"(","operation":")" << figure.operation
            << R"(","threads":)" << figure.threads << R"(,"per_s":)"
            << static_cast<std::int64_t>(static_cast<double>(all.size()) * 1e9 /
                                         static_cast<double>(elapsed_ns))
            << R"(,"p50_ns":)" << percentile(all, 0.5) << R"(,"p99_ns":)" << percentile(all, 0.99)
            << "}\n";
  return !failed;
}

storage::Batch put(const std::string& key, std::uint64_t seed) {
  storage::Batch batch;
  Bytes value(kValueBytes);
  for (std::size_t i = 0; i < value.size(); ++i) value[i] = static_cast<std::uint8_t>(seed + i * 7);
  batch.puts.push_back({key, std::move(value)});
  return batch;
}

std::string key_of(int thread, std::uint64_t i) { return concat("bench/", thread, "/", i % kKeys); }

Status run(const std::string& type, const std::string& place, Milliseconds time) {
  APM_TRY(const std::unique_ptr<storage::Store> store, open_store(type, place));
  APM_TRY(const std::unique_ptr<storage::Lease> lease,
          store->acquire_lease("bench", Deadline::after(Milliseconds(1000))));
  for (int i = 0; i < kKeys; ++i) APM_CHECK_OK(store->commit(put(concat("read/", i), 1)));
  bool good = true;
  for (const int threads : {1, 8, 32}) {
    good = good && measure(type, {"commit", threads, time}, [&](int t, std::uint64_t i) {
             return store->commit(put(key_of(t, i), i)).ok();
           });
    good = good && measure(type, {"get", threads, time}, [&](int t, std::uint64_t i) {
             const auto value =
                 store->get(concat("read/", (i * 31 + static_cast<std::uint64_t>(t)) % kKeys));
             return value.ok() && value->has_value();
           });
  }
  good = good && measure(type, {"list of 1000", 1, time}, [&](int, std::uint64_t) {
           const auto names = store->list("read/");
           return names.ok() && names->size() == kKeys;
         });
  return good ? Status() : Error(Code::kIo, "bench", "an operation failed");
}

}  // namespace

int main(int argc, char** argv) {
  const auto seconds = argc > 1 ? parse_u64(argv[1]) : std::nullopt;
  if (argc < 3 || !seconds) {
    std::cerr << "usage: storage_table SECONDS (memory | sqlite PATH | postgresql URL | azurite "
                 "ENDPOINT/CONTAINER)\n";
    return 2;
  }
  const std::string type = argv[2];
  const std::string place = argc > 3 ? argv[3] : "";
  Status done = run(type, place, Milliseconds(static_cast<int>(*seconds) * 1000));
  if (done.ok() && type != "memory") done = measure_takeover(type, place);
  if (done.ok()) return 0;
  std::cerr << done.error().message << "\n";
  return 1;
}
