#include "attestation/identity.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/byte_reader.h"
#include "base/encoding.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "crypto/x509.h"

namespace apm::attestation {
namespace {

constexpr unsigned kSecureBootPcr = 7;
constexpr std::string_view kEnclaveDomain("apm-enclave-id-v1\0", 18);
constexpr std::size_t kSha256Size = 32;
constexpr std::size_t kOwnerGuidSize = 16;

// 8be4df61-93ca-11d2-aa0d-00e098032b8c and d719b2cb-3d3a-4596-a3bc-dad00e67656f, as in memory.
constexpr std::array<std::uint8_t, 16> kGlobalVariableGuid = {
    0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c};
constexpr std::array<std::uint8_t, 16> kSecurityDatabaseGuid = {
    0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45, 0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f};

// Subjects and issuers, by the beginning of their common name, in lower case.
constexpr std::string_view kPublicNames[] = {"microsoft corporation uefi ca",
                                             "microsoft uefi ca",
                                             "microsoft option rom uefi ca",
                                             "microsoft windows production pca",
                                             "windows uefi ca",
                                             "microsoft corporation kek",
                                             "microsoft corporation third party marketplace",
                                             "debian secure boot",
                                             "canonical ltd",
                                             "red hat secure boot",
                                             "red hat inc",
                                             "fedora secure boot",
                                             "fedora project",
                                             "suse linux enterprise secure boot",
                                             "opensuse secure boot",
                                             "oracle",
                                             "almalinux",
                                             "rocky linux",
                                             "rocky enterprise",
                                             "centos secure boot",
                                             "amazon linux",
                                             "cbl-mariner",
                                             "azure linux",
                                             "azurelinux"};

Error refused(std::string reason, std::string message) {
  return Error(Code::kRefused, std::move(reason), std::move(message));
}

struct Signer {
  std::string id;
  std::string subject;
  std::string issuer;
};

// Secure Boot's state as the firmware measured it: exactly one authentic SecureBoot variable. A
// system that is up can extend PCR 7 further but can take nothing back, so a second one is a lie.
Status check_secure_boot(const tpm::EventLog& log) {
  unsigned found = 0;
  bool on = false;
  for (const tpm::Event& event : log.events) {
    if (event.pcr != kSecureBootPcr || event.type != tpm::kEvEfiVariableDriverConfig) continue;
    const auto variable = tpm::parse_uefi_variable(event.data);
    if (!variable || !event.data_matches()) {
      return refused("signer_event_not_authentic",
                     "a Secure Boot variable in the event log does not hash to its digest");
    }
    if (variable->name != "SecureBoot" || !equal(variable->guid, kGlobalVariableGuid)) continue;
    ++found;
    on = variable->data == Bytes{1};
  }
  if (found != 1 || !on) {
    return refused("secure_boot_off",
                   "Secure Boot was off when this machine booted, so no key "
                   "vouches for its boot image");
  }
  return {};
}

// The certificate of one authority event: an entry of "db", EFI_SIGNATURE_DATA with X.509 DER.
Result<Signer> read_authority(const tpm::Event& event) {
  if (!event.data_matches()) {
    return refused("signer_event_not_authentic",
                   "an authority event in the log does not hash to its digest");
  }
  const auto variable = tpm::parse_uefi_variable(event.data);
  if (!variable || variable->name != "db" || !equal(variable->guid, kSecurityDatabaseGuid) ||
      variable->data.size() <= kOwnerGuidSize) {
    return refused("signer_event_malformed",
                   "a boot image was not verified by a certificate of the Secure Boot database");
  }
  const auto certificate =
      crypto::Certificate::from_der(ByteView(variable->data).subspan(kOwnerGuidSize));
  if (!certificate.ok()) {
    return refused("signer_event_malformed", "an authority event holds no X.509 certificate");
  }
  APM_TRY(const crypto::PublicKey key, certificate->public_key());
  return Signer{hex_encode(crypto::sha256(key.spki_der())), certificate->subject_common_name(),
                certificate->issuer_common_name()};
}

// The firmware measures its authorities before any image of theirs runs, and what runs later can
// only add. So all authority events must name one key: an added event would otherwise be a way to
// claim somebody else's.
Result<Signer> read_signer(const tpm::EventLog& log) {
  std::optional<Signer> signer;
  for (const tpm::Event& event : log.events) {
    if (event.pcr != kSecureBootPcr || event.type != tpm::kEvEfiVariableAuthority) continue;
    APM_TRY(Signer next, read_authority(event));
    if (signer && signer->id != next.id) {
      return refused("signer_ambiguous", concat("boot images were verified by more than one key ('",
                                                signer->subject, "' and '", next.subject, "')"));
    }
    signer = std::move(next);
  }
  if (!signer) {
    return refused("signer_event_missing",
                   "the event log tells of no key that verified the boot image");
  }
  return *signer;
}

Result<Signer> find_signer(ByteView event_log, const tpm::PcrValues& quoted,
                           const std::set<std::string>& allowed_public) {
  if (event_log.empty()) {
    return refused("event_log_missing", "without the firmware's event log there is no signer");
  }
  APM_TRY(const tpm::EventLog log, tpm::parse_event_log(event_log));
  const auto pcr = quoted.find(kSecureBootPcr);
  if (pcr == quoted.end() || !equal(pcr->second, tpm::replay(log, kSecureBootPcr))) {
    return refused("event_log_mismatch", "the event log does not replay to the quoted PCR 7");
  }
  APM_CHECK_OK(check_secure_boot(log));
  APM_TRY(Signer signer, read_signer(log));
  if (!allowed_public.contains(signer.id) && is_public_signer(signer.subject, signer.issuer)) {
    return refused("signer_is_public",
                   concat("the boot image is signed under '", signer.subject,
                          "', a key that signs for everybody; sign it with a key of your own"));
  }
  return signer;
}

}  // namespace

const std::vector<unsigned>& identity_pcrs() {
  static const std::vector<unsigned> pcrs = {4, 7, 8, 9, 11, 12, 13, 14};
  return pcrs;
}

const std::vector<unsigned>& login_pcrs() {
  static const std::vector<unsigned> pcrs = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14};
  return pcrs;
}

Result<std::string> azure_vtpm_enclave_id(const tpm::PcrValues& pcrs, std::string_view family) {
  Bytes message = to_bytes(kEnclaveDomain);
  append(message, family);
  message.push_back(0);
  for (const unsigned index : identity_pcrs()) {
    const auto value = pcrs.find(index);
    if (value == pcrs.end() || value->second.size() != kSha256Size) {
      const bool boot_loader = index == 8 || index == 9;
      return refused(boot_loader ? "bootloader_pcrs_not_quoted" : "identity_pcr_missing",
                     concat("PCR ", index, " is part of the Enclave ID but was not quoted"));
    }
    append_u32_be(message, index);
    append_u32_be(message, kSha256Size);
    append(message, value->second);
  }
  return hex_encode(crypto::sha256(message));
}

SignerVerdict azure_vtpm_signer(ByteView event_log, const tpm::PcrValues& quoted,
                                const std::set<std::string>& allowed_public) {
  const Result<Signer> signer = find_signer(event_log, quoted, allowed_public);
  SignerVerdict verdict;
  if (signer.ok()) {
    verdict.signer_id = signer->id;
    verdict.common_name = signer->subject;
  } else {
    verdict.reason = signer.error().reason;
    verdict.message = signer.error().message;
  }
  return verdict;
}

bool is_public_signer(std::string_view subject_cn, std::string_view issuer_cn) {
  const std::string subject = to_lower(subject_cn);
  const std::string issuer = to_lower(issuer_cn);
  return std::any_of(std::begin(kPublicNames), std::end(kPublicNames), [&](std::string_view name) {
    return subject.starts_with(name) || issuer.starts_with(name);
  });
}

}  // namespace apm::attestation
