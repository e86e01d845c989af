#include "auth/apm/refusals.h"

#include <algorithm>

#include "auth/apm/limits.h"
#include "base/text.h"

namespace apm::auth_apm {
namespace {

using attestation::Appraisal;
using attestation::Stage;

// A rule with a wanted value of its own; a step that failed elsewhere speaks of the evidence alone.
bool shows_a_floor(const Appraisal::Entry& entry, std::string_view reason) {
  return !entry.holds && entry.rule.reason == reason && entry.rule.stage == Stage::kPolicy &&
         !entry.rule.wanted.empty();
}

std::string failed_rules(const Appraisal& appraisal) {
  std::string out;
  for (const Appraisal::Entry& entry : appraisal.entries()) {
    if (entry.holds) continue;
    out += concat(out.empty() ? "" : "; ", entry.rule.reason, ": found ", entry.rule.found);
    if (!entry.rule.wanted.empty()) out += concat(", wanted ", entry.rule.wanted);
  }
  return out;
}

}  // namespace

json::Object Refusal::describe() const {
  return json::Object{{"request_id", request_id},
                      {"time_unix_s", time_unix_s},
                      {"path", path},
                      {"remote_address", remote_address},
                      {"reason", reason},
                      {"message", message},
                      {"rules", rules}};
}

void Refusals::add(Refusal refusal) {
  const MutexLock lock(mutex_);
  kept_.push_back(std::move(refusal));
  if (kept_.size() > kRefusalsMax) kept_.pop_front();
}

std::optional<Refusal> Refusals::find(const std::string& request_id) const {
  const MutexLock lock(mutex_);
  const auto found = std::ranges::find(kept_, request_id, &Refusal::request_id);
  if (found == kept_.end()) return std::nullopt;
  return *found;
}

std::vector<Refusal> Refusals::newest_first() const {
  const MutexLock lock(mutex_);
  return {kept_.rbegin(), kept_.rend()};
}

Error told(const Error& refusal, const Appraisal& appraisal, Telling telling,
           const std::string& request_id) {
  if (telling == Telling::kRules) {
    const std::string rules = failed_rules(appraisal);
    return rules.empty() ? refusal : Error(refusal.code, refusal.reason, rules);
  }
  const bool floor = std::ranges::any_of(appraisal.entries(), [&](const Appraisal::Entry& entry) {
    return shows_a_floor(entry, refusal.reason);
  });
  if (!floor) return refusal;
  return Error(refusal.code, refusal.reason,
               concat("this server's policy refuses the evidence; an operator finds the rule and "
                      "its values under auth/apm/refusals/",
                      request_id));
}

}  // namespace apm::auth_apm
