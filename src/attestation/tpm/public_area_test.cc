#include "attestation/tpm/public_area.h"

#include <gtest/gtest.h>

#include "attestation/limits.h"
#include "base/byte_reader.h"

namespace apm::attestation::tpm {
namespace {

const PcrValues& pcrs() {
  static const PcrValues values{{7, Bytes(32, 7)}};
  return values;
}

struct Area {
  std::uint16_t type = 0x0001;
  std::uint16_t name_algorithm = 0x000b;
  std::uint32_t attributes = 1U << 1 | 1U << 4 | 1U << 5 | 1U << 10 | 1U << 17;
  Bytes policy = policy_pcr_digest(pcrs());
  std::uint16_t symmetric = 0x0010;
  std::vector<std::uint16_t> scheme = {0x0010};
  std::uint16_t bits = 2048;
  std::uint32_t exponent = 0;
  Bytes modulus = Bytes(256, 0xc1);
  std::size_t more = 0;
};

Bytes encoded(const Area& area) {
  Bytes out;
  append_u16_be(out, area.type);
  append_u16_be(out, area.name_algorithm);
  append_u32_be(out, area.attributes);
  append_u16_be(out, static_cast<std::uint16_t>(area.policy.size()));
  append(out, area.policy);
  append_u16_be(out, area.symmetric);
  for (const std::uint16_t word : area.scheme) append_u16_be(out, word);
  append_u16_be(out, area.bits);
  append_u32_be(out, area.exponent);
  append_u16_be(out, static_cast<std::uint16_t>(area.modulus.size()));
  append(out, area.modulus);
  out.resize(out.size() + area.more);
  return out;
}

// "" when the key may be used.
std::string refusal(const Area& area) {
  const auto key = check_login_key(encoded(area), pcrs());
  return key.ok() ? "" : key.error().reason;
}

TEST(TpmPublicArea, FormsThatAreRead) {
  EXPECT_EQ(refusal({}), "");
  EXPECT_EQ(refusal({.exponent = 65537}), "");
  EXPECT_EQ(refusal({.scheme = {0x0015}}), "");
  EXPECT_EQ(refusal({.scheme = {0x0017, 0x000b}}), "");
}

TEST(TpmPublicArea, FormsThatAreNot) {
  const std::string malformed = "tpm_public_malformed";
  EXPECT_EQ(refusal({.type = 0x0023}), malformed);
  EXPECT_EQ(refusal({.name_algorithm = 0x0004}), malformed);
  EXPECT_EQ(refusal({.symmetric = 0x0006}), malformed);
  EXPECT_EQ(refusal({.scheme = {0x0014}}), malformed);
  EXPECT_EQ(refusal({.scheme = {0x0014, 0x000b}}), malformed);
  EXPECT_EQ(refusal({.scheme = {0x0017, 0x0004}}), malformed);
  EXPECT_EQ(refusal({.bits = 3072}), malformed);
  EXPECT_EQ(refusal({.modulus = Bytes(255, 0xc1)}), malformed);
  EXPECT_EQ(refusal({.more = 1}), malformed);
  Bytes cut = encoded({});
  cut.pop_back();
  EXPECT_EQ(check_login_key(cut, pcrs()).error().reason, malformed);
}

TEST(TpmPublicArea, AsLongAsItMayBeAndOneBeyond) {
  Area area;
  area.policy.resize(kPublicAreaBytesMax - (encoded(area).size() - area.policy.size()));
  EXPECT_EQ(encoded(area).size(), kPublicAreaBytesMax);
  EXPECT_TRUE(parse_public_area(encoded(area)).ok());
  area.policy.push_back(0);
  EXPECT_EQ(parse_public_area(encoded(area)).error().reason, "tpm_public_malformed");
}

TEST(TpmPublicArea, AttributesPolicyAndStrength) {
  const std::uint32_t good = Area{}.attributes;
  for (const unsigned required : {1U, 4U, 5U, 17U}) {
    EXPECT_EQ(refusal({.attributes = good & ~(1U << required)}), "tpm_key_attributes") << required;
  }
  for (const unsigned forbidden : {6U, 11U, 16U, 18U}) {
    EXPECT_EQ(refusal({.attributes = good | 1U << forbidden}), "tpm_key_attributes") << forbidden;
  }
  EXPECT_EQ(refusal({.policy = {}}), "tpm_key_policy");
  EXPECT_EQ(refusal({.policy = policy_pcr_digest({{7, Bytes(32, 8)}})}), "tpm_key_policy");
  EXPECT_EQ(refusal({.bits = 1024, .modulus = Bytes(128, 0xc1)}), "tpm_key_strength");
  EXPECT_EQ(refusal({.exponent = 3}), "tpm_key_strength");
}

}  // namespace
}  // namespace apm::attestation::tpm
