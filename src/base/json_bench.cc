#include <benchmark/benchmark.h>

#include "base/json.h"
#include "base/text.h"

namespace apm::json {
namespace {

std::string document(std::int64_t members) {
  Object out;
  for (std::int64_t i = 0; i < members; ++i) out.set(concat("name", i), concat("value ", i));
  return write(out);
}

void read(benchmark::State& state) {
  const std::string text = document(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(parse(text));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(read)->Arg(2)->Arg(200);

void write_out(benchmark::State& state) {
  const auto value = parse(document(state.range(0)));
  if (!value.ok()) return state.SkipWithError("the document is not read");
  for (auto _ : state) benchmark::DoNotOptimize(write(*value));
}
BENCHMARK(write_out)->Arg(2)->Arg(200);

}  // namespace
}  // namespace apm::json
