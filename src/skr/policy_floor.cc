#include "skr/policy_floor.h"

#include <algorithm>
#include <array>
#include <functional>

#include "base/text.h"
#include "net/http_client.h"
#include "skr/limits.h"

namespace apm::skr {
namespace {

Error refuse(const char* reason, std::string_view why) {
  return {Code::kRefused, reason,
          concat("the key's release policy is too weak: ", why,
                 ". Make a key whose policy demands x-ms-isolation-tee.x-ms-attestation-type and "
                 "x-ms-isolation-tee.x-ms-compliance-status from an Azure attestation provider")};
}

struct Demand {
  std::string_view claim;
  std::array<std::string_view, 2> values;
};
constexpr std::array kDemands = {
    Demand{"x-ms-isolation-tee.x-ms-attestation-type", {"sevsnpvm", "tdxvm"}},
    Demand{"x-ms-isolation-tee.x-ms-compliance-status",
           {"azure-compliant-cvm", "azure-compliant-cvm"}}};

bool condition_meets(const json::Value& node, const Demand& demand) {
  const std::string* claim = node.string_at("claim");
  const std::string* equals = node.string_at("equals");
  return claim != nullptr && equals != nullptr && *claim == demand.claim &&
         std::find(demand.values.begin(), demand.values.end(), *equals) != demand.values.end();
}

// True when `node` cannot be satisfied without the demand: one child of allOf is enough, of anyOf
// every child must. Where both stand in one node, either suffices (both would have to hold).
bool demands(const json::Value& node, const Demand& demand, std::size_t depth) {
  if (depth == 0) return false;
  const auto child = [&](const json::Value& each) { return demands(each, demand, depth - 1); };
  if (const json::Value* all = node.at("allOf"); all != nullptr && all->as_array() != nullptr) {
    const json::Array& list = *all->as_array();
    if (std::any_of(list.begin(), list.end(), child)) return true;
  }
  if (const json::Value* any = node.at("anyOf"); any != nullptr && any->as_array() != nullptr) {
    const json::Array& list = *any->as_array();
    if (!list.empty() && std::all_of(list.begin(), list.end(), child)) return true;
  }
  return condition_meets(node, demand);
}

bool azure_authority(const std::string& text) {
  const auto url = net::parse_url(text);
  if (!url.ok() || url->scheme != "https") return false;
  constexpr std::array<std::string_view, 3> kSuffixes = {".attest.azure.net", ".attest.azure.us",
                                                         ".attest.azure.cn"};
  return std::any_of(kSuffixes.begin(), kSuffixes.end(),
                     [&](std::string_view suffix) { return url->host.ends_with(suffix); });
}

// Exactly one of the two stands at the root: with both, what counts would be a guess.
const json::Array* authorities_of(const json::Value& policy) {
  if (policy.at("anyOf") != nullptr && policy.at("allOf") != nullptr) return nullptr;
  for (const char* name : {"anyOf", "allOf"}) {
    const json::Value* list = policy.at(name);
    if (list != nullptr && list->as_array() != nullptr && !list->as_array()->empty()) {
      return list->as_array();
    }
  }
  return nullptr;
}

}  // namespace

Status check_policy_floor(const json::Value& policy) {
  const std::string* version = policy.string_at("version");
  const json::Array* authorities = authorities_of(policy);
  if (version == nullptr || !version->starts_with("1.") || authorities == nullptr) {
    return refuse("release_policy_malformed", "it has no version 1 or no authority");
  }
  for (const json::Value& authority : *authorities) {
    const std::string* url = authority.string_at("authority");
    if (url == nullptr || !azure_authority(*url)) {
      return refuse("release_policy_authority",
                    "an authority is not an Azure attestation provider");
    }
    for (const Demand& demand : kDemands) {
      if (!demands(authority, demand, kPolicyDepthMax)) {
        return refuse("release_policy_floor",
                      concat("under the authority ", *url, " it does not demand ", demand.claim));
      }
    }
  }
  return {};
}

}  // namespace apm::skr
