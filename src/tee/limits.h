#pragma once

// Named maxima of what the TPM and the guest devices give.

#include <chrono>
#include <cstddef>

namespace apm::tee {

inline constexpr std::size_t kNvChunkBytes = 512;
inline constexpr std::size_t kNvBytesMax = 16 * 1024;
inline constexpr std::size_t kEventLogBytesMax = 4 << 20;
inline constexpr std::size_t kOaepLabelMax = 64;
inline constexpr std::size_t kUniqueBytesMax = 32;
inline constexpr std::size_t kQualifyingDataMax = 64;
inline constexpr unsigned kPcrCount = 24;

// The largest certificate buffer that the SNP driver takes (SEV_FW_BLOB_MAX_SIZE); whole pages.
inline constexpr std::size_t kSevCertificatesBytesMax = 0x4000;
inline constexpr std::size_t kTsmInblobBytesMax = 64;           // TSM_INBLOB_MAX
inline constexpr std::size_t kTsmOutblobBytesMax = 128 * 1024;  // newer drivers' quote buffer
inline constexpr std::size_t kTsmWordBytesMax = 256;            // generation, provider
inline constexpr std::size_t kChassisTagBytesMax = 256;
inline constexpr std::size_t kNsmRequestBytesMax = 0x1000;   // NSM_REQUEST_MAX_SIZE
inline constexpr std::size_t kNsmResponseBytesMax = 0x3000;  // NSM_RESPONSE_MAX_SIZE
inline constexpr std::size_t kNsmFieldBytesMax = 1024;       // user_data, nonce, public_key: each

// A busy device is asked again: the SNP driver itself waits two seconds between tries.
inline constexpr int kDeviceAttemptsMax = 5;
inline constexpr std::chrono::milliseconds kDeviceRetryDelay{2'000};

}  // namespace apm::tee
