#pragma once

// custom_metadata: texts that people attach to a secret, within Vault's bounds. Pure functions.

#include <map>
#include <string>

#include "base/json.h"
#include "base/result.h"

namespace apm::secrets::kv2 {

enum class Nulls { kRefused, kRemove };

// `present` with the members of `value` in it; numbers become their text. The result as a whole is
// within kCustomKeysMax, kCustomKeyBytesMax and kCustomValueBytesMax, and printable.
// kInvalidArgument "kv_custom_metadata".
[[nodiscard]] Result<std::map<std::string, std::string>> patched_custom(
    std::map<std::string, std::string> present, const json::Value& value, Nulls nulls);

}  // namespace apm::secrets::kv2
