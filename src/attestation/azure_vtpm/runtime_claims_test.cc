#include <gtest/gtest.h>

#include "attestation/azure_vtpm/hcl_report.h"
#include "base/encoding.h"
#include "base/json.h"
#include "base/text.h"

namespace apm::attestation::azure_vtpm {
namespace {

json::Object ak() {
  return {{"kid", "HCLAkPub"},
          {"key_ops", json::Array{"sign"}},
          {"kty", "RSA"},
          {"e", "AQAB"},
          {"n", base64url_encode(Bytes(256, 0xc1))}};
}

// "" when the claims are read.
std::string refusal(json::Value claims) {
  const auto parsed = parse_runtime_claims(as_bytes(json::write(claims)));
  return parsed.ok() ? "" : parsed.error().reason;
}
std::string with_keys(json::Array keys) { return refusal(json::Object{{"keys", std::move(keys)}}); }
std::string with_ak(std::string name, json::Value value) {
  json::Object key = ak();
  key.set(std::move(name), std::move(value));
  return with_keys({std::move(key)});
}
std::string without(std::string_view name) {
  json::Object key = ak();
  key.erase(name);
  return with_keys({std::move(key)});
}
std::string with(std::string name, json::Value value) {
  return refusal(json::Object{{"keys", json::Array{ak()}}, {std::move(name), std::move(value)}});
}

const std::string kMalformed = "runtime_claims_malformed";

TEST(RuntimeClaims, AttestationKey) {
  const std::string bad = with_ak("kty", "EC");
  EXPECT_NE(bad, "");
  EXPECT_NE(bad, kMalformed);
  EXPECT_EQ(with_keys({ak()}), "");
  for (const char* name : {"kty", "n", "e", "key_ops"}) {
    EXPECT_EQ(without(name), bad) << name;
    EXPECT_EQ(with_ak(name, json::Value(1)), bad) << name;
  }
  EXPECT_EQ(with_ak("n", "?"), bad);
  EXPECT_EQ(with_ak("n", ""), bad);
  EXPECT_EQ(with_ak("n", base64url_encode(Bytes(128, 0xc1))), bad);
  EXPECT_EQ(with_ak("e", "?"), bad);
  EXPECT_EQ(with_ak("e", "Aw"), bad);
  EXPECT_EQ(with_ak("key_ops", json::Array{}), bad);
  EXPECT_EQ(with_ak("key_ops", json::Array{"sign", "verify"}), bad);
  EXPECT_EQ(with_ak("key_ops", json::Array{json::Value(1)}), bad);
  EXPECT_EQ(with_ak("key_ops", json::Array{"decrypt"}), bad);
  EXPECT_EQ(with_ak("key_ops", json::Array{"encrypt"}), "");  // hosts of 2023
  EXPECT_EQ(with_ak("kid", "HCLEkPub"), bad);                 // then there is none
  EXPECT_EQ(with_keys({}), bad);
  EXPECT_EQ(with_keys({ak(), ak()}), bad);
}

TEST(RuntimeClaims, OtherKeysAreNamedAndNotRead) {
  const auto parsed = parse_runtime_claims(as_bytes(
      json::write(json::Object{{"keys", json::Array{json::Object{{"kid", "HCLEkPub"}}, ak()}}})));
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed->key_ids, (std::vector<std::string>{"HCLEkPub", "HCLAkPub"}));
  EXPECT_EQ(with_keys({json::Object{}, ak()}), kMalformed);
}

TEST(RuntimeClaims, FormOfTheWhole) {
  EXPECT_EQ(parse_runtime_claims(as_bytes("{")).error().reason, kMalformed);
  EXPECT_EQ(refusal(json::Object{}), kMalformed);
  EXPECT_EQ(refusal(json::Object{{"keys", json::Value(1)}}), kMalformed);
}

TEST(RuntimeClaims, VmConfiguration) {
  EXPECT_EQ(with("vm-configuration", json::Value(1)), kMalformed);
  for (const char* name : {"secure-boot", "tpm-enabled", "tpm-persisted", "console-enabled"}) {
    EXPECT_EQ(with("vm-configuration", json::Object{{name, json::Value(true)}}), "") << name;
    EXPECT_EQ(with("vm-configuration", json::Object{{name, "true"}}), kMalformed) << name;
  }
  for (const char* name : {"vmUniqueId", "root-cert-thumbprint"}) {
    EXPECT_EQ(with("vm-configuration", json::Object{{name, "x"}}), "") << name;
    EXPECT_EQ(with("vm-configuration", json::Object{{name, json::Value(1)}}), kMalformed) << name;
  }
}

TEST(RuntimeClaims, UserData) {
  EXPECT_EQ(with("user-data", std::string(128, 'a')), "");
  EXPECT_EQ(with("user-data", std::string(130, 'a')), kMalformed);
  EXPECT_EQ(with("user-data", "xy"), kMalformed);
  EXPECT_EQ(with("user-data", json::Value(1)), kMalformed);
}

}  // namespace
}  // namespace apm::attestation::azure_vtpm
