#include "attestation/snp/anchors.h"

#include "attestation/named_anchor.h"
#include "attestation/snp/amd_roots.h"
#include "base/text.h"

namespace apm::attestation::snp {

namespace {

Status add_intermediate(crypto::Certificate certificate, Anchor& anchor) {
  const std::string subject = certificate.subject_common_name();
  const bool asvk = subject.starts_with("SEV-VLEK-");
  std::optional<crypto::Certificate>& place = asvk ? anchor.asvk : anchor.ask;
  if (!subject.starts_with("SEV-") || place) {
    return Error(
        Code::kInvalidArgument, "anchor_intermediate",
        concat("trust anchor '", anchor.name, "': behind the root there may stand one SEV-",
               "<product> and one SEV-VLEK-<product>, and '", subject, "' is not that"));
  }
  place.emplace(std::move(certificate));
  return {};
}

}  // namespace

std::string_view product_name(Product product) {
  switch (product) {
    case Product::kMilan: return "Milan";
    case Product::kGenoa: return "Genoa";
    case Product::kTurin: return "Turin";
  }
  return "";
}

Result<Anchors> Anchors::vendor() {
  Anchors anchors;
  for (const Product product : {Product::kMilan, Product::kGenoa, Product::kTurin}) {
    const AmdCertificates amd = amd_certificates(product);
    APM_TRY(crypto::Certificate ark, crypto::Certificate::from_der(amd.ark));
    APM_TRY(crypto::Certificate ask, crypto::Certificate::from_der(amd.ask));
    APM_TRY(crypto::Certificate asvk, crypto::Certificate::from_der(amd.asvk));
    anchors.anchors_.push_back(Anchor{std::string(kVendorAnchorName), product, std::move(ark),
                                      std::move(ask), std::move(asvk)});
  }
  return anchors;
}

Status Anchors::add_named(const std::string& name, std::string_view pem) {
  APM_TRY(crypto::Certificate ark, read_named_anchor(name, pem));
  Anchor anchor{name, std::nullopt, std::move(ark), std::nullopt, std::nullopt};
  APM_TRY(std::vector<crypto::Certificate> all, crypto::Certificate::list_from_pem(pem));
  for (std::size_t i = 1; i < all.size(); ++i) {
    APM_CHECK_OK(add_intermediate(std::move(all[i]), anchor));
  }
  anchors_.push_back(std::move(anchor));
  return {};
}

}  // namespace apm::attestation::snp
