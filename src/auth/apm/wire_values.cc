#include "auth/apm/wire_values.h"

#include <algorithm>
#include <array>

#include "attestation/limits.h"
#include "base/encoding.h"
#include "base/text.h"

namespace apm::auth_apm {

Error malformed_member(std::string_view name, std::string_view why) {
  return Error(Code::kInvalidArgument, "login_malformed", concat("login: ", name, " ", why));
}

Result<std::string> text_member(const json::Value* object, std::string_view name) {
  const std::string* value = object == nullptr ? nullptr : object->string_at(name);
  if (value == nullptr) return malformed_member(name, "is required");
  return *value;
}

Result<Bytes> base64_member(const json::Value* object, std::string_view name) {
  APM_TRY(const std::string encoded, text_member(object, name));
  auto decoded = base64_decode(encoded);
  if (!decoded.ok()) return malformed_member(name, "is not base64");
  return decoded;
}

Result<std::string> optional_text(const json::Value& object, std::string_view name) {
  if (object.at(name) == nullptr) return std::string();
  return text_member(&object, name);
}

Result<Bytes> optional_base64(const json::Value& object, std::string_view name) {
  if (object.at(name) == nullptr) return Bytes();
  return base64_member(&object, name);
}

Status only_members(const json::Object& object, std::span<const std::string_view> known) {
  constexpr std::size_t kShown = 64;
  for (const auto& [name, value] : object) {
    if (std::ranges::find(known, std::string_view(name)) != known.end()) continue;
    return malformed_member(std::string_view(name).substr(0, kShown),
                            "is not a member of such a request; what it says would not be looked "
                            "at (docs/formats/attested-login.md)");
  }
  return {};
}

Result<SignedMember> signed_member(const json::Value& object, std::string_view name) {
  constexpr std::array<std::string_view, 2> kMembers{"attest", "signature"};
  const json::Value* member = object.at(name);
  if (member == nullptr || member->as_object() == nullptr) {
    return malformed_member(name, "is required: an object with attest and signature");
  }
  APM_CHECK_OK(only_members(*member->as_object(), kMembers));
  SignedMember out;
  APM_TRY(out.attest, base64_member(member, "attest"));
  APM_TRY(out.signature, base64_member(member, "signature"));
  return out;
}

Result<attestation::tpm::PcrValues> pcr_members(const json::Value* member) {
  const json::Object* object = member == nullptr ? nullptr : member->as_object();
  if (object == nullptr) return malformed_member("pcrs", "is required");
  attestation::tpm::PcrValues values;
  for (const auto& [name, value] : *object) {
    const auto index = parse_u64(name);
    const std::string* hex = value.as_string();
    const bool canonical = index && std::to_string(*index) == name;
    if (!canonical || *index >= attestation::kPcrCount || hex == nullptr) {
      return malformed_member("pcrs", "maps PCR indexes to hexadecimal values");
    }
    auto bytes = hex_decode(*hex);
    if (!bytes.ok()) return malformed_member("pcrs", "holds a value that is not hexadecimal");
    values.emplace(static_cast<unsigned>(*index), std::move(*bytes));
  }
  return values;
}

}  // namespace apm::auth_apm
