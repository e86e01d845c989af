#include "ha/advert.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/json.h"
#include "crypto/digest.h"
#include "ha/limits.h"

namespace apm::ha {
namespace {

constexpr std::string_view kMacDomain = "apm-ha-address-v1";

// Each text behind its length, so that no two pairs give the same input.
Bytes mac_of(const Advert& advert, const crypto::SecretBytes& key) {
  const std::string sizes =
      std::to_string(advert.api_addr.size()) + ":" + std::to_string(advert.node.size()) + ":";
  return crypto::hmac_sha256(key.view(), {as_bytes(kMacDomain), as_bytes(sizes),
                                          as_bytes(advert.api_addr), as_bytes(advert.node)});
}

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-._:[]").find(c) != std::string_view::npos;
}

}  // namespace

std::string advert_text(const Advert& advert, const crypto::SecretBytes& key) {
  return json::write(json::Object{{"api_addr", advert.api_addr},
                                  {"node", advert.node},
                                  {"mac", hex_encode(mac_of(advert, key))}});
}

std::optional<Advert> read_advert(std::string_view text, const crypto::SecretBytes& key) {
  const auto parsed = json::parse(text);
  if (!parsed.ok()) return std::nullopt;
  const std::string* address = parsed->string_at("api_addr");
  const std::string* node = parsed->string_at("node");
  const std::string* mac = parsed->string_at("mac");
  if (address == nullptr || node == nullptr || mac == nullptr) return std::nullopt;
  Advert advert{*address, *node};
  const auto given = hex_decode(*mac);
  if (!given.ok() || !crypto::constant_time_equal(*given, mac_of(advert, key))) return std::nullopt;
  return advert;
}

bool is_api_address(std::string_view text) {
  if (text.size() > kAddressBytesMax) return false;
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (!text.starts_with(scheme)) continue;
    const std::string_view host = text.substr(scheme.size());
    return !host.empty() && std::all_of(host.begin(), host.end(), is_host_character);
  }
  return false;
}

}  // namespace apm::ha
