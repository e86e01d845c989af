#pragma once

// The exact text of a member of a JSON document. Intel signs that text: a document that was read
// and written again is another one.

#include <string_view>

#include "base/result.h"

namespace apm::attestation::dcap {

// The value of `name` in the object that `document` is, a view into it. The document passes the
// strict parser first. kInvalidArgument "invalid_json", or "json_member" when there is no such
// member, or a name is written with escapes.
[[nodiscard]] Result<std::string_view> member_slice(std::string_view document,
                                                    std::string_view name);

}  // namespace apm::attestation::dcap
