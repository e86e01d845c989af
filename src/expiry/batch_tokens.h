#pragma once

// Batch tokens of attested logins: "hvb." + base64url(nonce || AES-256-GCM(record)). The token is
// its own record; nothing is stored. The keys live in memory from construction to destruction, so
// a restart ends every such token. Deterministic (nonce = HMAC(second key, record)): the same
// identity, times and accessor give the same token, so a replayed login gives nothing new.
// Any thread may call; nothing changes after construction.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/secret_bytes.h"
#include "logical/request.h"

namespace apm::expiry {

struct OpenedBatchToken {
  logical::Caller caller;  // with identity
  std::int64_t issued_unix_s = 0;
  std::int64_t expires_unix_s = 0;
};

class BatchTokens {
 public:
  explicit BatchTokens(const Clock& clock);

  // kInvalidArgument "token_ttl" for a TTL of zero or beyond the system's maximum.
  [[nodiscard]] Result<std::string> issue(const logical::AttestedIdentity& identity,
                                          std::int64_t issued_unix_s, std::uint64_t ttl_s,
                                          const std::string& accessor,
                                          const std::string& auth_mount) const;

  // kUnauthenticated "token_invalid": malformed, changed, of another boot, or over.
  [[nodiscard]] Result<OpenedBatchToken> open(std::string_view token) const;

 private:
  const Clock& clock_;
  crypto::SecretBytes seal_key_;
  crypto::SecretBytes nonce_key_;
};

// Whether a presented token claims to be of this kind.
[[nodiscard]] bool is_batch_token(std::string_view token);

}  // namespace apm::expiry
