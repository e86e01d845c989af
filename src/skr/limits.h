#pragma once

// Named maxima of secure key release and of wrapped values.

#include <chrono>
#include <cstddef>

namespace apm::skr {

inline constexpr std::chrono::milliseconds kReleaseDeadline{300'000};
inline constexpr std::size_t kHclReportBytesMax = 4096;
inline constexpr std::size_t kMaaEnvelopeBytesMax = 256 * 1024;
inline constexpr std::size_t kReleaseAnswerBytesMax = 256 * 1024;
inline constexpr std::size_t kChainCertificatesMax = 8;
inline constexpr std::size_t kPolicyBytesMax = 64 * 1024;
inline constexpr std::size_t kPolicyDepthMax = 8;
inline constexpr std::size_t kEnvelopePlaintextMax =
    16 * 1024;  // fits a Key Vault secret when sealed
inline constexpr std::size_t kEnvelopeTextMax = 25 * 1024;
inline constexpr std::size_t kEnvelopeHeaderMax = 1024;
inline constexpr std::size_t kWrappedTextMax = 1024;  // base64 of one RSA block
inline constexpr std::size_t kBatchBytesMax = 1 << 20;
inline constexpr std::size_t kConfigBytesMax = 256 * 1024;
inline constexpr std::size_t kBatchItemsMax = 256;
inline constexpr long kTokenClockSkewS = 300;

}  // namespace apm::skr
