#pragma once

// JSON merge patch (RFC 7396), and the shape of a document without its values. Pure functions.

#include <cstddef>

#include "base/json.h"

namespace apm::secrets::kv2 {

// Members of the patch are added or replaced, null members removed, objects merged.
void merge_patch(json::Object& target, const json::Object& patch);

// The names alone: every value that is no object, every empty object, and everything below
// `depth_max` levels of names is null. 0: no bound.
[[nodiscard]] json::Object subkeys(const json::Object& document, std::size_t depth_max);

// JSON values in the document, itself included.
[[nodiscard]] std::size_t count_values(const json::Value& document);

}  // namespace apm::secrets::kv2
