#include "api/policy_store.h"

#include <algorithm>

#include "api/limits.h"
#include "base/text.h"

namespace apm::api {
namespace {

const std::string kPrefix = "sys/policy/";

Error bad_name(std::string message) {
  return Error(Code::kInvalidArgument, "policy_name", std::move(message));
}

Result<std::string> checked_name(const std::string& raw) {
  const std::string name = policy::normalise_name(raw);
  if (name.empty() || name.size() > kPolicyNameBytesMax) {
    return bad_name(concat("a policy's name has 1 to ", kPolicyNameBytesMax, " characters"));
  }
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return c > ' ' && c < 0x7f && c != '/' && c != '*' && c != '+' && c != ',';
  });
  if (!plain || name == "." || name == "..") {
    return bad_name("a policy's name may hold printable characters except blanks and / * + ,");
  }
  return name;
}

}  // namespace

Status PolicyStore::load() {
  const MutexLock changing(changing_);
  APM_TRY(const std::vector<std::string> names, barrier_.list(kPrefix));
  std::map<std::string, Held> held;
  for (const std::string& name : names) {
    APM_TRY(const std::optional<Bytes> stored, barrier_.get(kPrefix + name));
    if (!stored) continue;
    std::string text(as_text(*stored));
    auto parsed = policy::parse_acl(name, text);
    if (!parsed.ok()) return parsed.error().within("loading the policy " + name);
    held[name] = {std::move(text), std::make_shared<policy::AclPolicy>(std::move(*parsed))};
  }
  const std::string own(policy::kDefaultPolicy);
  if (!held.contains(own)) {
    std::string text(policy::default_policy_text());
    APM_TRY(policy::AclPolicy parsed, policy::parse_acl(own, text));
    APM_CHECK_OK(barrier_.put(kPrefix + own, as_bytes(text)));
    held[own] = {std::move(text), std::make_shared<policy::AclPolicy>(std::move(parsed))};
  }
  const WriterLock lock(mutex_);
  held_ = std::move(held);
  return {};
}

void PolicyStore::unload() {
  const MutexLock changing(changing_);
  const WriterLock lock(mutex_);
  held_.clear();
}

Status PolicyStore::put(const std::string& raw, const std::string& text) {
  APM_TRY(const std::string name, checked_name(raw));
  if (name == policy::kRootPolicy || name == "response-wrapping") {
    return Error(Code::kInvalidArgument, "policy_immutable",
                 "cannot update \"" + name + "\" policy");
  }
  if (text.size() > kPolicyBytesMax) {
    return Error(Code::kTooLarge, "policy_size",
                 concat("a policy is at most ", kPolicyBytesMax, " bytes long"));
  }
  APM_TRY(policy::AclPolicy parsed, policy::parse_acl(name, text));
  const MutexLock changing(changing_);
  {
    const ReaderLock lock(mutex_);
    if (!held_.contains(name) && held_.size() >= kPoliciesMax) {
      return Error(Code::kTooLarge, "policies_too_many",
                   concat("there are ", kPoliciesMax, " policies"));
    }
  }
  APM_CHECK_OK(barrier_.put(kPrefix + name, as_bytes(text)));
  const WriterLock lock(mutex_);
  held_[name] = {text, std::make_shared<policy::AclPolicy>(std::move(parsed))};
  return {};
}

Status PolicyStore::erase(const std::string& raw) {
  APM_TRY(const std::string name, checked_name(raw));
  if (name == policy::kRootPolicy || name == policy::kDefaultPolicy) {
    return Error(Code::kInvalidArgument, "policy_immutable",
                 "cannot delete \"" + name + "\" policy");
  }
  const MutexLock changing(changing_);
  APM_CHECK_OK(barrier_.erase(kPrefix + name));
  const WriterLock lock(mutex_);
  held_.erase(name);
  return {};
}

std::optional<std::string> PolicyStore::text(const std::string& raw) const {
  const ReaderLock lock(mutex_);
  const auto found = held_.find(policy::normalise_name(raw));
  if (found == held_.end()) return std::nullopt;
  return found->second.text;
}

std::vector<std::string> PolicyStore::names() const {
  const ReaderLock lock(mutex_);
  std::vector<std::string> names{std::string(policy::kRootPolicy)};
  for (const auto& [name, held] : held_) names.push_back(name);
  std::sort(names.begin(), names.end());
  return names;
}

bool PolicyStore::exists(const std::string& raw) const {
  const std::string name = policy::normalise_name(raw);
  const ReaderLock lock(mutex_);
  return name == policy::kRootPolicy || held_.contains(name);
}

policy::Acl PolicyStore::acl(const std::vector<std::string>& names) const {
  const ReaderLock lock(mutex_);
  std::vector<const policy::AclPolicy*> policies;
  bool root = false;
  for (const std::string& name : names) {
    root = root || name == policy::kRootPolicy;
    const auto found = held_.find(name);
    if (found != held_.end()) policies.push_back(found->second.parsed.get());
  }
  return {policies, root};
}

}  // namespace apm::api
