#pragma once

// SHA-1 (TPM event logs and thumbprints only), SHA-2, HMAC-SHA-256, HKDF-SHA-256 (RFC 5869).
// A library failure here is a broken OpenSSL: the process stops.

#include <array>
#include <initializer_list>
#include <memory>

#include "base/bytes.h"
#include "crypto/secret_bytes.h"

namespace apm::crypto {

enum class Hash { kSha1, kSha256, kSha384, kSha512 };

[[nodiscard]] std::size_t digest_size(Hash hash);
[[nodiscard]] Bytes digest(Hash hash, ByteView data);
[[nodiscard]] Bytes digest(Hash hash,
                           std::initializer_list<ByteView> parts);  // of the concatenation
[[nodiscard]] inline Bytes sha256(ByteView data) { return digest(Hash::kSha256, data); }

// SHA-256 of what comes in parts; its value so far can be taken at any point. One thread.
class RunningSha256 {
 public:
  RunningSha256();
  RunningSha256(RunningSha256&&) noexcept;
  RunningSha256& operator=(RunningSha256&&) noexcept;
  ~RunningSha256();
  void update(ByteView data);
  [[nodiscard]] Bytes value() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

[[nodiscard]] Bytes hmac_sha256(ByteView key, ByteView data);
[[nodiscard]] Bytes hmac_sha256(ByteView key, std::initializer_list<ByteView> parts);

// `info` is the versioned label of the one purpose of the derived key.
[[nodiscard]] SecretBytes hkdf_sha256(ByteView key, ByteView salt, std::string_view info,
                                      std::size_t size);

}  // namespace apm::crypto
