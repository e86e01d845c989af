#include <benchmark/benchmark.h>

#include "attestation/testing/synthetic_machine.h"

namespace apm::attestation {
namespace {

// A whole login's evidence: chain, SNP report, runtime claims, quote, certification, event log.
void verify_azure_vtpm(benchmark::State& state) {
  testing::SyntheticMachine machine;
  snp::Anchors anchors = snp::Anchors::none();
  azure_vtpm::Expectation expected;
  if (!anchors.add_named("synthetic", machine.ark_pem()).ok()) {
    return state.SkipWithError("the anchor is not read");
  }
  expected.binding = Bytes(32, 0xb1);
  expected.anchors = &anchors;
  expected.now_unix_s = testing::kNow;
  expected.required_pcrs = login_pcrs();
  const auto evidence = machine.evidence([&expected](ByteView) { return expected.binding; });
  Appraisal first;
  if (!azure_vtpm::verify(evidence, expected, first).ok()) return state.SkipWithError("refused");
  for (auto _ : state) {
    Appraisal appraisal;
    benchmark::DoNotOptimize(azure_vtpm::verify(evidence, expected, appraisal));
  }
}
BENCHMARK(verify_azure_vtpm)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace apm::attestation
