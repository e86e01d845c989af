#pragma once

// What every family asks of a trust anchor that is not a vendor's and that a configuration names.
// Pure; any thread.

#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/x509.h"

namespace apm::attestation {

// The first certificate of `pem`, which must be self-signed. The name shows in every verdict that
// the anchor supports: none of a vendor may be taken, of whichever family.
// kInvalidArgument "anchor_name", "anchor_not_self_signed" or "certificate_malformed".
[[nodiscard]] Result<crypto::Certificate> read_named_anchor(std::string_view name,
                                                            std::string_view pem);

}  // namespace apm::attestation
