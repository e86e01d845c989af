#pragma once

// Secure key release from beginning to end: guest evidence -> MAA token -> Key Vault release -> the
// answer verified -> the private key in memory. One call is one attestation and one release.
// Nothing of the key leaves the process. One thread; opens and closes its own TPM connection.

#include <cstdint>
#include <string>

#include "azure/transport.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/result.h"
#include "crypto/keys.h"
#include "tee/tpm.h"

namespace apm::skr {

struct SkrConfig {
  std::string maa_url;
  std::string key_url;
  azure::Identity identity;
  azure::TokenSource tokens;  // empty: the managed identity named above
  azure::Transport transport;
  tee::TpmConfig tpm;
  std::string event_log = tee::kEventLogPath;
  std::string nonce;             // empty (always, but for AzureAttestSKR -n): fresh and random
  const Clock* clock = nullptr;  // nullptr: the system's
};

struct ReleasedKey {
  crypto::PrivateKey key;
  std::string kid;  // versioned, as the signed answer names it
  std::string key_version;
  std::string policy_sha256;  // hex, of the signed release policy as received
  json::Value maa_claims;     // of our own token
  std::int64_t token_issued_at = 0;
};

[[nodiscard]] Result<ReleasedKey> release_master_key(const SkrConfig& config,
                                                     const Deadline& deadline, Log& log);

}  // namespace apm::skr
