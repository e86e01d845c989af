#pragma once

// The one certificate that every genuine Nitro attestation document leads to. Static data; any
// thread.

#include "base/bytes.h"

namespace apm::attestation::nitro {

[[nodiscard]] ByteView aws_root();  // DER, valid 2019-10-28..2049-10-28

}  // namespace apm::attestation::nitro
