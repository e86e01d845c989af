#include "attestation/nitro/anchors.h"

#include "attestation/named_anchor.h"
#include "attestation/nitro/aws_root.h"

namespace apm::attestation::nitro {

Result<Anchors> Anchors::vendor() {
  Anchors anchors;
  APM_TRY(crypto::Certificate root, crypto::Certificate::from_der(aws_root()));
  anchors.anchors_.push_back(
      {std::string(kVendorAnchorName), std::move(root), to_bytes(aws_root())});
  return anchors;
}

Status Anchors::add_named(const std::string& name, std::string_view pem) {
  APM_TRY(crypto::Certificate root, read_named_anchor(name, pem));
  Bytes der = root.der();
  anchors_.push_back({name, std::move(root), std::move(der)});
  return {};
}

const Anchor* Anchors::find(ByteView der) const {
  for (const Anchor& anchor : anchors_) {
    if (equal(anchor.der, der)) return &anchor;
  }
  return nullptr;
}

}  // namespace apm::attestation::nitro
