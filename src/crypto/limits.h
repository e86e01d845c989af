#pragma once

// Largest inputs that crypto/ reads. Beyond them the answer is an error, before any work is done.

#include <cstddef>

namespace apm::crypto {

inline constexpr std::size_t kKeyBytesMax = 64 * 1024;  // one encoded key
inline constexpr std::size_t kRsaBitsMin = 1024;        // accepted in a public key
inline constexpr std::size_t kRsaBitsMax = 16384;       // OpenSSL's own limit
inline constexpr std::size_t kRsaGenerateBitsMin = 2048;
inline constexpr std::size_t kRsaGenerateBitsMax = 8192;
inline constexpr std::size_t kCertificateBytesMax = 64 * 1024;  // one DER
inline constexpr std::size_t kCertificateListMax = 512;         // one PEM text
inline constexpr std::size_t kCrlBytesMax = 4 * 1024 * 1024;    // one revocation list, DER
inline constexpr std::size_t kPemBytesMax = 4 * 1024 * 1024;
inline constexpr std::size_t kPfxBytesMax = 1024 * 1024;
inline constexpr long kPfxIterationsMax = 10'000'000;
inline constexpr int kPfxChainMax = 32;

}  // namespace apm::crypto
