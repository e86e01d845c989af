#pragma once

// Members of a request to kv version 2, read as leniently as Vault's clients need: numbers also as
// text (query parameters are), lists also as one text with commas. Pure functions. All errors are
// kInvalidArgument, "field" unless another reason is named.

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace apm::secrets::kv2 {

// The member, or nullptr when it is absent or null.
[[nodiscard]] const json::Value* given(const json::Object& data, std::string_view name);

[[nodiscard]] Result<std::uint64_t> whole_number(const json::Value& value, std::string_view name);
[[nodiscard]] Result<bool> flag(const json::Value& value, std::string_view name);
// 0 when absent.
[[nodiscard]] Result<std::uint64_t> number_field(const json::Object& data, std::string_view name);
// "kv_versions_missing" when there is none.
[[nodiscard]] Result<std::vector<std::uint64_t>> versions_field(const json::Object& data);
// The secret itself. "kv_data_missing" ("no data provided") when absent.
[[nodiscard]] Result<const json::Object*> data_field(const json::Object& data);
// options.cas; nothing when it is not given. "kv_cas_format".
[[nodiscard]] Result<std::optional<std::uint64_t>> cas_field(const json::Object& data);

// Vault's warning about members that nobody looks at; empty when all are known.
[[nodiscard]] std::string ignored_members(const json::Object& data,
                                          std::initializer_list<std::string_view> known);

}  // namespace apm::secrets::kv2
