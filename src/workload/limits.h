#pragma once

// Named maxima of the workload side.

#include <chrono>
#include <cstddef>

namespace apm::workload {

inline constexpr std::chrono::milliseconds kImdsTimeout{30'000};
inline constexpr std::chrono::milliseconds kLoginTimeout{60'000};
inline constexpr std::chrono::milliseconds kMaaLoginTimeout{60'000};  // a challenge lives 120 s
inline constexpr int kAttemptsMax = 5;
inline constexpr std::size_t kAnswerBytesMax = 1024 * 1024;
inline constexpr std::size_t kTdQuoteAnswerBytesMax = 64 * 1024;  // a quote of 32 KiB in base64
inline constexpr std::size_t kMaaKeysBytesMax = 256 * 1024;       // attestation's own maximum
inline constexpr std::size_t kSecretValueBytesMax = 64 * 1024;    // crypto::kSecretBytesMax

inline constexpr int kCallerKeyBits = 2048;  // RSA, for one login

}  // namespace apm::workload
