#pragma once

// The providers of Microsoft Azure Attestation whose tokens may log in: named by whoever writes the
// server's file, and by nobody else (docs/adr/0022-logins-with-a-token.md). A value.

#include <set>
#include <string>
#include <vector>

namespace apm::auth_apm {

struct MaaProvider {
  std::string url;                      // of `iss`, exactly
  std::set<std::string> certificates;   // SHA-256 of signing certificates, lower-case hex
  std::set<std::string> policy_hashes;  // x-ms-policy-hash, base64url
};
using MaaProviders = std::vector<MaaProvider>;

// What cannot be meant, in words; "" when all is well. No certificate or no policy hash is such a
// fault: a provider without either would speak for whoever asks.
[[nodiscard]] std::string fault_of(const MaaProvider& provider);

// The words for the one value; "" when it is good.
[[nodiscard]] std::string issuer_fault(const std::string& url);
[[nodiscard]] std::string policy_hash_fault(const std::string& text);

}  // namespace apm::auth_apm
