#include "endorsements/intel.h"

#include "attestation/dcap/collateral.h"
#include "attestation/dcap/pck.h"
#include "attestation/dcap/pem_chain.h"
#include "attestation/dcap/tcb_documents.h"
#include "base/encoding.h"
#include "base/text.h"
#include "crypto/crl.h"

namespace apm::endorsements {
namespace {

namespace dcap = attestation::dcap;

constexpr const char* kPckExtension = "1.2.840.113741.1.13.1";
constexpr const char* kTcbInfoChainHeader = "tcb-info-issuer-chain";
constexpr const char* kQeIdentityChainHeader = "sgx-enclave-identity-issuer-chain";
constexpr std::string_view kTcbInfo = "Intel PCS: TCB info";
constexpr std::string_view kQeIdentity = "Intel PCS: QE identity";

std::string api(dcap::Tee tee) {
  return concat(tee == dcap::Tee::kTdx ? "/tdx" : "/sgx", "/certification/v4");
}

Result<std::string> issuer_chain(const net::Response& answer, const char* header,
                                 std::string_view what) {
  const std::string* encoded = answer.header(header);
  if (encoded == nullptr) return malformed(what, concat("the answer has no header ", header));
  auto pem = percent_decode(*encoded);
  if (!pem.ok()) return malformed(what, pem.error().message);
  if (!dcap::read_pem_chain(*pem).ok()) {
    return malformed(what, concat("header ", header, " is not a certificate chain"));
  }
  return pem;
}

Result<Document> with_chain(Result<Document> document, std::string chain) {
  if (document.ok()) document->issuer_chain_pem = std::move(chain);
  return document;
}

}  // namespace

Result<IntelQuery> intel_query(const dcap::Quote& quote) {
  const Error none(
      Code::kRefused, "endorsement_no_pck",
      "the quote does not carry its PCK certificate (certification type 5), so that it "
      "cannot be told what to ask Intel for. Set the machine's quoting up with a PCCS");
  if (quote.certification_type != dcap::kCertificationPckChain) return none;
  APM_TRY(const auto chain, dcap::read_pem_chain(as_text(quote.certification_data)));
  for (const crypto::Certificate& certificate : chain) {
    if (!certificate.extension(kPckExtension)) continue;
    APM_TRY(const dcap::Pck pck, dcap::read_pck(certificate));
    const bool processor =
        certificate.issuer_common_name().find("Processor CA") != std::string::npos;
    return IntelQuery{quote.tee, pck.fmspc, processor ? PckCa::kProcessor : PckCa::kPlatform};
  }
  return none;
}

std::string tcb_info_target(const IntelQuery& query) {
  return concat(api(query.tee), "/tcb?fmspc=", hex_encode(query.fmspc));
}

std::string qe_identity_target(const IntelQuery& query) {
  return concat(api(query.tee), "/qe/identity");
}

std::string pck_crl_target(PckCa ca) {
  return concat(api(dcap::Tee::kSgx),
                "/pckcrl?ca=", ca == PckCa::kProcessor ? "processor" : "platform", "&encoding=der");
}

Result<Document> read_tcb_info(const net::Response& answer, std::int64_t now_s) {
  APM_TRY(std::string chain, issuer_chain(answer, kTcbInfoChainHeader, kTcbInfo));
  dcap::CollateralFiles files;
  files.tcb_info = answer.body;
  const auto collateral = dcap::collateral_from_files(files);
  if (!collateral.ok()) return malformed(kTcbInfo, collateral.error().message);
  const auto info = dcap::parse_tcb_info(collateral->tcb_info.body);
  if (!info.ok()) return malformed(kTcbInfo, info.error().message);
  return with_chain(
      dated(answer.body, {info->header.issue_date_s, info->header.next_update_s}, now_s, kTcbInfo),
      std::move(chain));
}

Result<Document> read_qe_identity(const net::Response& answer, std::int64_t now_s) {
  APM_TRY(std::string chain, issuer_chain(answer, kQeIdentityChainHeader, kQeIdentity));
  dcap::CollateralFiles files;
  files.qe_identity = answer.body;
  const auto collateral = dcap::collateral_from_files(files);
  if (!collateral.ok()) return malformed(kQeIdentity, collateral.error().message);
  const auto identity = dcap::parse_qe_identity(collateral->qe_identity.body);
  if (!identity.ok()) return malformed(kQeIdentity, identity.error().message);
  return with_chain(
      dated(answer.body, {identity->header.issue_date_s, identity->header.next_update_s}, now_s,
            kQeIdentity),
      std::move(chain));
}

Result<Document> read_intel_crl(std::string body, std::int64_t now_s, std::string_view what) {
  if (auto hex = hex_decode(trim(body)); hex.ok() && !hex->empty()) body = as_text(*hex);
  const auto crl = crypto::Crl::from_der(as_bytes(body));
  if (!crl.ok()) return malformed(what, crl.error().message);
  return dated(std::move(body), {crl->this_update_s(), crl->next_update_s()}, now_s, what);
}

Result<std::string> percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const auto byte = hex_decode(text.substr(i + 1, 2));
    if (!byte.ok() || byte->size() != 1) {
      return Error(Code::kInvalidArgument, "percent_encoding",
                   "a percent sign without two hexadecimal digits behind it");
    }
    out += static_cast<char>(byte->front());
    i += 2;
  }
  return out;
}

}  // namespace apm::endorsements
