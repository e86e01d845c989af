#include "sim/faults.h"

#include <signal.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "sim/limits.h"

namespace apm::sim {
namespace {

constexpr std::array<std::string_view, 13> kServiceActions{
    "wrong_nonce",   "expired_token", "policy_mismatch", "tamper",    "wrong_issuer",
    "no_pcr_values", "wrong_signer",  "wrong_key",       "wrong_kid", "unverifiable",
    "empty_body",    "rotated_vcek",  "old_enc"};

bool known_action(std::string_view action) {
  if (action == "drop") return true;
  if (action.starts_with("status:")) {
    const auto status = parse_u64(action.substr(7));
    return status && *status >= 400 && *status <= 599;
  }
  if (action.starts_with("latency_ms:")) {
    const auto span = parse_u64(action.substr(11));
    return span && *span <= static_cast<std::uint64_t>(kLatencyMsMax);
  }
  return std::ranges::find(kServiceActions, action) != kServiceActions.end();
}

std::string text_of(const json::Value& from, std::string_view name) {
  const std::string* text = from.string_at(name);
  return text == nullptr ? std::string() : *text;
}

// The name under which a request is counted.
std::string kind_of(const HttpRequest& request) {
  const auto& parts = request.segments;
  const auto at = [&](std::size_t i) {
    return i < parts.size() ? to_lower(parts[i]) : std::string();
  };
  if (request.service == "akv") {
    if (at(0) == "keys" && !parts.empty() && to_lower(parts.back()) == "release") return "release";
    if (at(0) == "secrets" && request.method == "PUT") return "secret_set";
    if (at(0) == "secrets" && request.method == "DELETE") return "secret_delete";
    if (at(0) == "secrets" && at(2) == "versions") return "secret_versions";
    if (at(0) == "secrets" && parts.size() == 1) return "secret_list";
    if (at(0) == "secrets") return "secret_get";
    return concat("akv_", at(0));
  }
  if (request.service == "maa") return at(0) == "attest" ? "attest" : "maa_metadata";
  if (request.service == "imds") {
    if (at(1) == "identity") return "imds_token";
    if (at(0) == "acc") return "td_quote";
    return at(1) == "thim" ? "thim" : "instance";
  }
  return request.service;
}

}  // namespace

Status Faults::add_fault(const json::Value& rule) {
  FaultRule out;
  if (const json::Value* match = rule.at("match"); match != nullptr) {
    out.service = text_of(*match, "service");
    out.path_contains = text_of(*match, "path_contains");
    out.method = text_of(*match, "method");
  }
  const auto number = [&](std::string_view name) {
    const json::Value* v = rule.at(name);
    return v == nullptr ? std::int64_t{0} : v->as_int().value_or(-1);
  };
  out.nth = number("nth");
  out.from = number("from");
  out.count = number("count");
  out.action = text_of(rule, "action");
  if (!known_action(out.action) || out.nth < 0 || out.from < 0 || out.count < 0) {
    return Error(Code::kInvalidArgument, "fault_rule",
                 concat("unknown action, nth, from or count in the fault rule: ", out.action));
  }
  const MutexLock lock(mutex_);
  if (faults_.size() >= kFaultsMax) {
    return Error(Code::kTooLarge, "fault_rule", "too many fault rules; DELETE /sim/faults first");
  }
  faults_.push_back(std::move(out));
  return {};
}

Status Faults::arm_kill(const json::Value& rule) {
  KillRule out;
  const json::Value* pid = rule.at("pid");
  const json::Value* request = rule.at("request");
  const std::string when = text_of(rule, "when");
  out.pid = static_cast<pid_t>(pid == nullptr ? 0 : pid->as_int().value_or(0));
  out.request = request == nullptr ? 1 : request->as_int().value_or(0);
  if (when == "connect") {
    out.when = KillPoint::kConnect;
  } else if (when == "replied") {
    out.when = KillPoint::kReplied;
  } else if (when != "received") {
    return Error(Code::kInvalidArgument, "kill_rule", "when: connect, received or replied");
  }
  if (out.pid <= 1 || out.request < 1 || ::kill(out.pid, 0) != 0) {
    return Error(Code::kInvalidArgument, "kill_rule", "pid of a living process, request from 1");
  }
  const MutexLock lock(mutex_);
  std::erase_if(kills_, [](const KillRule& k) { return k.done; });
  if (kills_.size() >= kKillsMax) {
    return Error(Code::kTooLarge, "kill_rule", "too many kills are armed");
  }
  kills_.push_back(out);
  return {};
}

void Faults::clear_faults() {
  const MutexLock lock(mutex_);
  faults_.clear();
  kills_.clear();
}

bool Faults::kill_armed() const {
  const MutexLock lock(mutex_);
  return std::ranges::any_of(kills_, [](const KillRule& k) { return !k.done; });
}

bool Faults::on_connect() {
  const MutexLock lock(mutex_);
  bool counted = false;
  for (KillRule& rule : kills_) {
    if (rule.done || rule.when != KillPoint::kConnect) continue;
    counted = true;
    if (++rule.seen != rule.request) continue;
    rule.done = true;
    ::kill(rule.pid, SIGKILL);
  }
  return counted;
}

std::string Faults::matching_action(const HttpRequest& request) {
  for (FaultRule& rule : faults_) {
    if (!rule.service.empty() && rule.service != request.service) continue;
    if (!rule.method.empty() && rule.method != request.method) continue;
    if (request.path.find(rule.path_contains) == std::string::npos) continue;
    ++rule.seen;
    if (rule.nth > 0 && rule.seen != rule.nth) continue;
    if (rule.seen < rule.from) continue;
    if (rule.nth == 0 && rule.count > 0 && rule.seen > rule.count) continue;
    return rule.action;
  }
  return {};
}

RequestPlan Faults::begin(const HttpRequest& request, bool counted) {
  const MutexLock lock(mutex_);
  RequestPlan plan;
  plan.number = next_++;
  for (KillRule& rule : kills_) {
    if (rule.done || (rule.when == KillPoint::kConnect && counted)) continue;
    if (++rule.seen != rule.request) continue;
    rule.done = true;
    if (rule.when == KillPoint::kReplied) {
      plan.kill_after_reply.push_back(rule.pid);
    } else {
      ::kill(rule.pid, SIGKILL);
    }
  }
  const std::string action = matching_action(request);
  if (action == "drop") {
    plan.drop = true;
  } else if (action.starts_with("status:")) {
    plan.status = static_cast<int>(parse_u64(std::string_view(action).substr(7)).value_or(500));
  } else if (action.starts_with("latency_ms:")) {
    plan.latency_ms = static_cast<int>(parse_u64(std::string_view(action).substr(11)).value_or(0));
  } else {
    plan.fault = action;
  }
  ++counts_[kind_of(request)];
  ++counts_["requests"];
  entries_.push_back({plan.number, request.service, request.method, request.path, action, 0,
                      clock_.unix_ns() / 1'000'000});
  if (entries_.size() > kLogEntriesMax) entries_.pop_front();
  return plan;
}

void Faults::end(const RequestPlan& plan, int status) {
  const MutexLock lock(mutex_);
  for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
    if (entry->number != plan.number) continue;
    entry->status = status;
    break;
  }
  for (const pid_t pid : plan.kill_after_reply) ::kill(pid, SIGKILL);
}

json::Value Faults::log() const {
  const MutexLock lock(mutex_);
  json::Array out;
  for (const Entry& entry : entries_) {
    json::Object line{{"n", entry.number},      {"service", entry.service},
                      {"method", entry.method}, {"path", entry.path},
                      {"status", entry.status}, {"started_ms", entry.started_ms}};
    if (!entry.fault.empty()) line.set("fault", entry.fault);
    out.emplace_back(std::move(line));
  }
  return out;
}

json::Value Faults::counts() const {
  const MutexLock lock(mutex_);
  json::Object out;
  for (const auto& [name, count] : counts_) out.set(name, count);
  return out;
}

}  // namespace apm::sim
