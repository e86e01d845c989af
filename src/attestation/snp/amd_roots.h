#pragma once

// AMD's public certificates, built in (DER): the vendor anchors and their intermediates.

#include "attestation/snp/anchors.h"
#include "base/bytes.h"

namespace apm::attestation::snp {

struct AmdCertificates {
  ByteView ark;
  ByteView ask;   // signs VCEKs
  ByteView asvk;  // signs VLEKs
};
[[nodiscard]] AmdCertificates amd_certificates(Product product);

}  // namespace apm::attestation::snp
