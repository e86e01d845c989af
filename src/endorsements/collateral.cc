#include "endorsements/collateral.h"

#include <algorithm>

#include "attestation/appraisal.h"
#include "attestation/limits.h"
#include "base/text.h"
#include "endorsements/amd.h"
#include "endorsements/intel.h"
#include "endorsements/maa.h"

namespace apm::endorsements {
namespace {

namespace snp = attestation::snp;
namespace dcap = attestation::dcap;

// For documents whose answer matters by its body alone.
template <class F>
auto body_reader(F read) {
  return
      [read](const net::Response& answer, std::int64_t now_s) { return read(answer.body, now_s); };
}

}  // namespace

Collector::Collector(Sources sources, std::unique_ptr<Fetcher> fetcher, const Clock& clock,
                     CacheLimits limits)
    : sources_(std::move(sources)),
      fetcher_(std::move(fetcher)),
      clock_(clock),
      cache_(clock, limits) {}

Result<SharedDocument> Collector::get(const Wanted& wanted, const Deadline& deadline) {
  const auto fetch = [&](const Deadline& until) -> Result<Document> {
    APM_TRY(const net::Response answer, fetch_ok(*fetcher_, wanted.ask, until));
    return wanted.read(answer, clock_.unix_s());
  };
  return cache_.get(concat(wanted.source, " ", wanted.ask.url), fetch, deadline, wanted.terms);
}

Result<Bytes> Collector::amd_crl(snp::Product product, const Deadline& deadline) {
  const Ask ask{sources_.amd_kds + crl_target(product),
                concat("AMD KDS: revocation list of ", snp::product_name(product)),
                attestation::kCrlBytesMax};
  APM_TRY(const SharedDocument crl, get({"amd", ask, body_reader(read_amd_crl), {}}, deadline));
  return to_bytes(crl->body);
}

Result<SnpCollateral> Collector::for_snp_report(ByteView report, const Deadline& deadline,
                                                const std::string& asker) {
  attestation::Appraisal appraisal;
  APM_TRY(const snp::Report parsed, snp::parse_report(report, appraisal));
  APM_TRY(const std::vector<VcekQuery> queries, vcek_queries(parsed));
  for (const VcekQuery& query : queries) {
    const Ask ask{sources_.amd_kds + vcek_target(query),
                  concat("AMD KDS: VCEK of ", snp::product_name(query.product)),
                  kCertificateBytesMax};
    const auto vcek = get({"amd", ask, body_reader(read_vcek), {0, asker}}, deadline);
    const bool next =
        !vcek.ok() && vcek.error().reason == "endorsement_not_found" && &query != &queries.back();
    if (next) continue;
    APM_CHECK_OK(vcek);
    APM_TRY(Bytes crl, amd_crl(query.product, deadline));
    return SnpCollateral{to_bytes((*vcek)->body), std::move(crl)};
  }
  return Error(Code::kInternal, "endorsement_product_unknown", "no product was tried");
}

Result<dcap::CollateralFiles> Collector::for_quote(ByteView quote, const Deadline& deadline) {
  constexpr std::string_view kPckCrl = "Intel PCS: revocation list of the PCK's CA";
  constexpr std::string_view kRootCrl = "Intel: revocation list of the root";
  APM_TRY(const dcap::Quote parsed, dcap::parse_quote(quote));
  APM_TRY(const IntelQuery query, intel_query(parsed));
  const std::string& pcs = sources_.intel_pcs;
  const auto ask = [](std::string url, std::string_view what, std::size_t bytes_max) {
    return Ask{std::move(url), std::string(what), bytes_max};
  };
  const auto crl_reader = [](std::string_view what) {
    return body_reader([what](const std::string& body, std::int64_t now_s) {
      return read_intel_crl(body, now_s, what);
    });
  };
  constexpr std::size_t kDocumentMax = attestation::kTcbDocumentBytesMax;
  constexpr std::size_t kListMax = 2 * attestation::kCrlBytesMax;  // a mirror's is hexadecimal
  APM_TRY(const SharedDocument tcb,
          get({"intel",
               ask(pcs + tcb_info_target(query), "Intel PCS: TCB info", kDocumentMax),
               read_tcb_info,
               {}},
              deadline));
  APM_TRY(const SharedDocument qe,
          get({"intel",
               ask(pcs + qe_identity_target(query), "Intel PCS: QE identity", kDocumentMax),
               read_qe_identity,
               {}},
              deadline));
  APM_TRY(const SharedDocument pck, get({"intel",
                                         ask(pcs + pck_crl_target(query.ca), kPckCrl, kListMax),
                                         crl_reader(kPckCrl),
                                         {}},
                                        deadline));
  APM_TRY(const SharedDocument root,
          get({"intel", ask(sources_.intel_root_crl, kRootCrl, kListMax), crl_reader(kRootCrl), {}},
              deadline));
  return dcap::CollateralFiles{.tcb_info = tcb->body,
                               .tcb_info_chain_pem = tcb->issuer_chain_pem,
                               .qe_identity = qe->body,
                               .qe_identity_chain_pem = qe->issuer_chain_pem,
                               .pck_crl = to_bytes(pck->body),
                               .root_crl = to_bytes(root->body)};
}

Result<SharedDocument> Collector::keys_of(const std::string& issuer, std::int64_t not_before_s,
                                          const Deadline& deadline) {
  const Ask ask{issuer + "/certs", concat("MAA: signing keys of ", issuer),
                attestation::kMaaJwksBytesMax};
  return get({"maa", ask, body_reader(read_jwks), {not_before_s, ""}}, deadline);
}

Result<std::string> Collector::maa_keys(const std::string& issuer, const std::string& kid,
                                        const Deadline& deadline) {
  const auto& named = sources_.maa_issuers;
  if (std::find(named.begin(), named.end(), issuer) == named.end()) {
    return Error(Code::kRefused, "endorsement_issuer_not_named",
                 "the token's issuer is not one that the configuration names (maa_issuers)");
  }
  APM_TRY(SharedDocument keys, keys_of(issuer, 0, deadline));
  if (!names_key(keys->body, kid)) {
    APM_TRY(keys, keys_of(issuer, clock_.unix_s() - kJwksAgeForNewKeyS, deadline));
  }
  return keys->body;
}

Result<std::string> Collector::thim(const Deadline& deadline) {
  const Ask ask{sources_.imds + "/metadata/THIM/amd/certification",
                "IMDS: this machine's VCEK (THIM)", kThimBytesMax};
  APM_TRY(const SharedDocument answer, get({"thim", ask, body_reader(read_thim), {}}, deadline));
  return answer->body;
}

}  // namespace apm::endorsements
