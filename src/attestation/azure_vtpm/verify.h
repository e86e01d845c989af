#pragma once

// Evidence family "azure-snp-vtpm": SNP report -> runtime claims -> AK -> quote of PCRs and
// certification of the caller's key -> identity. Evidence, anchors and a time in; claims or a
// refusal with a reason out. Knows no network, no device and no clock. Any thread.
//
// Errors: kRefused; reasons of snp/verify.h, hcl_report.h, tpm/*.h, and evidence_too_large.

#include <set>
#include <string>
#include <vector>

#include "attestation/azure_vtpm/hcl_report.h"
#include "attestation/identity.h"
#include "attestation/snp/verify.h"
#include "attestation/tpm/attest.h"

namespace apm::attestation::azure_vtpm {

inline constexpr std::string_view kFamily = "azure-snp-vtpm";

struct AzureVtpmEvidence {
  Bytes hcl_report;
  std::string vcek_chain_pem;
  Bytes quote_attest;     // TPMS_ATTEST
  Bytes quote_signature;  // raw RSASSA
  tpm::PcrValues pcrs;
  Bytes key_public;  // TPMT_PUBLIC of the caller's key
  Bytes certify_attest;
  Bytes certify_signature;
  Bytes event_log;  // may be empty: then there is no signer
};

struct Expectation {
  Bytes binding;  // 32 bytes: extraData of quote and certification
  const snp::Anchors* anchors = nullptr;
  std::int64_t now_unix_s = 0;
  std::vector<unsigned> required_pcrs;           // ascending
  std::set<std::string> allowed_public_signers;  // signer ids accepted although public
  snp::Floor floor;
};

struct PlatformClaims {
  snp::Claims snp;
  RuntimeClaims runtime;
};

struct Claims {
  PlatformClaims platform;
  tpm::PcrValues pcrs;
  std::string enclave_id;
  SignerVerdict signer;
  crypto::PublicKey caller_key;
  json::Object facts;  // for policies and for people; public values only
};

// The hardware part alone: which machine, and which key is its vTPM's AK.
[[nodiscard]] Result<PlatformClaims> verify_platform(ByteView hcl_report,
                                                     std::string_view vcek_chain_pem,
                                                     const Expectation& expectation);
[[nodiscard]] Result<Claims> verify(const AzureVtpmEvidence& evidence,
                                    const Expectation& expectation);

}  // namespace apm::attestation::azure_vtpm
