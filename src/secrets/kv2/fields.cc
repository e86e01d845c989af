#include "secrets/kv2/fields.h"

#include <algorithm>

#include "base/text.h"

namespace apm::secrets::kv2 {
namespace {

Error bad_field(std::string_view name, std::string_view wanted) {
  return Error(Code::kInvalidArgument, "field",
               concat("Field validation failed: \"", name, "\" must be ", wanted));
}

std::optional<std::uint64_t> as_number(const json::Value& value) {
  if (const std::string* text = value.as_string()) return parse_u64(*text);
  return value.as_uint();
}

constexpr std::string_view kVersions = "versions";

Error bad_versions() { return bad_field(kVersions, "a list of version numbers"); }

Result<std::vector<std::uint64_t>> split_versions(const std::string& text) {
  std::vector<std::uint64_t> numbers;
  for (const std::string_view part : split(text, ',')) {
    if (trim(part).empty()) continue;
    const auto number = parse_u64(trim(part));
    if (!number) return bad_versions();
    numbers.push_back(*number);
  }
  return numbers;
}

Result<std::vector<std::uint64_t>> read_versions(const json::Value& value) {
  if (const std::string* text = value.as_string()) return split_versions(*text);
  std::vector<std::uint64_t> numbers;
  if (value.as_array() == nullptr) {
    APM_TRY(const std::uint64_t one, whole_number(value, kVersions));
    numbers.push_back(one);
    return numbers;
  }
  for (const json::Value& item : *value.as_array()) {
    const auto number = as_number(item);
    if (!number) return bad_versions();
    numbers.push_back(*number);
  }
  return numbers;
}

}  // namespace

const json::Value* given(const json::Object& data, std::string_view name) {
  const json::Value* value = data.find(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

Result<std::uint64_t> whole_number(const json::Value& value, std::string_view name) {
  const auto number = as_number(value);
  if (!number) return bad_field(name, "a whole number that is not negative");
  return *number;
}

Result<bool> flag(const json::Value& value, std::string_view name) {
  if (const bool* known = value.as_bool()) return *known;
  if (const std::string* text = value.as_string()) {
    if (*text == "true") return true;
    if (*text == "false") return false;
  }
  return bad_field(name, "true or false");
}

Result<std::uint64_t> number_field(const json::Object& data, std::string_view name) {
  const json::Value* value = given(data, name);
  if (value == nullptr) return std::uint64_t{0};
  return whole_number(*value, name);
}

Result<std::vector<std::uint64_t>> versions_field(const json::Object& data) {
  std::vector<std::uint64_t> numbers;
  if (const json::Value* value = given(data, kVersions)) {
    APM_TRY(numbers, read_versions(*value));
  }
  if (numbers.empty()) {
    return Error(Code::kInvalidArgument, "kv_versions_missing", "No version number provided");
  }
  return numbers;
}

Result<const json::Object*> data_field(const json::Object& data) {
  const json::Value* value = given(data, "data");
  if (value == nullptr) {
    return Error(Code::kInvalidArgument, "kv_data_missing", "no data provided");
  }
  if (value->as_object() == nullptr) return bad_field("data", "an object");
  return value->as_object();
}

Result<std::optional<std::uint64_t>> cas_field(const json::Object& data) {
  const json::Value* options = given(data, "options");
  if (options == nullptr) return std::optional<std::uint64_t>();
  if (options->as_object() == nullptr) return bad_field("options", "an object");
  const json::Value* cas = options->at("cas");
  if (cas == nullptr) return std::optional<std::uint64_t>();
  const auto number = as_number(*cas);
  if (!number) {
    return Error(Code::kInvalidArgument, "kv_cas_format", "error parsing check-and-set parameter");
  }
  return number;
}

std::string ignored_members(const json::Object& data,
                            std::initializer_list<std::string_view> known) {
  std::string names;
  for (const auto& [name, value] : data) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    names += (names.empty() ? "" : " ") + name;
  }
  if (names.empty()) return "";
  return "Endpoint ignored these unrecognized parameters: [" + names + "]";
}

}  // namespace apm::secrets::kv2
