#pragma once

// What an active node tells the others of itself, as the owner of its lease: JSON with its address
// and a MAC under a key that only unsealed nodes of this store have (docs/formats/lease-owner.md).
// It arrives in the same atomic step as the lease, so it never names an earlier holder.
//
// A standby sends clients, with their tokens, to this address, and the storage is not trusted:
// an address without its MAC is none.

#include <optional>
#include <string>
#include <string_view>

#include "crypto/secret_bytes.h"

namespace apm::ha {

// Of Barrier::derive().
inline constexpr std::string_view kAdvertKeyLabel = "apm-ha-address-v1";

struct Advert {
  std::string api_addr;  // "https://host:8200"; may be empty
  std::string node;      // for people: host and process
};

[[nodiscard]] std::string advert_text(const Advert& advert, const crypto::SecretBytes& key);
// Nothing when the text is not an advert of a node that has this key.
[[nodiscard]] std::optional<Advert> read_advert(std::string_view text,
                                                const crypto::SecretBytes& key);

// An origin, "https://host:port" or "http://...", that a client can be sent to: no path, no user.
[[nodiscard]] bool is_api_address(std::string_view text);

}  // namespace apm::ha
