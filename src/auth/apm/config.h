#pragma once

// What an operator configures of the attested login: the policy floors that evidence of each family
// must meet, a claims policy for all of them, and the Intel service keys (kept for SGX families;
// never given back). The floors are the verifiers' own, with their safe defaults
// (docs/adr/0016-floors-and-claims-policies.md).

#include <cstdint>
#include <set>
#include <string>

#include "attestation/azure_vtpm/verify.h"
#include "attestation/nitro/verify.h"
#include "attestation/sgx/verify.h"
#include "attestation/tdx/verify.h"
#include "auth/apm/claims_policy.h"
#include "auth/apm/config_maa.h"
#include "base/json.h"
#include "base/result.h"
#include "crypto/secret_bytes.h"

namespace apm::auth_apm {

struct Config {
  attestation::snp::Floor floor;
  attestation::azure_vtpm::GuestFloor guest;
  attestation::sgx::Floor sgx;
  attestation::tdx::Floor tdx;
  attestation::nitro::Floor nitro;
  attestation::maa::Floor maa;
  MaaTrust maa_trust;
  std::set<std::string> allowed_families;  // empty: all that this server verifies
  ClaimsPolicy claims;                     // of every login, beside the floors
  bool require_crl = false;                // of the hardware's vendor
  std::set<std::string> allowed_public_signers;
  bool explain_refusals = false;  // callers too are told what the rules found and wanted
  std::uint64_t token_ttl_s = 0;  // 0: the default
  crypto::SecretBytes epid_api_key;
  crypto::SecretBytes dcap_api_key;

  [[nodiscard]] Config clone() const;
};

// The stored form merged with the members that `change` has; an unknown member is refused.
[[nodiscard]] Result<Config> merge(const Config& base, const json::Object& change);
// For people: api keys only as "<name>-set": true or false.
[[nodiscard]] json::Object describe(const Config& config);
// For the barrier: with the api keys, to be wiped by the caller.
[[nodiscard]] std::string serialize(const Config& config);
[[nodiscard]] Result<Config> deserialize(ByteView stored);

}  // namespace apm::auth_apm
