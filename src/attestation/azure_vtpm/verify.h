#pragma once

// Evidence families "azure-snp-vtpm" and "azure-tdx-vtpm": hardware report -> runtime claims -> AK
// -> quote of PCRs and certification of the caller's key -> identity. Evidence, anchors and a time
// in; claims or a refusal with a reason out. Every rule is recorded in the caller's appraisal.
// Knows no network, no device and no clock. Any thread.
//
// The AK is rooted in the hardware report alone: the certificate that Azure issues for it is
// another, Azure-operated root and is not looked at. The launch measurement names Microsoft's
// paravisor; what the guest is stands in the PCRs.
//
// Errors: kRefused; reasons of snp/verify.h, hcl_report.h, tpm/*.h, identity.h, and
//   evidence_too_large
//   azure_tdx_unsupported      a TDX machine where no verifier of TD quotes is given
//   azure_td_quote_missing, azure_td_report_data
//   runtime_claims_user_data, azure_secure_boot_off, azure_vm_not_allowed, tpm_pcr_not_allowed

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "attestation/azure_vtpm/hcl_report.h"
#include "attestation/claims.h"
#include "attestation/identity.h"
#include "attestation/snp/verify.h"
#include "attestation/tpm/attest.h"

namespace apm::attestation::azure_vtpm {

inline constexpr std::string_view kFamily = "azure-snp-vtpm";
inline constexpr std::string_view kTdxFamily = "azure-tdx-vtpm";

// The hardware's part of the evidence.
struct PlatformEvidence {
  Bytes hcl_report;
  snp::Endorsements endorsements;  // of an SNP machine
  Bytes crl;                       // AMD's list; may be empty
  Bytes td_quote;                  // of a TDX machine
};

struct QuoteEvidence {
  Bytes attest;     // TPMS_ATTEST
  Bytes signature;  // raw RSASSA
  tpm::PcrValues pcrs;
};

struct AzureVtpmEvidence {
  PlatformEvidence platform;
  QuoteEvidence quote;
  Bytes key_public;  // TPMT_PUBLIC of the caller's key
  Bytes certify_attest;
  Bytes certify_signature;
  Bytes event_log;  // may be empty: then there is no signer
};

// What a verifier of TD quotes says. It records its rules in the appraisal; policy rules that fail
// stay there, as in snp::appraise.
struct TdVerdict {
  Bytes report_data;  // of the quote's body, 64 bytes
  std::string trust_anchor;
  bool vendor_anchor = false;
  bool debug = false;
  json::Object eat;  // top-level claims (oemid, hwmodel, ...)
  json::Object tdx;  // the object "tdx"
};
using TdQuoteVerifier = std::function<Result<TdVerdict>(ByteView td_quote, Appraisal& appraisal)>;

// What a relying party asks of the machine beyond its hardware. Empty asks for nothing.
struct GuestFloor {
  bool require_secure_boot = false;      // the paravisor's word; the event log proves more
  std::set<std::string> allowed_vm_ids;  // vmUniqueId, lower case
  std::map<unsigned, std::set<std::string>> allowed_pcrs;  // PCR -> values, lower-case hex
};

struct Expectation {
  Bytes binding;  // extraData of quote and certification
  const snp::Anchors* anchors = nullptr;
  std::int64_t now_unix_s = 0;
  std::vector<unsigned> required_pcrs;           // ascending
  std::set<std::string> allowed_public_signers;  // signer ids accepted although public
  std::optional<Bytes> user_data;                // at most 64 bytes; zeros fill the rest
  bool require_crl = false;
  snp::Floor floor;
  GuestFloor guest;
  TdQuoteVerifier verify_td_quote;  // null: TDX machines are refused
};

struct PlatformClaims {
  Hardware hardware = Hardware::kSnp;
  std::optional<snp::Claims> snp;
  std::optional<TdVerdict> tdx;
  HclReport hcl;
  RuntimeClaims runtime;
};

struct Claims {
  PlatformClaims platform;
  tpm::Attest quote;
  tpm::PcrValues pcrs;
  std::optional<crypto::PublicKey> caller_key;  // certified; only of a login
  EvidenceResult result;
};

// A login: all of the evidence, to the verdict.
[[nodiscard]] Result<Claims> verify(const AzureVtpmEvidence& evidence,
                                    const Expectation& expectation, Appraisal& appraisal);

// Everything about the login of an SNP machine that needs no certificate of its hardware: as
// snp::check_unproved, it proves nothing and gives no claims. A stored quote has no caller's key.
[[nodiscard]] Status check_unproved(const AzureVtpmEvidence& evidence,
                                    const Expectation& expectation, Appraisal& appraisal);

// A stored quote: no caller's key, and any event log is optional.
struct QuotedPlatform {
  PlatformEvidence platform;
  QuoteEvidence quote;
  Bytes event_log;
};
[[nodiscard]] Result<Claims> verify_quoted(const QuotedPlatform& evidence,
                                           const Expectation& expectation, Appraisal& appraisal);

// The hardware part alone: which machine, and which key is its vTPM's AK. Policy rules that fail
// stay in the appraisal.
[[nodiscard]] Result<PlatformClaims> appraise_platform(const PlatformEvidence& evidence,
                                                       const Expectation& expectation,
                                                       Appraisal& appraisal);

// For captures without any certificate: that the runtime claims are those of the blob's hardware
// report, which nobody has proved. Never an acceptance; `hardware`, `hcl` and `runtime` are filled.
[[nodiscard]] Result<PlatformClaims> appraise_unrooted(ByteView hcl_report, Appraisal& appraisal);

// The quote under the AK of runtime claims.
[[nodiscard]] Result<tpm::Attest> appraise_quote(const QuoteEvidence& quote,
                                                 const RuntimeClaims& runtime,
                                                 const Expectation& expectation,
                                                 Appraisal& appraisal);

}  // namespace apm::attestation::azure_vtpm
