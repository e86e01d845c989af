#include "azure/vault_error.h"

#include <gtest/gtest.h>

#include "azure/key_vault.h"

namespace apm::azure {
namespace {

std::string reason(int status, const std::string& body, bool release = false) {
  return vault_error("call", status, read_azure_error(body), release).reason;
}

TEST(VaultErrorTest, NamesWhatHappened) {
  const std::string rbac =
      R"({"error":{"code":"Forbidden","message":"m","innererror":{"code":"ForbiddenByRbac"}}})";
  EXPECT_EQ(reason(403, rbac), "key_vault_rbac");
  EXPECT_EQ(reason(403, "{}"), "key_vault_access_denied");
  EXPECT_EQ(reason(404, "{}"), "key_vault_not_found");
  EXPECT_EQ(reason(409, "{}"), "key_vault_soft_deleted");
  EXPECT_EQ(reason(429, "{}"), "key_vault_throttled");
  EXPECT_EQ(reason(502, "<html>"), "key_vault_unavailable");
  const std::string unmet =
      R"({"error":{"code":"Forbidden","message":"Target environment attestation does not meet"}})";
  EXPECT_EQ(reason(403, unmet, true), "key_release_refused");
  const std::string enc =
      R"({"error":{"code":"BadParameter","message":"Unknown value RSA_AES_KEY_WRAP_256"}})";
  EXPECT_EQ(reason(400, enc, true), "key_release_enc");
  EXPECT_EQ(reason(400, enc, false), "key_vault_request");
}

TEST(KeyUrlTest, Parses) {
  const auto url = parse_key_url("https://V.vault.azure.net/keys/k/0a");
  ASSERT_TRUE(url.ok());
  EXPECT_EQ(url->host, "v.vault.azure.net");
  EXPECT_EQ(url->version, "0a");
  for (const char* bad :
       {"http://v.vault.azure.net/keys/k", "https://vault.azure.net/keys/k",
        "https://v.vault.azure.net.evil.org/keys/k", "https://v.vault.azure.net/secrets/k",
        "https://v.vault.azure.net/keys/k?x"}) {
    const auto refused = parse_key_url(bad);
    ASSERT_FALSE(refused.ok()) << bad;
    EXPECT_EQ(refused.error().reason, "key_url");
  }
}

}  // namespace
}  // namespace apm::azure
