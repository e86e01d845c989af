#pragma once

// Azure Key Vault (and Managed HSM): secrets and secure key release. Values pass through as text
// and are wiped with the heap; whoever keeps one copies it into crypto::SecretBytes.
// Borrows the HttpClient; one thread.
//
// Errors: kNotFound "key_vault_not_found"; kConflict "key_vault_soft_deleted"; kPermissionDenied
// "key_vault_access_denied", "key_vault_rbac", "key_vault_firewall", "key_vault_disabled" or
// "key_release_refused"; kUnauthenticated "key_vault_token"; kRateLimited "key_vault_throttled";
// kInvalidArgument "key_vault_request" or "key_release_enc"; kUnavailable "key_vault_unavailable"
// or "key_vault_answer". Each text names the call, the status, Azure's own code and the remedy.

#include <optional>
#include <string>
#include <vector>

#include "azure/transport.h"
#include "base/clock.h"
#include "base/result.h"
#include "net/http_client.h"

namespace apm::azure {

struct Secret {
  std::string value;
  std::string version;
};

struct SecretVersion {
  std::string version;
  std::int64_t created_s = 0;
  bool enabled = true;
};

// https://{vault}/keys/{name}[/{version}]
struct KeyUrl {
  std::string host;
  std::string name;
  std::string version;  // empty: the newest
  [[nodiscard]] std::string vault_url() const { return "https://" + host; }
  [[nodiscard]] bool managed_hsm() const;
};
// kInvalidArgument "key_url": not https, another form, or a host outside *.vault.azure.net and
// *.managedhsm.azure.net (and their sovereign clouds).
[[nodiscard]] Result<KeyUrl> parse_key_url(const std::string& text);

struct ReleaseRequest {
  KeyUrl key;
  std::string target;  // the MAA token
  std::string nonce;
  std::string enc;  // "RSA_AES_KEY_WRAP_256" or "CKM_RSA_AES_KEY_WRAP"
};

class KeyVaultClient {
 public:
  // `vault_url` "https://name.vault.azure.net". Plain http is accepted for loopback in test mode
  // only.
  [[nodiscard]] static Result<KeyVaultClient> create(net::HttpClient& http,
                                                     const std::string& vault_url,
                                                     TokenSource tokens);

  [[nodiscard]] Result<Secret> get_secret(const std::string& name, const Deadline& deadline,
                                          const std::string& version = {});
  // The id of the version that now exists. `expires_unix_s`: its attribute exp; 0: none.
  [[nodiscard]] Result<std::string> set_secret(const std::string& name, const std::string& value,
                                               const Deadline& deadline,
                                               std::int64_t expires_unix_s = 0);
  // Oldest first; empty when there is no such secret.
  [[nodiscard]] Result<std::vector<SecretVersion>> list_versions(const std::string& name,
                                                                 const Deadline& deadline);
  // The compact JWS of the answer; nothing in it has been checked.
  [[nodiscard]] Result<std::string> release_key(const ReleaseRequest& request,
                                                const Deadline& deadline);

 private:
  struct Call;
  KeyVaultClient(net::HttpClient& http, std::string base, std::string resource, TokenSource tokens)
      : http_(&http),
        base_(std::move(base)),
        resource_(std::move(resource)),
        tokens_(std::move(tokens)) {}
  [[nodiscard]] Result<std::string> send(const Call& call, const Deadline& deadline);

  net::HttpClient* http_;
  std::string base_;      // scheme://host[:port]
  std::string resource_;  // what the token is for
  TokenSource tokens_;
};

}  // namespace apm::azure
