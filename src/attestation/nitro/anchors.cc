#include "attestation/nitro/anchors.h"

#include "attestation/nitro/aws_root.h"
#include "base/text.h"

namespace apm::attestation::nitro {

Result<Anchors> Anchors::vendor() {
  Anchors anchors;
  APM_TRY(crypto::Certificate root, crypto::Certificate::from_der(aws_root()));
  anchors.anchors_.push_back(
      {std::string(kVendorAnchorName), std::move(root), to_bytes(aws_root())});
  return anchors;
}

Status Anchors::add_named(const std::string& name, std::string_view pem) {
  if (name.empty() || name == kVendorAnchorName) {
    return Error(Code::kInvalidArgument, "anchor_name",
                 concat("a trust anchor cannot be named '", name, "': choose another name"));
  }
  APM_TRY(crypto::Certificate root, crypto::Certificate::from_pem(pem));
  APM_TRY(const crypto::PublicKey key, root.public_key());
  if (!root.signed_by(key)) {
    return Error(Code::kInvalidArgument, "anchor_not_self_signed",
                 concat("trust anchor '", name, "' is not a self-signed root certificate"));
  }
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
