#include "attestation/named_anchor.h"

#include <algorithm>
#include <array>

#include "attestation/dcap/anchors.h"
#include "attestation/nitro/anchors.h"
#include "attestation/snp/anchors.h"
#include "base/text.h"

namespace apm::attestation {
namespace {

constexpr std::array kVendorNames{snp::kVendorAnchorName, dcap::kVendorAnchorName,
                                  nitro::kVendorAnchorName};

}  // namespace

Result<crypto::Certificate> read_named_anchor(std::string_view name, std::string_view pem) {
  if (name.empty() || std::ranges::find(kVendorNames, to_lower(name)) != kVendorNames.end()) {
    return Error(Code::kInvalidArgument, "anchor_name",
                 concat("a trust anchor cannot be named '", name, "': choose another name"));
  }
  APM_TRY(crypto::Certificate root, crypto::Certificate::from_pem(pem));
  APM_TRY(const crypto::PublicKey key, root.public_key());
  if (!root.signed_by(key)) {
    return Error(Code::kInvalidArgument, "anchor_not_self_signed",
                 concat("trust anchor '", name, "' is not a self-signed root certificate"));
  }
  return root;
}

}  // namespace apm::attestation
