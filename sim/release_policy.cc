#include "sim/release_policy.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace apm::sim {
namespace {

constexpr std::array<std::string_view, 6> kOrder{"version", "anyOf", "authority",
                                                 "allOf",   "claim", "equals"};
constexpr int kDepthMax = 8;

json::Value reorder(const json::Value& in) {
  if (const json::Array* array = in.as_array()) {
    json::Array out;
    for (const json::Value& v : *array) out.push_back(reorder(v));
    return out;
  }
  const json::Object* object = in.as_object();
  if (object == nullptr) return in;
  json::Object out;
  for (const std::string_view name : kOrder) {
    if (const json::Value* v = object->find(name)) out.set(std::string(name), reorder(*v));
  }
  for (const auto& [name, v] : *object) {
    if (out.find(name) == nullptr) out.set(name, reorder(v));
  }
  return out;
}

const json::Array* children(const json::Value& node, bool& any) {
  const json::Value* list = node.at("anyOf");
  any = list != nullptr;
  if (!any) list = node.at("allOf");
  return list == nullptr ? nullptr : list->as_array();
}

bool good_condition(const json::Value& node, int depth) {
  if (depth > kDepthMax) return false;
  if (node.string_at("claim") != nullptr) {
    const json::Value* value = node.at("equals");
    return value != nullptr && value->as_array() == nullptr && value->as_object() == nullptr &&
           !value->is_null();
  }
  bool any = false;
  const json::Array* list = children(node, any);
  return list != nullptr && !list->empty() && std::ranges::all_of(*list, [&](const json::Value& v) {
           return good_condition(v, depth + 1);
         });
}

bool good_root(const json::Value& root) {
  bool any = false;
  const json::Array* list = children(root, any);
  const std::string* version = root.string_at("version");
  return version != nullptr && list != nullptr && !list->empty() &&
         std::ranges::all_of(*list, [](const json::Value& authority) {
           const std::string* url = authority.string_at("authority");
           return url != nullptr && url->starts_with("https://") && good_condition(authority, 1);
         });
}

// The canonical text by which unlike types are compared.
std::string canonical(const json::Value& v) {
  if (const bool* b = v.as_bool()) return *b ? "true" : "false";
  if (const json::Number* n = v.as_number()) return n->text;
  return v.as_string() == nullptr ? std::string() : *v.as_string();
}

bool holds(const json::Value& node, const json::Value& claims, int depth) {
  if (depth > kDepthMax) return false;
  if (const std::string* path = node.string_at("claim")) {
    const json::Value* at = &claims;
    for (const std::string_view name : split(*path, '.')) {
      at = at == nullptr ? nullptr : at->at(name);
    }
    const json::Value* wanted = node.at("equals");
    if (at == nullptr || wanted == nullptr) return false;
    if (at->as_array() != nullptr || at->as_object() != nullptr || at->is_null()) return false;
    return canonical(*at) == canonical(*wanted);
  }
  bool any = false;
  const json::Array* list = children(node, any);
  if (list == nullptr || list->empty()) return false;
  const auto test = [&](const json::Value& v) { return holds(v, claims, depth + 1); };
  return any ? std::ranges::any_of(*list, test) : std::ranges::all_of(*list, test);
}

std::string without_slash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

}  // namespace

Result<std::string> normalise_policy(std::string_view text) {
  const auto policy = json::parse(text);
  if (!policy.ok() || !good_root(*policy)) {
    return Error(Code::kInvalidArgument, "release_policy", "Invalid release policy.");
  }
  return json::write(reorder(*policy));
}

PolicyVerdict evaluate_policy(const json::Value& policy, const std::string& issuer,
                              const json::Value& claims) {
  PolicyVerdict out;
  bool any = false;
  const json::Array* list = children(policy, any);
  if (list == nullptr || list->empty()) return out;
  bool all_hold = true, one_holds = false;
  for (const json::Value& authority : *list) {
    const std::string* url = authority.string_at("authority");
    const bool own = url != nullptr && without_slash(*url) == without_slash(issuer);
    out.authority_known = out.authority_known || own;
    const bool good = own && holds(authority, claims, 1);
    all_hold = all_hold && good;
    one_holds = one_holds || good;
  }
  out.satisfied = any ? one_holds : all_hold;
  return out;
}

}  // namespace apm::sim
