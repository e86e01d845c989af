#include "cli/evidence/tpm_inputs.h"

#include "attestation/limits.h"
#include "base/text.h"

namespace apm::cli::evidence {
namespace {

namespace tpm = attestation::tpm;
using attestation::Stage;

struct Bank {
  std::uint16_t algorithm;  // TPM_ALG_ID
  std::size_t width;
};
constexpr Bank kBanks[] = {{tpm::kAlgSha256, 32}, {tpm::kAlgSha384, 48}, {tpm::kAlgSha1, 20}};

}  // namespace

Result<Pcrs> pcr_values(const Case& c) {
  Pcrs out;
  APM_TRY(const std::optional<Bytes> raw, c.optional_bytes("pcrs"));
  if (!raw) return out;
  for (const Bank& bank : kBanks) {
    if (raw->size() != bank.width * attestation::kPcrCount) continue;
    out.bank = bank.algorithm;
    for (unsigned i = 0; i < attestation::kPcrCount; ++i) {
      out.values[i] = to_bytes(ByteView(*raw).subspan(i * bank.width, bank.width));
    }
    return out;
  }
  return Error(Code::kInvalidArgument, "case_input",
               concat("input pcrs must hold ", attestation::kPcrCount,
                      " values of one bank: 32 bytes each for SHA-256, 48 for SHA-384"));
}

std::vector<unsigned> all_pcrs() {
  std::vector<unsigned> out;
  out.reserve(attestation::kPcrCount);
  for (unsigned i = 0; i < attestation::kPcrCount; ++i) out.push_back(i);
  return out;
}

Result<Bytes> quote_signature(const Case& c, attestation::Appraisal& appraisal) {
  if (!c.has("tpm_sig_tpmt")) return c.bytes(c.has("tpm_sig_raw") ? "tpm_sig_raw" : "tpm_sig");
  APM_TRY(const Bytes framed, c.bytes("tpm_sig_tpmt"));
  auto raw = tpm::rsassa_from_tpmt(framed);
  APM_CHECK_OK(appraisal.require(raw.ok() ? Status() : Status(raw.error()), Stage::kFormat,
                                 "tpm_signature_format"));
  return raw;
}

Status judge_event_log(const Case& c, const tpm::PcrValues& pcrs,
                       attestation::Appraisal& appraisal) {
  if (!c.has("eventlog") || !appraisal.covers(Stage::kBinding)) return {};
  APM_TRY(const Bytes raw, c.bytes("eventlog"));
  const auto log = tpm::parse_event_log(raw);
  APM_CHECK_OK(appraisal.require(log.ok() ? Status() : Status(log.error()), Stage::kFormat,
                                 "event_log_malformed"));
  return tpm::require_replay(*log, pcrs, {0, 1, 2, 3, 4, 5, 6, 7}, appraisal);
}

}  // namespace apm::cli::evidence
