#include "endorsements/amd.h"

#include <algorithm>

#include "attestation/limits.h"
#include "base/encoding.h"
#include "base/json.h"
#include "base/text.h"
#include "crypto/crl.h"
#include "crypto/x509.h"
#include "endorsements/limits.h"

namespace apm::endorsements {
namespace {

namespace snp = attestation::snp;
using snp::Product;

constexpr std::size_t kTurinHardwareIdSize = 8;
constexpr unsigned kSignedByVcek = 0, kSignedByVlek = 1;

Error refused(std::string reason, std::string message) {
  return Error(Code::kRefused, std::move(reason), std::move(message));
}

// Two digits at least, as AMD writes patch levels.
std::string level(unsigned number) { return concat(number < 10 ? "0" : "", number); }

Result<VcekQuery> query_for(const snp::Report& report, Product product) {
  const auto tcb = snp::decode_tcb(report.reported_tcb, product);
  if (!tcb) {
    return refused("endorsement_product_unknown",
                   concat("REPORTED_TCB is not one of ", snp::product_name(product)));
  }
  VcekQuery out{product, {report.chip_id.begin(), report.chip_id.end()}, *tcb};
  if (product == Product::kTurin) out.hardware_id.resize(kTurinHardwareIdSize);
  return out;
}

Result<Document> read_certificate(std::string_view what, std::string body, ByteView der,
                                  std::int64_t now_s) {
  const auto certificate = crypto::Certificate::from_der(der);
  if (!certificate.ok()) return malformed(what, "it is not a certificate in DER");
  if (certificate->subject_common_name() != "SEV-VCEK") {
    return malformed(what, "the certificate is not a VCEK's");
  }
  return dated(std::move(body), {certificate->not_before_s(), certificate->not_after_s()}, now_s,
               what);
}

}  // namespace

Result<std::vector<VcekQuery>> vcek_queries(const snp::Report& report) {
  if (report.key_info.signing_key() == kSignedByVlek) {
    return refused(
        "endorsement_vlek",
        "the report is signed by a VLEK, which AMD gives to its cloud alone: it must come "
        "with the evidence (the host's certificate table)");
  }
  if (report.key_info.signing_key() != kSignedByVcek) {
    return refused("endorsement_product_unknown", "the report is signed by neither VCEK nor VLEK");
  }
  if (report.chip_id_masked()) {
    return refused(
        "endorsement_chip_masked",
        "the report hides its chip id, so that nobody can ask for its VCEK: it must come "
        "with the evidence, or the host stops masking it (MASK_CHIP_ID)");
  }
  std::vector<Product> products = {Product::kMilan, Product::kGenoa};
  if (report.cpuid) {
    const auto product = snp::product_of(*report.cpuid);
    if (!product) {
      return refused("endorsement_product_unknown", "the report's CPU is of no product known here");
    }
    products = {*product};
  }
  std::vector<VcekQuery> out;
  for (const Product product : products) {
    APM_TRY(VcekQuery query, query_for(report, product));
    out.push_back(std::move(query));
  }
  return out;
}

std::string vcek_target(const VcekQuery& query) {
  const std::string fmc =
      query.product == Product::kTurin ? concat("fmcSPL=", level(query.tcb.fmc), "&") : "";
  return concat("/vcek/v1/", snp::product_name(query.product), "/", hex_encode(query.hardware_id),
                "?", fmc, "blSPL=", level(query.tcb.bootloader), "&teeSPL=", level(query.tcb.tee),
                "&snpSPL=", level(query.tcb.snp), "&ucodeSPL=", level(query.tcb.microcode));
}

std::string crl_target(Product product) {
  return concat("/vcek/v1/", snp::product_name(product), "/crl");
}

Result<Document> read_vcek(std::string body, std::int64_t now_s) {
  const Bytes der = to_bytes(body);
  return read_certificate("AMD KDS: VCEK", std::move(body), der, now_s);
}

Result<Document> read_amd_crl(std::string body, std::int64_t now_s) {
  constexpr std::string_view kWhat = "AMD KDS: revocation list";
  const auto crl = crypto::Crl::from_der(as_bytes(body));
  if (!crl.ok()) return malformed(kWhat, crl.error().message);
  return dated(std::move(body), {crl->this_update_s(), crl->next_update_s()}, now_s, kWhat);
}

Result<Document> read_thim(std::string body, std::int64_t now_s) {
  constexpr std::string_view kWhat = "IMDS: this machine's VCEK (THIM)";
  json::Limits limits;
  limits.bytes_max = kThimBytesMax;
  const auto answer = json::parse(body, limits);
  const std::string* pem = answer.ok() ? answer->string_at("vcekCert") : nullptr;
  if (pem == nullptr || answer->string_at("certificateChain") == nullptr) {
    return malformed(kWhat, "it is not JSON with vcekCert and certificateChain");
  }
  const auto certificate = crypto::Certificate::from_pem(*pem);
  if (!certificate.ok()) return malformed(kWhat, "vcekCert is not a certificate in PEM");
  const std::string* asked = answer->string_at("cacheControl");
  const auto refresh = asked == nullptr ? std::nullopt : parse_u64(*asked);
  APM_TRY(Document out, read_certificate(kWhat, std::move(body), certificate->der(), now_s));
  if (refresh && *refresh < static_cast<std::uint64_t>(kRefreshS)) {
    out.refresh_at_s = std::min(out.refresh_at_s, now_s + static_cast<std::int64_t>(*refresh));
  }
  return out;
}

}  // namespace apm::endorsements
