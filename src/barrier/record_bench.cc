#include <benchmark/benchmark.h>

#include "barrier/record.h"

namespace apm::barrier {
namespace {

const RecordPlace kPlace{"00112233445566778899aabbccddeeff", StoreKind::kTest, "logical/bench"};

void seal(benchmark::State& state) {
  const auto key = crypto::SecretBytes::random(32);
  const Bytes value(static_cast<std::size_t>(state.range(0)), 7);
  for (auto _ : state) benchmark::DoNotOptimize(seal_record(key, {1, 1}, kPlace, value));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(seal)->Arg(256)->Arg(16384);

void open(benchmark::State& state) {
  const auto key = crypto::SecretBytes::random(32);
  const auto sealed =
      seal_record(key, {1, 1}, kPlace, Bytes(static_cast<std::size_t>(state.range(0)), 7));
  if (!sealed.ok()) return state.SkipWithError("sealing failed");
  for (auto _ : state) benchmark::DoNotOptimize(open_record(key, kPlace, *sealed));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(open)->Arg(256)->Arg(16384);

}  // namespace
}  // namespace apm::barrier
