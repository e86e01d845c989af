// SGX and TDX quotes.

#include "attestation/sgx/result.h"
#include "attestation/tdx/ccel.h"
#include "attestation/tdx/result.h"
#include "base/text.h"
#include "cli/evidence/dcap_inputs.h"
#include "cli/evidence/judge.h"
#include "crypto/digest.h"

namespace apm::cli::evidence {
namespace {

namespace dcap = attestation::dcap;
using attestation::Appraisal;
using attestation::Stage;

// What the case expects; without it, what the quote says: a capture's challenge is not known.
Result<Bytes> report_data_of(const Case& c, ByteView quote) {
  if (c.has("report_data")) return c.bytes("report_data");
  if (c.has("report_data_preimage")) {
    APM_TRY(const Bytes preimage, c.bytes("report_data_preimage"));
    Bytes out = crypto::sha256(preimage);
    out.resize(64);
    return out;
  }
  const auto parsed = dcap::parse_quote(quote);
  return parsed.ok() ? dcap::report_data_of(*parsed) : Bytes(64);
}

// The TD's event log explains RTMR0 to RTMR2; software extends RTMR3 without telling this log.
Status judge_ccel(const Case& c, const attestation::tdx::TdReport& report, Appraisal& appraisal) {
  if (!c.has("ccel") || !appraisal.covers(Stage::kBinding)) return {};
  APM_TRY(const Bytes raw, c.bytes("ccel"));
  const auto log = attestation::tdx::parse_ccel(raw);
  APM_CHECK_OK(appraisal.require(log.ok() ? Status() : Status(log.error()), Stage::kFormat,
                                 "ccel_malformed"));
  return appraisal.require(attestation::tdx::check_ccel(*log, report, {0, 1, 2}), Stage::kBinding,
                           "ccel_mismatch");
}

}  // namespace

Result<Outcome> judge_dcap(const Case& c) {
  APM_TRY(const Bytes quote, c.bytes("quote"));
  APM_TRY(const dcap::Anchors anchors, intel_anchors(c));
  APM_TRY(const std::optional<dcap::Collateral> collateral, intel_collateral(c));
  APM_TRY(const Bytes report_data, report_data_of(c, quote));
  APM_TRY(const bool debug, c.flag("allow_debug"));
  const dcap::Expectation expected{&anchors, c.now_unix_s(), report_data};
  const dcap::Collateral* given = collateral ? &*collateral : nullptr;
  Outcome out{.appraisal = c.appraisal(), .status = {}, .unrooted = false, .result = {}};
  if (c.family() == "sgx") {
    attestation::sgx::Floor floor;
    floor.allow_debug = debug;
    const auto claims = attestation::sgx::verify(quote, given, expected, floor, out.appraisal);
    if (claims.ok()) out.result = attestation::sgx::result_of(*claims);
    out.status = claims.ok() ? Status() : Status(claims.error());
    return out;
  }
  attestation::tdx::Floor floor;
  floor.allow_debug = debug;
  const auto claims = attestation::tdx::verify(quote, given, expected, floor, out.appraisal);
  if (!claims.ok()) {
    out.status = claims.error();
    return out;
  }
  out.status = judge_ccel(c, claims->report, out.appraisal);
  auto result = attestation::tdx::result_of(*claims);
  if (result.ok()) out.result = std::move(*result);
  return out;
}

}  // namespace apm::cli::evidence
