#include "attestation/tpm/attest.h"

#include <algorithm>

#include "attestation/limits.h"
#include "base/byte_reader.h"
#include "base/text.h"
#include "crypto/secret_bytes.h"

namespace apm::attestation::tpm {
namespace {

constexpr std::uint32_t kMagic = 0xff544347;
constexpr std::uint16_t kTypeCertify = 0x8017;
constexpr std::uint16_t kTypeQuote = 0x8018;
constexpr std::uint16_t kAlgSha256 = 0x000b;
constexpr std::uint16_t kAlgRsassa = 0x0014;
constexpr std::uint32_t kCommandPolicyPcr = 0x0000017f;
constexpr std::uint32_t kBanksMax = 8;
constexpr std::size_t kSelectBytesMax = 4;
constexpr std::size_t kSha256Size = 32;
constexpr int kRsaBitsMin = 2048;

Error refused(std::string reason, std::string message) {
  return Error(Code::kRefused, std::move(reason), std::move(message));
}

Bytes sized(ByteReader& reader) { return to_bytes(reader.take(reader.u16_be())); }

PcrSelection read_selection(ByteReader& reader, bool& well_formed) {
  PcrSelection selection;
  selection.bank = reader.u16_be();
  const std::size_t size = reader.u8();
  if (size > kSelectBytesMax) well_formed = false;
  const ByteView bitmap = reader.take(size);
  for (unsigned i = 0; i < bitmap.size() * 8; ++i) {
    if ((bitmap[i / 8] >> (i % 8) & 1) != 0) selection.indexes.push_back(i);
  }
  return selection;
}

void read_quote_body(ByteReader& reader, Attest& attest, bool& well_formed) {
  const std::uint32_t count = reader.u32_be();
  if (count > kBanksMax) {
    well_formed = false;
    return;
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    attest.selections.push_back(read_selection(reader, well_formed));
  }
  attest.pcr_digest = sized(reader);
}

Status check_signature(ByteView attest, ByteView signature, const crypto::PublicKey& ak) {
  const bool strong = ak.type() == crypto::KeyType::kRsa && ak.bits() >= kRsaBitsMin;
  if (!strong || signature.size() != static_cast<std::size_t>(ak.bits() + 7) / 8 ||
      !ak.verify_rsa_pkcs1(crypto::Hash::kSha256, attest, signature).ok()) {
    return refused("tpm_signature_invalid",
                   "the TPM's signature does not verify under the attestation key that the "
                   "hardware report names");
  }
  return {};
}

Status check_extra_data(const Attest& attest, ByteView expected) {
  if (expected.empty() || attest.extra_data.size() != expected.size() ||
      !crypto::constant_time_equal(attest.extra_data, expected)) {
    return refused("tpm_extra_data",
                   "the TPM signed another binding (nonce, server or key) than "
                   "this login's: ask for a new challenge");
  }
  return {};
}

Status check_pcrs(const Attest& attest, const PcrValues& pcrs,
                  const std::vector<unsigned>& required) {
  if (required.empty() || attest.selections.size() != 1 ||
      attest.selections[0].bank != kAlgSha256 || attest.selections[0].indexes != required) {
    return refused("tpm_pcr_selection",
                   "the quote does not cover exactly the required PCRs of the SHA-256 bank");
  }
  const bool exact = std::equal(pcrs.begin(), pcrs.end(), required.begin(), required.end(),
                                [](const auto& have, unsigned index) {
                                  return have.first == index && have.second.size() == kSha256Size;
                                });
  if (!exact) {
    return refused("tpm_pcr_values", "the PCR values are not those that the quote selects");
  }
  if (!equal(attest.pcr_digest, pcr_digest(pcrs))) {
    return refused("tpm_pcr_digest", "the PCR values do not hash to the quoted digest");
  }
  return {};
}

Result<Attest> verify_attest(ByteView raw, ByteView signature, const crypto::PublicKey& ak,
                             AttestType type, ByteView extra_data) {
  APM_CHECK_OK(check_signature(raw, signature, ak));
  APM_TRY(Attest attest, parse_attest(raw));
  if (attest.type != type) {
    return refused("tpm_attest_type", "the TPM signed a structure of another kind");
  }
  APM_CHECK_OK(check_extra_data(attest, extra_data));
  return attest;
}

}  // namespace

Result<Attest> parse_attest(ByteView raw) {
  if (raw.size() > kAttestBytesMax) {
    return refused("tpm_attest_malformed", "the TPM's attestation structure is too large");
  }
  ByteReader reader(raw);
  if (reader.u32_be() != kMagic) {
    return refused("tpm_magic", "the structure was not made by a TPM (wrong magic)");
  }
  const std::uint16_t type = reader.u16_be();
  if (type != kTypeQuote && type != kTypeCertify) {
    return refused("tpm_attest_type", "the TPM signed a structure of another kind");
  }
  Attest attest;
  attest.type = type == kTypeQuote ? AttestType::kQuote : AttestType::kCertify;
  attest.qualified_signer = sized(reader);
  attest.extra_data = sized(reader);
  attest.clock = reader.u64_be();
  attest.reset_count = reader.u32_be();
  attest.restart_count = reader.u32_be();
  const std::uint8_t safe = reader.u8();
  attest.safe = safe == 1;
  attest.firmware_version = reader.u64_be();
  bool well_formed = safe <= 1;
  if (attest.type == AttestType::kQuote) {
    read_quote_body(reader, attest, well_formed);
  } else {
    attest.name = sized(reader);
    attest.qualified_name = sized(reader);
  }
  if (!well_formed || !reader.finish()) {
    return refused("tpm_attest_malformed", "the TPM's attestation structure is malformed");
  }
  return attest;
}

Result<Bytes> rsassa_from_tpmt(ByteView tpmt_signature) {
  ByteReader reader(tpmt_signature);
  const bool known = reader.u16_be() == kAlgRsassa && reader.u16_be() == kAlgSha256;
  Bytes raw = sized(reader);
  if (!known || !reader.finish()) {
    return refused("tpm_signature_invalid", "not an RSASSA signature with SHA-256 of a TPM");
  }
  return raw;
}

Result<Attest> verify_quote(ByteView attest, ByteView raw_signature, const crypto::PublicKey& ak,
                            const PcrValues& pcrs, const QuoteExpectation& expected) {
  APM_TRY(Attest quote,
          verify_attest(attest, raw_signature, ak, AttestType::kQuote, expected.extra_data));
  APM_CHECK_OK(check_pcrs(quote, pcrs, expected.required));
  return quote;
}

Result<Attest> verify_certify(ByteView attest, ByteView raw_signature, const crypto::PublicKey& ak,
                              const CertifyExpectation& expected) {
  APM_TRY(Attest certified,
          verify_attest(attest, raw_signature, ak, AttestType::kCertify, expected.extra_data));
  if (expected.name.empty() || !equal(certified.name, expected.name)) {
    return refused("tpm_certified_name", "the TPM certified another key than the one sent");
  }
  return certified;
}

Bytes pcr_digest(const PcrValues& pcrs) {
  Bytes all;
  for (const auto& [index, value] : pcrs) append(all, value);
  return crypto::sha256(all);
}

Bytes policy_pcr_digest(const PcrValues& pcrs) {
  Bytes bitmap(kPcrCount / 8, 0);
  for (const auto& [index, value] : pcrs) {
    if (index >= kPcrCount) continue;
    bitmap[index / 8] = static_cast<std::uint8_t>(bitmap[index / 8] | 1U << (index % 8));
  }
  Bytes input(kSha256Size, 0);
  append_u32_be(input, kCommandPolicyPcr);
  append_u32_be(input, 1);
  append_u16_be(input, kAlgSha256);
  input.push_back(static_cast<std::uint8_t>(bitmap.size()));
  append(input, bitmap);
  append(input, pcr_digest(pcrs));
  return crypto::sha256(input);
}

}  // namespace apm::attestation::tpm
