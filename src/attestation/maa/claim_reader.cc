#include "attestation/maa/claim_reader.h"

#include "base/encoding.h"
#include "base/text.h"

namespace apm::attestation::maa {

Error malformed_claim(std::string_view name, std::string_view wanted) {
  return {Code::kRefused, "maa_claim_malformed",
          concat("the attestation token's claim ", name, " is absent or is not ", wanted)};
}

Result<std::string> claim_text(const json::Value& from, std::string_view name) {
  const std::string* text = from.string_at(name);
  if (text == nullptr || text->empty()) return malformed_claim(name, "a text");
  return *text;
}

Result<bool> claim_bool(const json::Value& from, std::string_view name) {
  const json::Value* value = from.at(name);
  const bool* found = value == nullptr ? nullptr : value->as_bool();
  if (found == nullptr) return malformed_claim(name, "true or false");
  return *found;
}

Result<std::uint64_t> claim_uint(const json::Value& from, std::string_view name) {
  const json::Value* value = from.at(name);
  const auto found = value == nullptr ? std::nullopt : value->as_uint();
  if (!found) return malformed_claim(name, "a whole number");
  return *found;
}

Result<Bytes> claim_hex(const json::Value& from, std::string_view name, std::size_t size) {
  const std::string* text = from.string_at(name);
  auto found = hex_decode(text == nullptr ? std::string_view("?") : *text);
  if (!found.ok() || found->size() != size) {
    return malformed_claim(name, concat(size, " bytes in hexadecimal"));
  }
  return found;
}

}  // namespace apm::attestation::maa
