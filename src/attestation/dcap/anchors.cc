#include "attestation/dcap/anchors.h"

#include "attestation/dcap/intel_root.h"
#include "attestation/named_anchor.h"

namespace apm::attestation::dcap {

Result<Anchors> Anchors::vendor() {
  Anchors anchors;
  APM_TRY(crypto::Certificate root, crypto::Certificate::from_der(intel_root_certificate()));
  anchors.anchors_.push_back({std::string(kVendorAnchorName), std::move(root)});
  return anchors;
}

Status Anchors::add_named(const std::string& name, std::string_view pem) {
  APM_TRY(crypto::Certificate root, read_named_anchor(name, pem));
  anchors_.push_back({name, std::move(root)});
  return {};
}

}  // namespace apm::attestation::dcap
