#pragma once

// Members of the requests that carry evidence. kInvalidArgument "login_malformed" names the member.
// Pure; any thread.

#include <span>
#include <string>

#include "attestation/tpm/attest.h"
#include "base/json.h"
#include "base/result.h"

namespace apm::auth_apm {

[[nodiscard]] Error malformed_member(std::string_view name, std::string_view why);
// `object` may be nullptr: then the member is missing.
[[nodiscard]] Result<std::string> text_member(const json::Value* object, std::string_view name);
[[nodiscard]] Result<Bytes> base64_member(const json::Value* object, std::string_view name);
// The same, empty when absent.
[[nodiscard]] Result<std::string> optional_text(const json::Value& object, std::string_view name);
[[nodiscard]] Result<Bytes> optional_base64(const json::Value& object, std::string_view name);
// Refuses a member that is not in `known`.
[[nodiscard]] Status only_members(const json::Object& object,
                                  std::span<const std::string_view> known);
// {"attest", "signature"}, and nothing else.
struct SignedMember {
  Bytes attest;
  Bytes signature;
};
[[nodiscard]] Result<SignedMember> signed_member(const json::Value& object, std::string_view name);
// {"0": hex, ...}
[[nodiscard]] Result<attestation::tpm::PcrValues> pcr_members(const json::Value* member);

}  // namespace apm::auth_apm
