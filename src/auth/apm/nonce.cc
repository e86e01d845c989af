#include "auth/apm/nonce.h"

#include "auth/apm/limits.h"
#include "base/byte_reader.h"
#include "crypto/digest.h"
#include "crypto/random.h"

namespace apm::auth_apm {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kRandomSize = 32;
constexpr std::size_t kMacSize = 32;
constexpr std::size_t kBodySize = 1 + 8 + kRandomSize;
constexpr std::string_view kMacLabel = "apm-login-nonce-v1";

Bytes mac(const crypto::SecretBytes& key, ByteView body) {
  return crypto::hmac_sha256(key.view(), {as_bytes(kMacLabel), body});
}

}  // namespace

Nonces::Nonces() : key_(crypto::SecretBytes::random(32)) {}

Bytes Nonces::issue(std::int64_t now_unix_s) const {
  Bytes nonce{kVersion};
  append_u64_be(nonce, static_cast<std::uint64_t>(now_unix_s));
  append(nonce, crypto::random_bytes(kRandomSize));
  append(nonce, mac(key_, nonce));
  return nonce;
}

Result<std::int64_t> Nonces::check(ByteView nonce, std::int64_t now_unix_s) const {
  const Error invalid(Code::kRefused, "nonce_invalid",
                      "the nonce was not issued by this server since it started: ask for a new "
                      "challenge");
  if (nonce.size() != kBodySize + kMacSize || nonce[0] != kVersion) return invalid;
  if (!crypto::constant_time_equal(mac(key_, nonce.first(kBodySize)), nonce.subspan(kBodySize))) {
    return invalid;
  }
  const auto issued = static_cast<std::int64_t>(ByteReader(nonce.subspan(1)).u64_be());
  if (now_unix_s > issued + kChallengeTtlS || now_unix_s < issued - kChallengeSkewS) {
    return Error(Code::kRefused, "nonce_expired",
                 "the challenge is too old: ask for a new one and answer it at once");
  }
  return issued;
}

Status Nonces::use(ByteView nonce) {
  const MutexLock lock(mutex_);
  if (!used_.insert(to_bytes(nonce)).second) {
    return Error(Code::kRefused, "nonce_used",
                 "this challenge has been answered: ask for a new one");
  }
  order_.push_back(to_bytes(nonce));
  if (order_.size() > kUsedNoncesMax) {
    used_.erase(order_.front());
    order_.pop_front();
  }
  return {};
}

}  // namespace apm::auth_apm
