#include "secrets/kv2/merge_patch.h"

#include <cstdint>

namespace apm::secrets::kv2 {
namespace {

// RFC 7396, section 2: what is no object is replaced by an empty one before it is merged into.
void merge_member(json::Object& target, const std::string& name, const json::Object& patch) {
  json::Value* present = target.find(name);
  if (present == nullptr || present->as_object() == nullptr) {
    present = &target.set(name, json::Object());
  }
  merge_patch(*present->as_object(), patch);
}

}  // namespace

// As deep as the patch, which its reader bounded.
void merge_patch(json::Object& target, const json::Object& patch) {
  for (const auto& [name, value] : patch) {
    if (value.is_null()) {
      target.erase(name);
    } else if (value.as_object() != nullptr) {
      merge_member(target, name, *value.as_object());
    } else {
      target.set(name, value);
    }
  }
}

json::Object subkeys(const json::Object& document, std::size_t depth_max) {
  json::Object names;
  for (const auto& [name, value] : document) {
    const json::Object* below = value.as_object();
    if (below == nullptr || below->empty() || depth_max == 1) {
      names.set(name, json::Null());
    } else {
      names.set(name, subkeys(*below, depth_max == 0 ? 0 : depth_max - 1));
    }
  }
  return names;
}

std::size_t count_values(const json::Value& document) {
  std::size_t count = 1;
  if (const json::Array* items = document.as_array()) {
    for (const json::Value& item : *items) count += count_values(item);
  }
  if (const json::Object* members = document.as_object()) {
    for (const auto& [name, value] : *members) count += count_values(value);
  }
  return count;
}

}  // namespace apm::secrets::kv2
