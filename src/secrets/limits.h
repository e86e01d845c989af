#pragma once

#include <cstddef>
#include <cstdint>

namespace apm::secrets {

inline constexpr std::uint64_t kLeaseDefaultS = 2'764'800;      // of a value without its own ttl
inline constexpr std::size_t kValueBytesMax = 2 * 1024 * 1024;  // one secret as JSON
inline constexpr std::size_t kPathBytesMax = 512;               // below the mount
inline constexpr std::size_t kListKeysMax = 100'000;            // in one answer

// kv version 2. Everything that one secret has fits one batch of the store, so that a change of it
// is whole or not there: its metadata, a new version, and all versions that go.
inline constexpr std::uint64_t kVersionsKeptDefault = 10;  // as in Vault
inline constexpr std::uint64_t kVersionsKeptMax = 500;
inline constexpr std::uint64_t kVersionNumberMax =
    (std::uint64_t{1} << 53) - 1;                             // exact in a double
inline constexpr std::size_t kMetadataBytesMax = 512 * 1024;  // one record
inline constexpr std::size_t kValueNodesMax = 20'000;         // JSON values in one secret
inline constexpr std::size_t kValueDepthMax = 64;
inline constexpr std::size_t kCustomKeysMax = 64;  // of custom_metadata; all three as in Vault
inline constexpr std::size_t kCustomKeyBytesMax = 128;
inline constexpr std::size_t kCustomValueBytesMax = 512;
inline constexpr std::uint64_t kDeleteAfterSMax = std::uint64_t{100} * 365 * 24 * 3600;
inline constexpr std::size_t kSecretLocks = 64;  // writers of one secret take turns
inline constexpr int kWriteAttemptsMax = 4;      // when another object writes the same secret

}  // namespace apm::secrets
