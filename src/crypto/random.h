#pragma once

// Random values from OpenSSL's generator (seeded by the kernel; on VMs also RDSEED).

#include <string>

#include "base/bytes.h"

namespace apm::crypto {

void random_fill(MutableByteView out);  // aborts if the generator fails: nothing may go on
[[nodiscard]] Bytes random_bytes(std::size_t n);
[[nodiscard]] std::string random_base62(std::size_t n);  // uniform
[[nodiscard]] std::string random_uuid();                 // RFC 9562 version 4, lower case

}  // namespace apm::crypto
