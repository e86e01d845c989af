#pragma once

// The first bytes of a snapshot and the words of its format: docs/formats/snapshot.md. Pure.

#include <cstdint>
#include <string>
#include <string_view>

#include "barrier/barrier.h"
#include "base/result.h"

namespace apm::snapshot {

inline constexpr std::string_view kMagic = "APM-SNAPSHOT";  // then u16 format version
inline constexpr std::uint16_t kFormatVersion = 1;
inline constexpr std::uint8_t kRecordTag = 1;
inline constexpr std::uint8_t kEndTag = 0;
inline constexpr std::size_t kMacSize = 32;
inline constexpr std::size_t kDigestSize = 32;
// Label of Barrier::derive(), and domain of what the code is computed over.
inline constexpr std::string_view kMacLabel = "apm-snapshot-v1";

// What of a store can be said without its keys.
struct Header {
  std::string store_id;
  barrier::StoreKind kind = barrier::StoreKind::kProduction;
  std::uint64_t epoch = 0;  // in which it was taken; 0: not known
  std::int64_t created_unix_s = 0;
  std::string storage_type;  // of the backend it was taken from, for people
};

[[nodiscard]] Bytes header_bytes(const Header& header);  // the JSON text
// kInvalidArgument "snapshot_header": malformed, or with members that are not known.
[[nodiscard]] Result<Header> parse_header(ByteView text);

[[nodiscard]] Bytes mac_of(const crypto::SecretBytes& key, ByteView body_digest);

}  // namespace apm::snapshot
