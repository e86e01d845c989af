#include "attestation/snp/anchors.h"

#include "attestation/snp/amd_roots.h"
#include "base/text.h"

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
  if (name.empty() || name == kVendorAnchorName) {
    return Error(Code::kInvalidArgument, "anchor_name",
                 concat("a trust anchor cannot be named '", name, "': choose another name"));
  }
  APM_TRY(crypto::Certificate ark, crypto::Certificate::from_pem(pem));
  APM_TRY(const crypto::PublicKey key, ark.public_key());
  if (!ark.signed_by(key)) {
    return Error(Code::kInvalidArgument, "anchor_not_self_signed",
                 concat("trust anchor '", name, "' is not a self-signed root certificate"));
  }
  anchors_.push_back(Anchor{name, std::nullopt, std::move(ark), std::nullopt, std::nullopt});
  return {};
}

}  // namespace apm::attestation::snp
