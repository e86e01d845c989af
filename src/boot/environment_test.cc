#include "boot/environment.h"

#include <gtest/gtest.h>

#include <map>

namespace apm::boot {
namespace {

std::map<std::string, std::string> complete() {
  return {{"APM_HOSTNAME", "apm-server.test"},
          {"APM_SA_NAME", "apmsa"},
          {"APM_KEYVAULT_NAME", "apmkv"},
          {"APM_MK_ID", "https://apmkv.vault.azure.net/keys/apm-master-key"},
          {"MAA_ENDPOINT", "https://shared.attest.azure.net"}};
}

Result<Environment> read(const std::map<std::string, std::string>& values) {
  return read_environment([&values](const std::string& name) -> std::optional<std::string> {
    const auto found = values.find(name);
    if (found == values.end()) return std::nullopt;
    return found->second;
  });
}

TEST(Environment, DefaultsOfAnHonestOne) {
  const auto env = read(complete());
  ASSERT_TRUE(env.ok());
  EXPECT_EQ(env->port, 8200);
  EXPECT_EQ(env->vault_host(), "apmkv.vault.azure.net");
  EXPECT_EQ(env->root_token_ttl_s, 259200U);
}

TEST(Environment, EveryMissingVariableIsNamedAtOnce) {
  const auto env = read({{"APM_HOSTNAME", ""}});
  ASSERT_FALSE(env.ok());
  EXPECT_EQ(env.error().reason, "environment");
  for (const auto& [name, value] : complete()) {
    EXPECT_NE(env.error().message.find(name + " is not set"), std::string::npos) << name;
  }
}

TEST(Environment, NeverMustBeSaid) {
  auto values = complete();
  values["APM_ROOT_TOKEN_TTL"] = "never";
  EXPECT_FALSE(read(values)->root_token_ttl_s.has_value());
  values["APM_ROOT_TOKEN_TTL"] = "0";
  EXPECT_FALSE(read(values).ok());
}

TEST(Environment, TheAdministratorsKeyIsToldWithTheOtherFaults) {
  auto values = complete();
  values["APM_ADMIN_PUBLIC_KEY"] = crypto::PrivateKey::generate_rsa(3072)->public_key()->spki_pem();
  EXPECT_TRUE(read(values)->admin_key.has_value());
  values["APM_ADMIN_PUBLIC_KEY"] = crypto::PrivateKey::generate_rsa(2048)->public_key()->spki_pem();
  values["APM_PORT"] = "0";
  const auto env = read(values);
  ASSERT_FALSE(env.ok());
  EXPECT_NE(env.error().message.find("2 faults"), std::string::npos) << env.error().message;
  EXPECT_NE(env.error().message.find("APM_ADMIN_PUBLIC_KEY: "), std::string::npos);
}

TEST(Environment, MalformedValuesAreRefused) {
  for (const auto& [name, value] :
       std::map<std::string, std::string>{{"APM_PORT", "70000"},
                                          {"APM_MK_ID", "http://x/keys/k"},
                                          {"MAA_ENDPOINT", "shared.attest.azure.net"},
                                          {"APM_KEYVAULT_NAME", "a/b"},
                                          {"APM_REPLACE_STORE_ID", "abc"}}) {
    auto values = complete();
    values[name] = value;
    const auto env = read(values);
    ASSERT_FALSE(env.ok()) << name;
    EXPECT_NE(env.error().message.find(name), std::string::npos);
  }
}

}  // namespace
}  // namespace apm::boot
