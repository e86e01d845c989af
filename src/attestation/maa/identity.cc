#include "attestation/maa/identity.h"

#include <algorithm>

#include "attestation/azure_vtpm/verify.h"
#include "attestation/identity.h"
#include "base/byte_reader.h"
#include "base/encoding.h"
#include "base/text.h"
#include "crypto/digest.h"

namespace apm::attestation::maa {
namespace {

constexpr std::string_view kSnpDomain("apm-enclave-id-v1\0maa-sevsnpvm\0", 31);
constexpr std::string_view kTdxDomain("apm-enclave-id-v1\0maa-tdxvm\0", 28);

bool all_zero(ByteView bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t b) { return b == 0; });
}

void append_prefixed(Bytes& out, ByteView part) {
  append_u32_be(out, static_cast<std::uint32_t>(part.size()));
  append(out, part);
}

Error platform_only(std::string_view what) {
  return {Code::kRefused, "identity_platform_only",
          concat(what,
                 " zero: the launch measurement alone names Microsoft's firmware and not "
                 "what runs on it, so there is no Enclave ID")};
}

Result<std::string> snp_id(const SnpClaims& snp) {
  if (all_zero(snp.host_data)) return platform_only("HOST_DATA is");
  Bytes message = to_bytes(kSnpDomain);
  append_prefixed(message, snp.launch_measurement);
  append_prefixed(message, snp.host_data);
  return hex_encode(crypto::sha256(message));
}

Result<std::string> tdx_id(const TdxClaims& tdx) {
  if (std::all_of(tdx.rtmrs.begin(), tdx.rtmrs.end(), [](const Bytes& r) { return all_zero(r); })) {
    return platform_only("RTMR 0 to 3 are");
  }
  Bytes message = to_bytes(kTdxDomain);
  append_prefixed(message, tdx.mrtd);
  for (const Bytes& rtmr : tdx.rtmrs) append_prefixed(message, rtmr);
  return hex_encode(crypto::sha256(message));
}

}  // namespace

Result<std::string> enclave_id(const Token& token) {
  if (token.vm) {
    return azure_vtpm_enclave_id(token.vm->pcrs,
                                 token.tdx ? azure_vtpm::kTdxFamily : azure_vtpm::kFamily);
  }
  if (token.sgx) return hex_encode(token.sgx->mrenclave);
  if (token.snp) return snp_id(*token.snp);
  if (token.tdx) return tdx_id(*token.tdx);
  return Error(Code::kInternal, "a token without a TEE");
}

SignerVerdict signer_of(const Token& token) {
  SignerVerdict verdict;
  if (!token.sgx) {
    verdict.reason = "signer_is_platform";
    verdict.message =
        "the token names no key that signed the guest's image; the ID key of an Azure VM is "
        "Microsoft's";
    return verdict;
  }
  if (all_zero(token.sgx->mrsigner)) {
    verdict.reason = "signer_zero";
    verdict.message = "MRSIGNER is zero: nobody signed this enclave";
    return verdict;
  }
  verdict.signer_id = hex_encode(token.sgx->mrsigner);
  return verdict;
}

}  // namespace apm::attestation::maa
