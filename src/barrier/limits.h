#pragma once

#include <cstddef>
#include <cstdint>

#include "storage/limits.h"

namespace apm::barrier {

inline constexpr std::size_t kRecordOverheadBytes = 1 + 4 + 8 + 12 + 16;
inline constexpr std::size_t kRecordMarkBytes = 1 + 4 + 8 + 12;  // all before the ciphertext
inline constexpr std::size_t kPlaintextBytesMax = storage::kValueBytesMax - kRecordOverheadBytes;
inline constexpr std::size_t kSealConfigBytesMax = 64 * 1024;
inline constexpr std::size_t kKeyringTermsMax = 4096;

// Random 96-bit nonces allow 2^32 encryptions under one key (NIST SP 800-38D, 8.3).
inline constexpr std::uint64_t kEncryptionsPerTermMax = std::uint64_t{1} << 31;
// Encryptions are counted in memory; the keyring holds a reservation that is never exceeded.
inline constexpr std::uint64_t kEncryptionsReserved = std::uint64_t{1} << 16;

}  // namespace apm::barrier
