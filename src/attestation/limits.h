#pragma once

// Named maxima of everything that a caller can send as evidence.

#include <cstddef>
#include <cstdint>

namespace apm::attestation {

// The NV index of the HCL report is read whole: 2600 bytes, 2048 until 2023.
inline constexpr std::size_t kHclNvSizes[] = {2048, 2600};
inline constexpr std::size_t kHclUserDataBytesMax = 64;
inline constexpr std::size_t kChainPemBytesMax = 32 * 1024;
inline constexpr std::size_t kSnpChainCertificatesMax = 3;
inline constexpr std::size_t kSnpTableBytesMax = 64 * 1024;
inline constexpr std::size_t kSnpTableEntriesMax = 16;
inline constexpr std::size_t kCrlBytesMax = 64 * 1024;
inline constexpr std::size_t kAttestBytesMax = 2 * 1024;
inline constexpr std::size_t kSignatureBytesMax = 1024;
inline constexpr std::size_t kPublicAreaBytesMax = 2 * 1024;
inline constexpr std::size_t kEventLogBytesMax = 512 * 1024;
inline constexpr std::size_t kEventLogEventsMax = 4096;
inline constexpr std::size_t kEventLogBanksMax = 8;
inline constexpr std::size_t kEventBytesMax = 128 * 1024;
inline constexpr std::size_t kRuntimeClaimsBytesMax = 6 * 1024;
inline constexpr std::size_t kQuoteBytesMax = 32 * 1024;             // SGX or TDX quote
inline constexpr std::size_t kQeAuthenticationBytesMax = 1024;       // QE authentication data
inline constexpr std::size_t kDcapCertificatesMax = 4;               // leaf, CA, two roots of a key
inline constexpr std::size_t kCollateralBytesMax = 8 * 1024 * 1024;  // one collateral document
inline constexpr std::size_t kTcbDocumentBytesMax = 256 * 1024;      // TCB info or QE identity
inline constexpr std::size_t kTcbLevelsMax = 256;
inline constexpr unsigned kPcrCount = 24;

// An NSM answer has at most 12288 bytes; genuine documents have about 4500.
inline constexpr std::size_t kNitroDocumentBytesMax = 16 * 1024;
inline constexpr std::size_t kNitroCertificateBytesMax = 1024;
// AWS's text says 512 for user_data and nonce, its CDDL 1024: the larger is read.
inline constexpr std::size_t kNitroOptionalFieldBytesMax = 1024;
inline constexpr std::size_t kNitroCabundleMax = 8;  // four in every genuine document
inline constexpr std::size_t kNitroModuleIdBytesMax = 256;
inline constexpr std::int64_t kNitroTimestampMsMax = 253'402'300'799'000;  // the end of year 9999

inline constexpr std::size_t kMaaTokenBytesMax = 64 * 1024;
inline constexpr std::size_t kMaaTokenDepthMax = 16;
inline constexpr std::size_t kMaaJwksBytesMax = 256 * 1024;
inline constexpr std::size_t kMaaJwksKeysMax = 64;
inline constexpr std::size_t kMaaJwksChainMax = 8;  // certificates of one key
inline constexpr std::size_t kMaaRuntimeKeysMax = 16;

}  // namespace apm::attestation
