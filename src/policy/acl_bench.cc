#include <benchmark/benchmark.h>

#include "base/text.h"
#include "policy/acl.h"

namespace apm::policy {
namespace {

// A caller with `range` rules, half of them patterns; the last one decides.
void decide(benchmark::State& state) {
  std::string text;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    text += concat("path \"anjuna/team", i, i % 2 == 0 ? "/*" : "/+/key",
                   "\" { capabilities = [\"read\"] }\n");
  }
  text += "path \"anjuna/wanted/*\" { capabilities = [\"read\"] }\n";
  const auto policy = parse_acl("bench", text);
  if (!policy.ok()) return state.SkipWithError("the policy is not read");
  const Acl acl({&*policy}, false);
  const std::string path = "anjuna/wanted/key";
  for (auto _ : state) {
    benchmark::DoNotOptimize(acl.decide(path, logical::Operation::kRead, nullptr));
  }
  if (!acl.decide(path, logical::Operation::kRead, nullptr).allowed) state.SkipWithError("refused");
}
BENCHMARK(decide)->Arg(1)->Arg(20)->Arg(500);

}  // namespace
}  // namespace apm::policy
