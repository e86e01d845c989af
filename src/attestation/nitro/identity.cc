#include "attestation/nitro/identity.h"

#include "attestation/nitro/document.h"
#include "base/byte_reader.h"
#include "base/encoding.h"
#include "base/text.h"
#include "crypto/digest.h"

namespace apm::attestation::nitro {
namespace {

constexpr std::string_view kEnclaveDomain("apm-enclave-id-v1\0aws-nitro\0", 28);
constexpr std::string_view kSignerDomain("apm-signer-id-v1\0aws-nitro\0", 27);
constexpr unsigned kIdentityPcrs[] = {0, 1, 2};
constexpr unsigned kSignerPcr = 8;

void append_pcr(Bytes& message, unsigned index, ByteView value) {
  append_u32_be(message, index);
  append_u32_be(message, static_cast<std::uint32_t>(value.size()));
  append(message, value);
}

}  // namespace

Result<std::string> enclave_id(const PcrValues& pcrs) {
  Bytes message = to_bytes(kEnclaveDomain);
  for (const unsigned index : kIdentityPcrs) {
    const auto value = pcrs.find(index);
    if (value == pcrs.end() || value->second.size() != kPcrSize) {
      return Error(Code::kRefused, "identity_pcr_missing",
                   concat("PCR ", index, " is part of the Enclave ID but is not there"));
    }
    if (all_zero(value->second)) {
      return Error(Code::kRefused, "identity_debug",
                   concat("PCR ", index,
                          " is zero: all enclaves in debug mode look alike, so they "
                          "have no Enclave ID"));
    }
    append_pcr(message, index, value->second);
  }
  return hex_encode(crypto::sha256(message));
}

SignerVerdict signer_of(const PcrValues& pcrs) {
  SignerVerdict verdict;
  const auto value = pcrs.find(kSignerPcr);
  if (value == pcrs.end() || value->second.size() != kPcrSize) {
    verdict.reason = "signer_pcr_missing";
    verdict.message = "the document has no PCR 8, so it names no signer";
    return verdict;
  }
  if (all_zero(value->second)) {
    verdict.reason = "signer_pcr_zero";
    verdict.message =
        "PCR 8 is zero: the enclave image is not signed. Build it with a signing certificate";
    return verdict;
  }
  Bytes message = to_bytes(kSignerDomain);
  append_pcr(message, kSignerPcr, value->second);
  verdict.signer_id = hex_encode(crypto::sha256(message));
  return verdict;
}

}  // namespace apm::attestation::nitro
