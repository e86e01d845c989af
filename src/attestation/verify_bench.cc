// Verification of each family beside the bare signature checks that the evidence itself needs: same
// curves, digests and lengths, in the same run. `verify/X` does all the work of a login, the
// certificates' path and collateral included; nothing of it is kept from one to the next.

#include <benchmark/benchmark.h>

#include "attestation/maa/verify.h"
#include "attestation/snp/verify.h"
#include "attestation/testing/dcap_trial.h"
#include "attestation/testing/synthetic_enclave.h"
#include "attestation/testing/synthetic_maa.h"
#include "attestation/testing/synthetic_machine.h"

namespace apm::attestation {
namespace {

using testing::DcapTrial;
using testing::SyntheticEnclave;
using testing::SyntheticMaa;
using testing::SyntheticMachine;

// Runs `verify(appraisal)`, which must accept.
template <class Verify>
void measure(benchmark::State& state, const Verify& verify) {
  Appraisal first;
  if (!verify(first).ok()) return state.SkipWithError("refused");
  for (auto _ : state) {
    Appraisal appraisal;
    benchmark::DoNotOptimize(verify(appraisal));
  }
}

void verify_snp(benchmark::State& state) {
  const SyntheticMachine machine;
  const snp::Anchors anchors = machine.anchors();
  const snp::Evidence evidence = machine.snp_evidence();
  snp::Expectation expected;
  expected.anchors = &anchors;
  expected.now_unix_s = testing::kNow;
  expected.report_data = machine.report_data();
  measure(state, [&](Appraisal& a) { return snp::verify(evidence, expected, a); });
}

// A whole login's evidence: chain, SNP report, runtime claims, quote, certification, event log.
void verify_azure_vtpm(benchmark::State& state) {
  const SyntheticMachine machine;
  const snp::Anchors anchors = machine.anchors();
  azure_vtpm::Expectation expected;
  expected.binding = Bytes(32, 0xb1);
  expected.anchors = &anchors;
  expected.now_unix_s = testing::kNow;
  expected.required_pcrs = login_pcrs();
  const auto evidence = machine.evidence([&expected](ByteView) { return expected.binding; });
  measure(state, [&](Appraisal& a) { return azure_vtpm::verify(evidence, expected, a); });
}

void verify_sgx(benchmark::State& state) {
  DcapTrial trial = DcapTrial::sgx();
  const Bytes quote = trial.platform.quote();
  const dcap::Collateral collateral = trial.platform.collateral();
  const dcap::Expectation expected{&DcapTrial::anchors(), trial.now_unix_s, trial.report_data};
  measure(state, [&](Appraisal& a) {
    return sgx::verify(quote, &collateral, expected, trial.sgx_floor, a);
  });
}

void verify_tdx(benchmark::State& state) {
  DcapTrial trial;
  const Bytes quote = trial.platform.quote();
  const dcap::Collateral collateral = trial.platform.collateral();
  const dcap::Expectation expected{&DcapTrial::anchors(), trial.now_unix_s, trial.report_data};
  measure(state, [&](Appraisal& a) {
    return tdx::verify(quote, &collateral, expected, trial.tdx_floor, a);
  });
}

void verify_nitro(benchmark::State& state) {
  SyntheticEnclave enclave;
  const nitro::Anchors anchors = enclave.anchors();
  const Bytes document = enclave.document();
  nitro::Expectation expected;
  expected.anchors = &anchors;
  expected.now_unix_s = SyntheticEnclave::kMadeAt;
  measure(state, [&](Appraisal& a) { return nitro::verify(document, expected, a); });
}

void verify_maa(benchmark::State& state) {
  const SyntheticMaa provider;
  const maa::Jwks keys = provider.key_set();
  maa::Issuer issuer;
  issuer.url = SyntheticMaa::kIssuer;
  issuer.keys = &keys;
  issuer.policy_hashes = std::set<std::string>{std::string(SyntheticMaa::kPolicyHash)};
  maa::Expectation expected;
  expected.issuers.push_back(issuer);
  expected.now_unix_s = SyntheticMaa::kIssuedAt;
  const std::string token = provider.token(provider.azure_vm(SyntheticMaa::add_snp));
  measure(state, [&](Appraisal& a) { return maa::verify(token, expected, a); });
}

// ---- Bare signature checks ----

class Signature {
 public:
  static Signature ecdsa(crypto::Curve curve, crypto::Hash hash, std::size_t size) {
    const auto key = crypto::PrivateKey::generate_ec(curve);
    Signature out(key->public_key().value(), hash, size);
    const auto made = key->sign_ecdsa(hash, out.message_);
    out.r_ = made->r;
    out.s_ = made->s;
    return out;
  }
  static Signature rsa(std::size_t size) {
    const auto key = crypto::PrivateKey::generate_rsa(2048);
    Signature out(key->public_key().value(), crypto::Hash::kSha256, size);
    out.s_ = *key->sign_rsa_pkcs1(crypto::Hash::kSha256, out.message_);
    return out;
  }
  [[nodiscard]] bool holds() const {
    return r_.empty() ? key_.verify_rsa_pkcs1(hash_, message_, s_).ok()
                      : key_.verify_ecdsa(hash_, message_, r_, s_).ok();
  }

 private:
  Signature(crypto::PublicKey key, crypto::Hash hash, std::size_t size)
      : key_(std::move(key)), hash_(hash), message_(size, 0x6d) {}
  crypto::PublicKey key_;
  crypto::Hash hash_;
  Bytes message_, r_, s_;
};

void check(benchmark::State& state, const std::vector<Signature>& signatures) {
  for (auto _ : state) {
    for (const Signature& one : signatures) {
      if (!one.holds()) return state.SkipWithError("a signature does not verify");
    }
  }
}

std::vector<Signature> list(Signature one) {
  std::vector<Signature> out;
  out.push_back(std::move(one));
  return out;
}

Signature snp_report() {
  return Signature::ecdsa(crypto::Curve::kP384, crypto::Hash::kSha384, snp::kSignedSize);
}

void signatures_snp(benchmark::State& state) { check(state, list(snp_report())); }

// The report, the quote and the certification of the login key.
void signatures_azure_vtpm(benchmark::State& state) {
  std::vector<Signature> all = list(snp_report());
  all.push_back(Signature::rsa(145));
  all.push_back(Signature::rsa(145));
  check(state, all);
}

// The quoting enclave's report and the quote.
void signatures_dcap(benchmark::State& state, std::size_t quote_size) {
  constexpr std::size_t kEnclaveReportSize = 384;
  std::vector<Signature> all =
      list(Signature::ecdsa(crypto::Curve::kP256, crypto::Hash::kSha256, kEnclaveReportSize));
  all.push_back(Signature::ecdsa(crypto::Curve::kP256, crypto::Hash::kSha256, quote_size));
  check(state, all);
}
void signatures_sgx(benchmark::State& state) { signatures_dcap(state, 48 + 384); }
void signatures_tdx(benchmark::State& state) { signatures_dcap(state, 48 + 584); }

void signatures_nitro(benchmark::State& state) {
  check(state, list(Signature::ecdsa(crypto::Curve::kP384, crypto::Hash::kSha384, 4096)));
}
void signatures_maa(benchmark::State& state) { check(state, list(Signature::rsa(4096))); }

#define APM_FAMILY(name)                                                          \
  BENCHMARK(verify_##name)->Name("verify/" #name)->Unit(benchmark::kMicrosecond); \
  BENCHMARK(signatures_##name)->Name("signatures/" #name)->Unit(benchmark::kMicrosecond)

APM_FAMILY(snp);
APM_FAMILY(azure_vtpm);
APM_FAMILY(sgx);
APM_FAMILY(tdx);
APM_FAMILY(nitro);
APM_FAMILY(maa);

}  // namespace
}  // namespace apm::attestation
