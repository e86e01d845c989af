#include "attestation/tpm/public_area.h"

#include "attestation/limits.h"
#include "base/byte_reader.h"

namespace apm::attestation::tpm {
namespace {

constexpr std::uint16_t kAlgRsa = 0x0001;
constexpr std::uint16_t kAlgNull = 0x0010;
constexpr std::uint16_t kAlgRsaes = 0x0015;
constexpr std::uint16_t kAlgOaep = 0x0017;

constexpr std::uint32_t kFixedTpm = 1U << 1;
constexpr std::uint32_t kFixedParent = 1U << 4;
constexpr std::uint32_t kSensitiveDataOrigin = 1U << 5;
constexpr std::uint32_t kUserWithAuth = 1U << 6;
constexpr std::uint32_t kEncryptedDuplication = 1U << 11;
constexpr std::uint32_t kRestricted = 1U << 16;
constexpr std::uint32_t kDecrypt = 1U << 17;
constexpr std::uint32_t kSign = 1U << 18;

constexpr std::uint32_t kDefaultExponent = 65537;
constexpr std::uint16_t kKeyBitsMin = 2048;

Error refused(std::string reason, std::string message) {
  return Error(Code::kRefused, std::move(reason), std::move(message));
}

bool read_scheme(ByteReader& reader) {
  const std::uint16_t scheme = reader.u16_be();
  if (scheme == kAlgNull || scheme == kAlgRsaes) return true;
  return scheme == kAlgOaep && reader.u16_be() == kAlgSha256;
}

}  // namespace

Result<PublicArea> parse_public_area(ByteView tpmt_public) {
  ByteReader reader(tpmt_public);
  PublicArea area;
  bool known = tpmt_public.size() <= kPublicAreaBytesMax;
  known = reader.u16_be() == kAlgRsa && known;
  known = reader.u16_be() == kAlgSha256 && known;
  area.attributes = reader.u32_be();
  area.auth_policy = to_bytes(reader.take(reader.u16_be()));
  known = reader.u16_be() == kAlgNull && known;  // symmetric
  known = read_scheme(reader) && known;
  area.key_bits = reader.u16_be();
  area.exponent = reader.u32_be();
  if (area.exponent == 0) area.exponent = kDefaultExponent;
  area.modulus = to_bytes(reader.take(reader.u16_be()));
  if (!known || !reader.finish() || area.modulus.size() * 8 != area.key_bits) {
    return refused("tpm_public_malformed",
                   "the login key's public area is not that of an RSA decryption key");
  }
  return area;
}

Bytes object_name(ByteView tpmt_public) {
  Bytes name;
  append_u16_be(name, kAlgSha256);
  append(name, crypto::sha256(tpmt_public));
  return name;
}

Result<crypto::PublicKey> check_login_key(ByteView tpmt_public, const PcrValues& pcrs) {
  APM_TRY(const PublicArea area, parse_public_area(tpmt_public));
  constexpr std::uint32_t required = kFixedTpm | kFixedParent | kSensitiveDataOrigin | kDecrypt;
  constexpr std::uint32_t forbidden = kUserWithAuth | kEncryptedDuplication | kRestricted | kSign;
  if ((area.attributes & required) != required || (area.attributes & forbidden) != 0) {
    return refused("tpm_key_attributes",
                   "the login key must be fixed to its TPM, for decryption only, and usable only "
                   "by its policy");
  }
  if (!equal(area.auth_policy, policy_pcr_digest(pcrs))) {
    return refused("tpm_key_policy",
                   "the login key's policy is not PolicyPCR over the quoted PCR values");
  }
  if (area.key_bits < kKeyBitsMin || area.exponent != kDefaultExponent) {
    return refused("tpm_key_strength", "the login key must be RSA of at least 2048 bits, e 65537");
  }
  Bytes exponent;
  append_u32_be(exponent, area.exponent);
  return crypto::PublicKey::from_rsa(area.modulus, exponent);
}

}  // namespace apm::attestation::tpm
