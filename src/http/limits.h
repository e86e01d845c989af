#pragma once

// Every maximum of the listener. The ones in structs are defaults that the configuration may
// change; the plain constants are fixed.

#include <cstddef>

#include "base/clock.h"

namespace apm::http {

inline constexpr std::size_t kHeaderBytesMax = 16 * 1024;  // request line, fields and line ends
inline constexpr std::size_t kHeadersMax = 64;
inline constexpr std::size_t kTargetBytesMax = 8 * 1024;
inline constexpr std::size_t kMethodBytesMax = 32;
inline constexpr std::size_t kBodyBytesMax = 32 * 1024 * 1024;
inline constexpr std::size_t kBodyReserveMax = 64 * 1024;  // taken on a Content-Length's word
inline constexpr std::size_t kChunkSizeDigitsMax = 8;

inline constexpr Milliseconds kHeaderReadMax{10'000};  // also the TLS handshake
inline constexpr Milliseconds kBodyReadMax{30'000};
inline constexpr Milliseconds kWriteMax{30'000};
inline constexpr Milliseconds kIdleMax{300'000};
inline constexpr Milliseconds kLingerMax{2'000};  // after a refusal, for the client to read it
inline constexpr Milliseconds kAcceptRetry{100};  // after the system ran out of descriptors

inline constexpr std::size_t kConnectionsMax = 4096;
inline constexpr std::size_t kQueueDepthMax = 1024;
inline constexpr std::size_t kWorkers = 16;
inline constexpr std::size_t kReactorsMax = 64;
inline constexpr int kListenBacklog = 512;
inline constexpr std::size_t kReadBytes = 16 * 1024;  // one read, and what may wait for parsing
inline constexpr std::size_t kLingerBytesMax = 256 * 1024;
inline constexpr std::size_t kCertificateChainMax = 8;

struct CodecLimits {
  std::size_t header_bytes_max = kHeaderBytesMax;
  std::size_t headers_max = kHeadersMax;
  std::size_t target_bytes_max = kTargetBytesMax;
  std::size_t body_bytes_max = kBodyBytesMax;
};

struct Timeouts {
  Milliseconds header_read = kHeaderReadMax;
  Milliseconds body_read = kBodyReadMax;
  Milliseconds write = kWriteMax;
  Milliseconds idle = kIdleMax;
  Milliseconds linger = kLingerMax;
};

}  // namespace apm::http
