#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>

#include "base/text.h"
#include "storage/sqlite_store.h"

namespace apm::storage {
namespace {

struct Opened {
  std::string dir;
  std::unique_ptr<Store> store;
  std::unique_ptr<Lease> lease;
};
Opened opened;  // shared by the benchmark's threads

void open_store(const benchmark::State&) {
  const char* base = std::getenv("TMPDIR");
  opened.dir = concat(base == nullptr ? "/tmp" : base, "/apm-bench-", ::getpid());
  std::filesystem::create_directories(opened.dir);
  auto store = open_sqlite_store(opened.dir + "/store.db");
  if (!store.ok()) return;
  auto lease = (*store)->acquire_lease("bench", Deadline::after(Milliseconds(0)));
  if (!lease.ok()) return;
  opened.lease = std::move(*lease);
  opened.store = std::move(*store);
}

void close_store(const benchmark::State&) {
  opened.lease.reset();
  opened.store.reset();
  std::filesystem::remove_all(opened.dir);
}

// Durable commits of one record each, by as many writers as threads: items are commits.
void commit(benchmark::State& state) {
  if (!opened.store) return state.SkipWithError("the store does not open");
  Batch batch;
  batch.puts.push_back({concat("logical/", state.thread_index()), Bytes(512, 7)});
  for (auto _ : state) {
    if (!opened.store->commit(batch).ok()) return state.SkipWithError("a commit failed");
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(commit)
    ->Setup(open_store)
    ->Teardown(close_store)
    ->Threads(1)
    ->Threads(8)
    ->Threads(64)
    ->UseRealTime();

}  // namespace
}  // namespace apm::storage
