// A token of bytes that a fuzzer makes is never accepted (nobody signed it), and the record of the
// appraisal says so, too. Its payload alone, read as claims, gives values that satisfy what
// token.h promises, or a refusal with a reason.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "attestation/maa/identity.h"
#include "attestation/maa/verify.h"

namespace {

namespace maa = apm::attestation::maa;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "property broken: %s\n", what);
  std::abort();
}

void check_token(const maa::Token& token) {
  const int shapes =
      int{token.snp.has_value()} + int{token.tdx.has_value()} + int{token.sgx.has_value()};
  require(shapes == 1, "a token has exactly one TEE");
  require(token.vm.has_value() == (token.attestation_type == "azurevm"), "shape and type");
  require(!token.policy_hash.empty() && !token.version.empty(), "a required claim is empty");
  require(!token.snp || token.snp->launch_measurement.size() == 48, "measurement");
  require(!token.tdx || token.tdx->rtmrs.size() == 4, "RTMRs");
  require(!token.sgx || token.sgx->mrenclave.size() == 32, "MRENCLAVE");
  require(!token.keys.tpm_ephemeral || token.keys.tpm_ephemeral->bits() >= 2048, "key size");
  const auto id = maa::enclave_id(token);
  require(!id.ok() || id->size() == 64, "an Enclave ID has 64 digits");
  require(id.ok() || !id.error().reason.empty(), "a refusal has a reason");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto payload = apm::json::parse(text, {.bytes_max = 1 << 16, .depth_max = 16});
  if (payload.ok()) {
    const auto token = maa::read_token(*payload);
    if (token.ok()) check_token(*token);
    require(token.ok() || !token.error().reason.empty(), "a refusal has a reason");
  }
  const auto keys = maa::Jwks::parse(text);
  static const maa::Jwks no_keys;
  maa::Expectation expected;
  expected.issuers.push_back({"https://x", keys.ok() ? &*keys : &no_keys, std::nullopt});
  apm::attestation::Appraisal appraisal;
  const auto verified = maa::verify(text, expected, appraisal);
  require(!verified.ok(), "an unsigned token is accepted");
  require(!appraisal.verdict().ok(), "the record says otherwise");
  return 0;
}
