#include "attestation/dcap/verify.h"

#include <algorithm>
#include <array>

#include "attestation/dcap/collateral_check.h"
#include "attestation/dcap/fields.h"
#include "attestation/dcap/tcb_rules.h"
#include "base/encoding.h"
#include "base/text.h"
#include "crypto/digest.h"

namespace apm::attestation::dcap {
namespace {

using crypto::Curve;
using crypto::Hash;
using crypto::PublicKey;

Rule signature_rule(std::string reason, const Status& outcome, std::string wanted) {
  return {Stage::kSignature, std::move(reason),
          outcome.ok() ? "it verifies" : outcome.error().message, std::move(wanted)};
}

// The QE's report is signed by the platform's PCK key.
Status check_qe_report(const Quote& quote, const PublicKey& pck, Appraisal& appraisal) {
  const Status outcome =
      pck.verify_ecdsa(Hash::kSha256, quote.qe_report_bytes, quote.qe_r, quote.qe_s);
  return appraisal.require(outcome.ok(), signature_rule("dcap_qe_report_signature", outcome,
                                                        "the QE report signed by the PCK key"));
}

// The QE vouches for the attestation key: REPORTDATA is the hash of the key and the QE
// authentication data, then zeros.
Status check_key_binding(const Quote& quote, Appraisal& appraisal) {
  Bytes wanted = crypto::digest(Hash::kSha256, {quote.key_x, quote.key_y, quote.qe_authentication});
  wanted.resize(quote.qe_report.report_data.size());
  return appraisal.require(
      equal(wanted, quote.qe_report.report_data),
      {Stage::kSignature, "dcap_attestation_key_unbound", hex_encode(quote.qe_report.report_data),
       concat("REPORTDATA of the QE report to be ", hex_encode(wanted))});
}

Status check_quote_signature(const Quote& quote, Appraisal& appraisal) {
  const auto key = PublicKey::from_ec_point(Curve::kP256, quote.key_x, quote.key_y);
  APM_CHECK_OK(appraisal.require(
      key.ok(), {Stage::kSignature, "dcap_attestation_key",
                 key.ok() ? "a point" : "no point of the curve", "an attestation key on P-256"}));
  const Status outcome = key->verify_ecdsa(Hash::kSha256, quote.signed_bytes, quote.r, quote.s);
  return appraisal.require(outcome.ok(),
                           signature_rule("dcap_quote_signature", outcome,
                                          "header and body signed by the attestation key"));
}

}  // namespace

Result<Quote> read_quote(ByteView raw, Tee tee, const Floor& floor, Appraisal& appraisal) {
  auto quote = parse_quote(raw);
  const Status parsed = quote.ok() ? Status() : Status(quote.error());
  const bool key_type = !quote.ok() && quote.error().reason == "dcap_key_type";
  APM_CHECK_OK(
      appraisal.require(parsed, key_type ? Stage::kAlgorithm : Stage::kFormat, "dcap_quote"));
  APM_CHECK_OK(appraisal.require(quote->tee == tee, {Stage::kFormat, "dcap_tee_type",
                                                     concat("a quote of ", tee_name(quote->tee)),
                                                     std::string(tee_name(tee))}));
  APM_CHECK_OK(appraisal.require(
      quote->certification_type == kCertificationPckChain,
      {Stage::kFormat, "dcap_certification_type",
       concat("certification data of type ", quote->certification_type),
       "type 5, the PCK certificate chain: configure the platform's quote provider for it"}));
  appraisal.expect(quote->trailing_zero || floor.allow_trailing_bytes,
                   {Stage::kFormat, "dcap_trailing_bytes",
                    concat(quote->trailing_bytes, " bytes behind the quote, ",
                           quote->trailing_zero ? "all zero" : "not all zero"),
                    "nothing but zero bytes there: they are signed by nobody"});
  return quote;
}

Result<Evidence> verify_signatures(Quote quote, const Expectation& expectation,
                                   Appraisal& appraisal) {
  Evidence evidence{.quote = std::move(quote), .pck = {}, .chain = {}, .tcb = {}};
  if (!appraisal.covers(Stage::kChain)) return evidence;
  APM_TRY(evidence.chain, trust_chain({.prefix = "dcap",
                                       .pem = as_text(evidence.quote.certification_data),
                                       .kind = ChainKind::kPck,
                                       .anchors = expectation.anchors,
                                       .now_unix_s = expectation.now_unix_s},
                                      appraisal));
  auto pck = read_pck(evidence.chain->leaf);
  APM_CHECK_OK(appraisal.require(pck.ok() ? Status() : Status(pck.error()), Stage::kChain,
                                 "dcap_pck_extension"));
  evidence.pck = std::move(*pck);
  if (!appraisal.covers(Stage::kSignature)) return evidence;
  APM_TRY(const PublicKey key, evidence.chain->leaf.public_key());
  APM_CHECK_OK(check_qe_report(evidence.quote, key, appraisal));
  APM_CHECK_OK(check_key_binding(evidence.quote, appraisal));
  APM_CHECK_OK(check_quote_signature(evidence.quote, appraisal));
  return evidence;
}

void expect_platform(const Evidence& evidence, const Expectation& expectation, const Floor& floor,
                     Appraisal& appraisal) {
  if (appraisal.covers(Stage::kFreshness)) {
    const Bytes have = report_data_of(evidence.quote);
    appraisal.expect(equal(have, expectation.report_data),
                     {Stage::kFreshness, "dcap_report_data", hex_encode(have),
                      concat("REPORTDATA ", hex_encode(expectation.report_data))});
  }
  if (!appraisal.covers(Stage::kPolicy) || !evidence.pck) return;
  const Pck& pck = *evidence.pck;
  expect_listed(appraisal, floor.fmspc, hex_encode(pck.fmspc), "dcap_fmspc_refused");
  expect_listed(appraisal, floor.ppid, hex_encode(pck.ppid), "dcap_ppid_refused");
  expect_listed(appraisal, floor.platform_instance,
                pck.platform_instance ? hex_encode(*pck.platform_instance) : "",
                "dcap_platform_instance_refused");
}

Status verify_tcb(Evidence& evidence, const Collateral* collateral, const TdxTcb* tdx,
                  const Expectation& expectation, const Floor& floor, Appraisal& appraisal) {
  if (!evidence.pck) return {};
  const Collateral none;
  APM_TRY(const CheckedCollateral checked,
          check_collateral(collateral == nullptr ? none : *collateral, evidence, expectation,
                           appraisal));
  if (!appraisal.covers(Stage::kTcb)) return {};
  appraisal.expect(checked.missing.empty(),
                   {Stage::kTcb, "dcap_collateral_missing",
                    checked.missing.empty() ? "all of it" : concat("no ", checked.missing),
                    "TCB info, QE identity and both revocation lists; fetch them from Intel's "
                    "service or a cache of it"});
  if (!checked.tcb_info || !checked.qe_identity) return {};
  evidence.evaluation_number = std::min(checked.tcb_info->header.evaluation_number,
                                        checked.qe_identity->header.evaluation_number);
  const TcbInput input{&*checked.tcb_info, &*checked.qe_identity, &*evidence.pck,
                       &evidence.quote.qe_report, tdx};
  evidence.tcb = evaluate_tcb(input);
  return apply_tcb_rules(input, *evidence.tcb, floor, appraisal);
}

bool is_choice(std::string_view reason) {
  constexpr std::array kChoices{TcbStatus::kSwHardeningNeeded, TcbStatus::kConfigurationNeeded,
                                TcbStatus::kConfigurationAndSwHardeningNeeded};
  return reason == "dcap_trailing_bytes" ||
         std::any_of(kChoices.begin(), kChoices.end(),
                     [&](TcbStatus status) { return tcb_status_reason(status) == reason; });
}

}  // namespace apm::attestation::dcap
