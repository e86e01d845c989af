#pragma once

// Challenge nonces: {version, issue time, random, MAC under a key of this boot}. Issuing stores
// nothing. A small capped set remembers the used ones, to refuse a repeat early; forgetting one
// is harmless, because a repeat yields the same token sealed to the same key.
// Any thread.

#include <cstdint>
#include <deque>
#include <set>

#include "base/bytes.h"
#include "base/mutex.h"
#include "base/result.h"
#include "crypto/secret_bytes.h"

namespace apm::auth_apm {

class Nonces {
 public:
  Nonces();

  [[nodiscard]] Bytes issue(std::int64_t now_unix_s) const;
  // The issue time. kRefused "nonce_invalid" or "nonce_expired".
  [[nodiscard]] Result<std::int64_t> check(ByteView nonce, std::int64_t now_unix_s) const;
  // kRefused "nonce_used" the second time.
  [[nodiscard]] Status use(ByteView nonce);

 private:
  crypto::SecretBytes key_;
  Mutex mutex_;
  std::set<Bytes> used_ APM_GUARDED_BY(mutex_);
  std::deque<Bytes> order_ APM_GUARDED_BY(mutex_);
};

}  // namespace apm::auth_apm
