#include "secrets/kv2/custom.h"

#include <algorithm>

#include "base/text.h"
#include "secrets/limits.h"

namespace apm::secrets::kv2 {
namespace {

Error refused(const std::string& why) {
  return Error(Code::kInvalidArgument, "kv_custom_metadata",
               "custom_metadata validation failed: " + why);
}

bool printable(std::string_view text) {
  return is_utf8(text) && std::none_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
         });
}

Status check_key(const std::string& key) {
  if (key.empty() || key.size() > kCustomKeyBytesMax) {
    return refused(
        concat("a key has ", key.size(), " bytes but must have 1 to ", kCustomKeyBytesMax));
  }
  if (!printable(key)) return refused("a key contains unprintable characters");
  return {};
}

Result<std::string> text_of(const std::string& key, const json::Value& value) {
  std::string text;
  if (value.as_string() != nullptr) text = *value.as_string();
  if (value.as_number() != nullptr) text = value.as_number()->text;
  if (value.as_string() == nullptr && value.as_number() == nullptr) {
    return refused(concat("the value of key \"", key, "\" must be text"));
  }
  if (text.empty() || text.size() > kCustomValueBytesMax) {
    return refused(concat("the value of key \"", key, "\" has ", text.size(),
                          " bytes but must have 1 to ", kCustomValueBytesMax));
  }
  if (!printable(text)) {
    return refused(concat("the value of key \"", key, "\" contains unprintable characters"));
  }
  return text;
}

}  // namespace

Result<std::map<std::string, std::string>> patched_custom(
    std::map<std::string, std::string> present, const json::Value& value, Nulls nulls) {
  if (value.as_object() == nullptr) return refused("it must be an object of texts");
  for (const auto& [key, item] : *value.as_object()) {
    APM_CHECK_OK(check_key(key));
    if (item.is_null() && nulls == Nulls::kRemove) {
      present.erase(key);
      continue;
    }
    APM_TRY(present[key], text_of(key, item));
  }
  if (present.size() > kCustomKeysMax) {
    return refused(concat("there must be at most ", kCustomKeysMax, " keys, and there would be ",
                          present.size()));
  }
  return present;
}

}  // namespace apm::secrets::kv2
