#include "attestation/tpm/attest.h"

#include <algorithm>

#include "attestation/limits.h"
#include "base/byte_reader.h"
#include "base/encoding.h"
#include "base/text.h"
#include "crypto/secret_bytes.h"

namespace apm::attestation::tpm {
namespace {

constexpr std::uint32_t kMagic = 0xff544347;
constexpr std::uint16_t kTypeCertify = 0x8017;
constexpr std::uint16_t kTypeQuote = 0x8018;
constexpr std::uint16_t kAlgRsassa = 0x0014;
constexpr std::uint16_t kAlgEcdsa = 0x0018;
constexpr std::uint32_t kCommandPolicyPcr = 0x0000017f;
constexpr std::uint32_t kBanksMax = 8;
constexpr std::size_t kSelectBytesMax = 4;
constexpr std::size_t kSha256Size = 32;
constexpr std::size_t kSha384Size = 48;
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

// ---- The signature ----

Status check_signature(const SignedAttest& structure, Appraisal& appraisal) {
  const crypto::PublicKey& ak = structure.ak;
  const bool is_rsa = ak.type() == crypto::KeyType::kRsa;
  APM_CHECK_OK(appraisal.require(
      is_rsa && ak.bits() >= kRsaBitsMin,
      {Stage::kAlgorithm, "tpm_ak_unsupported",
       concat("an attestation key of ", ak.bits(), " bits, ", is_rsa ? "RSA" : "not RSA"),
       concat("RSA of at least ", kRsaBitsMin, " bits; ECDSA keys are not supported")}));
  const std::size_t width = static_cast<std::size_t>(ak.bits() + 7) / 8;
  APM_CHECK_OK(
      appraisal.require(structure.raw_signature.size() == width,
                        {Stage::kFormat, "tpm_signature_format",
                         concat("a TPM signature of ", structure.raw_signature.size(), " bytes"),
                         concat(width, " bytes, as wide as the key")}));
  if (!appraisal.covers(Stage::kBinding)) return {};
  const bool good =
      ak.verify_rsa_pkcs1(crypto::Hash::kSha256, structure.attest, structure.raw_signature).ok();
  return appraisal.require(
      good, {Stage::kBinding, "tpm_signature_invalid",
             good ? "a signature that verifies" : "a signature that does not verify",
             "the TPM's signature under the attestation key that the evidence is rooted in"});
}

Status check_extra_data(const Attest& attest, ByteView expected, Appraisal& appraisal) {
  const bool same = !expected.empty() && attest.extra_data.size() == expected.size() &&
                    crypto::constant_time_equal(attest.extra_data, expected);
  return appraisal.require(
      same,
      {Stage::kFreshness, "tpm_extra_data", concat("extraData ", hex_encode(attest.extra_data)),
       concat("the expected binding ", hex_encode(expected),
              ": another nonce, server or key was signed; ask for a new challenge")});
}

Status check_type(const Attest& attest, AttestType wanted, Appraisal& appraisal) {
  const auto name = [](AttestType type) {
    return type == AttestType::kQuote ? "a quote" : "a certification of a key";
  };
  return appraisal.require(attest.type == wanted,
                           {Stage::kFormat, "tpm_attest_type", name(attest.type), name(wanted)});
}

// The signature before anything that it covers is looked at.
Result<Attest> verify_attest(const SignedAttest& structure, AttestType type, ByteView extra_data,
                             Appraisal& appraisal) {
  APM_CHECK_OK(check_signature(structure, appraisal));
  auto attest = parse_attest(structure.attest);
  APM_CHECK_OK(appraisal.require(attest.ok() ? Status() : Status(attest.error()), Stage::kFormat,
                                 "tpm_attest_malformed"));
  APM_CHECK_OK(check_type(*attest, type, appraisal));
  if (appraisal.covers(Stage::kFreshness)) {
    APM_CHECK_OK(check_extra_data(*attest, extra_data, appraisal));
  }
  return attest;
}

// ---- What a quote covers ----

std::optional<std::size_t> digest_size_of(std::uint16_t bank) {
  if (bank == kAlgSha256) return kSha256Size;
  if (bank == kAlgSha384) return kSha384Size;
  return std::nullopt;
}

std::string to_text(const std::vector<unsigned>& indexes) {
  std::string out;
  for (const unsigned index : indexes) out += concat(out.empty() ? "" : ",", index);
  return out;
}

std::string bank_text(std::uint16_t bank) {
  Bytes raw;
  append_u16_be(raw, bank);
  return concat("TPM_ALG_ID ", hex_encode(raw));
}

std::string to_text(const std::vector<PcrSelection>& selections) {
  std::string out;
  for (const PcrSelection& selection : selections) {
    out += concat(out.empty() ? "" : "; ", "bank ", bank_text(selection.bank), ": PCR ",
                  to_text(selection.indexes));
  }
  return out.empty() ? "no PCR" : out;
}

Status check_selection(const Attest& attest, const QuoteExpectation& expected,
                       Appraisal& appraisal) {
  const bool right_bank = digest_size_of(expected.bank).has_value() &&
                          attest.selections.size() == 1 &&
                          attest.selections[0].bank == expected.bank;
  APM_CHECK_OK(
      appraisal.require(right_bank, {Stage::kBinding, "tpm_pcr_bank", to_text(attest.selections),
                                     concat("one selection, of bank ", bank_text(expected.bank))}));
  return appraisal.require(
      !expected.required.empty() && attest.selections[0].indexes == expected.required,
      {Stage::kBinding, "tpm_pcr_selection", to_text(attest.selections),
       concat("exactly PCR ", to_text(expected.required))});
}

Status check_pcrs(const Attest& attest, const PcrValues& pcrs, const QuoteExpectation& expected,
                  Appraisal& appraisal) {
  APM_CHECK_OK(check_selection(attest, expected, appraisal));
  const std::size_t size = digest_size_of(expected.bank).value_or(0);
  const std::vector<unsigned>& required = expected.required;
  const bool exact = std::equal(pcrs.begin(), pcrs.end(), required.begin(), required.end(),
                                [size](const auto& have, unsigned index) {
                                  return have.first == index && have.second.size() == size;
                                });
  APM_CHECK_OK(appraisal.require(
      exact, {Stage::kBinding, "tpm_pcr_values", concat(pcrs.size(), " PCR values"),
              concat("a value of ", size,
                     " bytes for each PCR that the quote selects, and "
                     "no other")}));
  return appraisal.require(equal(attest.pcr_digest, pcr_digest(pcrs)),
                           {Stage::kBinding, "tpm_pcr_digest",
                            concat("PCR values that hash to ", hex_encode(pcr_digest(pcrs))),
                            concat("the quoted digest ", hex_encode(attest.pcr_digest))});
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
  const std::uint16_t scheme = reader.u16_be();
  const std::uint16_t hash = reader.u16_be();
  if (reader.ok() && (scheme != kAlgRsassa || hash != kAlgSha256)) {
    return refused("tpm_signature_algorithm",
                   concat("the TPM signed with scheme ", bank_text(scheme), " and hash ",
                          bank_text(hash), "; RSASSA (0014) with SHA-256 (000b) is wanted",
                          scheme == kAlgEcdsa ? ": ECDSA keys are not supported" : ""));
  }
  Bytes raw = sized(reader);
  if (!reader.finish()) {
    return refused("tpm_signature_format", "the TPM's signature is cut off, or bytes follow it");
  }
  return raw;
}

Result<Attest> verify_quote(const SignedAttest& quote, const PcrValues& pcrs,
                            const QuoteExpectation& expected, Appraisal& appraisal) {
  APM_TRY(Attest attest, verify_attest(quote, AttestType::kQuote, expected.extra_data, appraisal));
  if (appraisal.covers(Stage::kBinding)) {
    APM_CHECK_OK(check_pcrs(attest, pcrs, expected, appraisal));
  }
  return attest;
}

Result<Attest> verify_certify(const SignedAttest& certified, const CertifyExpectation& expected,
                              Appraisal& appraisal) {
  APM_TRY(Attest attest,
          verify_attest(certified, AttestType::kCertify, expected.extra_data, appraisal));
  if (!appraisal.covers(Stage::kBinding)) return attest;
  APM_CHECK_OK(
      appraisal.require(!expected.name.empty() && equal(attest.name, expected.name),
                        {Stage::kBinding, "tpm_certified_name",
                         concat("a certification of ", hex_encode(attest.name)),
                         concat("of the key that was sent, ", hex_encode(expected.name))}));
  return attest;
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
