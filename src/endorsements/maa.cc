#include "endorsements/maa.h"

#include <algorithm>

#include "attestation/maa/jwks.h"
#include "base/json.h"
#include "endorsements/limits.h"

namespace apm::endorsements {
namespace {

constexpr std::string_view kWhat = "MAA: signing keys";

// When the last of the set's keys ends. The set has been read: its form is known.
std::int64_t last_end_s(std::string_view jwks) {
  std::int64_t last = 0;
  const auto document = json::parse(jwks);
  const auto keys = attestation::maa::Jwks::parse(jwks);
  if (!document.ok() || !keys.ok()) return last;
  for (const json::Value& key : *document->at("keys")->as_array()) {
    const std::string* kid = key.string_at("kid");
    const auto* found = kid == nullptr ? nullptr : keys->find(*kid);
    if (found != nullptr) last = std::max(last, found->certificate.not_after_s());
  }
  return last;
}

}  // namespace

Result<Document> read_jwks(std::string body, std::int64_t now_s) {
  const auto keys = attestation::maa::Jwks::parse(body);
  if (!keys.ok()) return malformed(kWhat, keys.error().message);
  if (keys->size() == 0) return malformed(kWhat, "the set names no RSA key");
  const std::int64_t end = std::min(now_s + kJwksKeepS, last_end_s(body));
  APM_TRY(Document out, dated(std::move(body), {now_s, end}, now_s, kWhat));
  out.refresh_at_s = std::min(now_s + kJwksRefreshS, out.valid_until_s);
  return out;
}

bool names_key(const std::string& jwks, const std::string& kid) {
  const auto keys = attestation::maa::Jwks::parse(jwks);
  return keys.ok() && keys->find(kid) != nullptr;
}

}  // namespace apm::endorsements
