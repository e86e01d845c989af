#include "attestation/snp/anchors.h"

#include "attestation/named_anchor.h"
#include "attestation/snp/amd_roots.h"

namespace apm::attestation::snp {

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
  anchors_.push_back(Anchor{name, std::nullopt, std::move(ark), std::nullopt, std::nullopt});
  return {};
}

}  // namespace apm::attestation::snp
