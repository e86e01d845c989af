#include "attestation/snp/verify.h"

#include "base/encoding.h"
#include "base/text.h"

namespace apm::attestation::snp {
namespace {

constexpr unsigned kSigningKeyVcek = 0;
constexpr unsigned kSigningKeyVlek = 1;

Result<KeyKind> signing_key(const Report& report, Appraisal& appraisal) {
  const unsigned number = report.key_info.signing_key();
  APM_CHECK_OK(appraisal.require(number == kSigningKeyVcek || number == kSigningKeyVlek,
                                 {Stage::kAlgorithm, "snp_signing_key",
                                  concat("SIGNING_KEY ", number), "0 (VCEK) or 1 (VLEK)"}));
  return number == kSigningKeyVlek ? KeyKind::kVlek : KeyKind::kVcek;
}

// Version 2 names no CPU: then the certificate alone says which product it is.
Status check_cpu(const Report& report, const Vek& vek, Appraisal& appraisal) {
  if (!report.cpuid) return {};
  const std::string cpu =
      concat("CPU family ", unsigned{report.cpuid->family}, " model ",
             unsigned{report.cpuid->model}, " stepping ", unsigned{report.cpuid->stepping});
  const std::optional<Product> product = product_of(*report.cpuid);
  APM_CHECK_OK(appraisal.require(
      product.has_value(),
      {Stage::kChain, "snp_product_unknown", cpu, "a CPU of Milan, of Genoa's line or of Turin"}));
  return appraisal.require(
      *product == vek.product,
      {Stage::kChain, "snp_product_mismatch", concat(cpu, ": ", product_name(*product)),
       concat(product_name(vek.product), ", by the certificate")});
}

Status check_signature(const Report& report, const Vek& vek, Appraisal& appraisal) {
  const bool good =
      vek.key.verify_ecdsa(crypto::Hash::kSha384, report.signed_bytes, report.r, report.s).ok();
  return appraisal.require(
      good,
      {Stage::kSignature, "snp_signature_invalid",
       good ? "a signature that verifies" : "a signature that does not verify",
       concat("the report's signature under the ", key_kind_name(vek.kind), " that came with it")});
}

Result<Tcb> bind_tcb(const Report& report, const Vek& vek, Appraisal& appraisal) {
  const std::optional<Tcb> reported = decode_tcb(report.reported_tcb, vek.product);
  APM_CHECK_OK(appraisal.require(
      reported && *reported == vek.tcb,
      {Stage::kBinding, "snp_tcb_mismatch",
       concat("REPORTED_TCB ", hex_encode(report.reported_tcb)),
       concat("the TCB that the ", key_kind_name(vek.kind), " was made for: ", to_text(vek.tcb))}));
  return *reported;
}

// A VLEK has no chip: what the report says of one is the firmware's word, and bound to nothing.
Status bind_chip(const Report& report, const Vek& vek, Appraisal& appraisal) {
  if (vek.kind == KeyKind::kVlek) return {};
  APM_CHECK_OK(appraisal.require(!report.chip_id_masked(),
                                 {Stage::kBinding, "snp_chip_id_masked",
                                  report.chip_id_masked() ? "a hidden CHIP_ID" : "a CHIP_ID",
                                  "one that ties the report to the VCEK's chip"}));
  const std::size_t size = vek.product == Product::kTurin ? 8 : 64;
  const bool whole = vek.hardware_id.size() == size;
  Bytes wanted = vek.hardware_id;
  wanted.resize(report.chip_id.size(), 0);
  return appraisal.require(
      whole && equal(wanted, report.chip_id),
      {Stage::kBinding, "snp_chip_mismatch", concat("CHIP_ID ", hex_encode(report.chip_id)),
       concat("the VCEK's hardware id ", hex_encode(vek.hardware_id))});
}

Status check_report_data(const Report& report, const Expectation& expected, Appraisal& appraisal) {
  return appraisal.require(equal(report.report_data, expected.report_data),
                           {expected.report_data_stage, "snp_report_data",
                            concat("REPORT_DATA ", hex_encode(report.report_data)),
                            concat("the expected value ", hex_encode(expected.report_data))});
}

Result<Claims> signed_claims(Report report, const Vek& vek, Appraisal& appraisal) {
  APM_CHECK_OK(check_cpu(report, vek, appraisal));
  Claims claims;
  claims.key_kind = vek.kind;
  claims.product = vek.product;
  claims.csp_id = vek.csp_id;
  claims.anchor = vek.anchor;
  claims.vendor_anchor = vek.vendor_anchor;
  claims.reported = vek.tcb;
  if (appraisal.covers(Stage::kSignature)) {
    APM_CHECK_OK(check_signature(report, vek, appraisal));
  }
  if (appraisal.covers(Stage::kBinding)) {
    APM_TRY(claims.reported, bind_tcb(report, vek, appraisal));
    APM_CHECK_OK(bind_chip(report, vek, appraisal));
  }
  claims.report = std::move(report);
  return claims;
}

}  // namespace

Result<Claims> appraise(const Evidence& evidence, const Expectation& expectation,
                        Appraisal& appraisal) {
  APM_TRY(Report report, parse_report(evidence.report, appraisal));
  APM_TRY(const KeyKind kind, signing_key(report, appraisal));
  if (!appraisal.covers(Stage::kChain)) {
    Claims unproved;
    unproved.report = std::move(report);
    return unproved;
  }
  APM_TRY(const Vek vek, verify_vek(evidence.endorsements, kind,
                                    {expectation.anchors, expectation.now_unix_s, evidence.crl,
                                     expectation.require_crl},
                                    appraisal));
  APM_TRY(Claims claims, signed_claims(std::move(report), vek, appraisal));
  if (appraisal.covers(expectation.report_data_stage)) {
    APM_CHECK_OK(check_report_data(claims.report, expectation, appraisal));
  }
  if (appraisal.covers(Stage::kPolicy)) {
    check_floor({claims.report, claims.product, kind == KeyKind::kVlek}, expectation.floor,
                appraisal);
  }
  return claims;
}

Result<Claims> verify(const Evidence& evidence, const Expectation& expectation,
                      Appraisal& appraisal) {
  APM_TRY(Claims claims, appraise(evidence, expectation, appraisal));
  APM_CHECK_OK(appraisal.verdict());
  return claims;
}

Status check_unproved(ByteView raw, const Expectation& expectation, Appraisal& appraisal) {
  APM_TRY(const Report report, parse_report(raw, appraisal));
  APM_TRY(const KeyKind kind, signing_key(report, appraisal));
  // Version 2 names no CPU, and was never of Turin, whose levels alone are laid out otherwise.
  const Product product =
      report.cpuid ? product_of(*report.cpuid).value_or(Product::kMilan) : Product::kMilan;
  APM_CHECK_OK(check_report_data(report, expectation, appraisal));
  check_floor({report, product, kind == KeyKind::kVlek}, expectation.floor, appraisal);
  return appraisal.verdict();
}

}  // namespace apm::attestation::snp
