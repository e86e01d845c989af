#pragma once

// The root of Intel's SGX and TDX certificates, built in (DER): the vendor's anchor.

#include "base/bytes.h"

namespace apm::attestation::dcap {

[[nodiscard]] ByteView intel_root_certificate();

}  // namespace apm::attestation::dcap
