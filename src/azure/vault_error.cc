#include "azure/vault_error.h"

#include <array>

#include "base/text.h"

namespace apm::azure {
namespace {

struct Row {
  int status;
  std::string_view inner;  // Azure's inner code; empty: any
  Code code;
  std::string_view reason;
  std::string_view remedy;
};

// First match counts.
constexpr std::array kTable = {
    Row{401, "", Code::kUnauthenticated, "key_vault_token",
        "The vault does not take the token: check the vault's tenant and the managed identity"},
    Row{403, "ForbiddenByRbac", Code::kPermissionDenied, "key_vault_rbac",
        "Give the identity the role it needs (Key Vault Secrets Officer for secrets, Key Vault "
        "Crypto Service Release User for the key); new roles take minutes to act"},
    Row{403, "ForbiddenByFirewall", Code::kPermissionDenied, "key_vault_firewall",
        "Allow this VM's subnet in the vault's firewall, or use a private endpoint"},
    Row{403, "ForbiddenByConnection", Code::kPermissionDenied, "key_vault_firewall",
        "The vault takes private connections only: add a private endpoint for this network"},
    Row{403, "SecretDisabled", Code::kPermissionDenied, "key_vault_disabled",
        "Enable the secret's version again, or set a new one"},
    Row{403, "KeyDisabled", Code::kPermissionDenied, "key_vault_disabled", "Enable the key again"},
    Row{403, "", Code::kPermissionDenied, "key_vault_access_denied",
        "Add the permission to the vault's access policy of the identity (secrets: get, list, set; "
        "keys: release), and check that the VM uses that identity"},
    Row{404, "", Code::kNotFound, "key_vault_not_found",
        "Check the name and the vault; if it was deleted a short time ago, recover it"},
    Row{409, "", Code::kConflict, "key_vault_soft_deleted",
        "The name belongs to a deleted object that can still be recovered: recover or purge it"},
    Row{429, "", Code::kRateLimited, "key_vault_throttled",
        "The vault is throttling (10 releases in 10 s for each vault and region); wait, then "
        "retry"},
    Row{400, "", Code::kInvalidArgument, "key_vault_request",
        "The vault does not take the request as it is: Azure's message says why. Check the names "
        "and the vault"},
    Row{413, "", Code::kTooLarge, "key_vault_request",
        "Store a shorter value: this one is too long for a secret"},
};

bool mentions(const std::string& text, std::string_view word) {
  return to_lower(text).find(to_lower(word)) != std::string::npos;
}

// A vault that predates an algorithm refuses its name with 400 and says so in words only.
bool unknown_enc(int status, const AzureError& error) {
  return status == 400 &&
         (mentions(error.message, "KEY_WRAP") || mentions(error.message, "'enc'") ||
          mentions(error.message, "encryption algorithm"));
}

}  // namespace

Error vault_error(std::string_view call, int status, const AzureError& error, bool release) {
  const std::string text = describe_answer(call, status, error);
  if (release && unknown_enc(status, error)) {
    return {Code::kInvalidArgument, "key_release_enc",
            text + " The vault does not know this way of wrapping the key"};
  }
  if (release && status == 403 && mentions(error.message, "target environment attestation")) {
    return {Code::kPermissionDenied, "key_release_refused",
            text +
                " The attestation token does not satisfy the key's release policy, or its issuer "
                "is not the policy's authority: compare the policy with the token's claims"};
  }
  for (const Row& row : kTable) {
    if (row.status == status && (row.inner.empty() || row.inner == error.inner)) {
      return {row.code, std::string(row.reason), concat(text, " ", row.remedy)};
    }
  }
  return {Code::kUnavailable, "key_vault_unavailable",
          text + " The service is in trouble; try again, and see Azure's service health"};
}

}  // namespace apm::azure
