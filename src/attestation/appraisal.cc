#include "attestation/appraisal.h"

#include <array>

#include "base/text.h"

namespace apm::attestation {
namespace {

constexpr std::array kStages{Stage::kFormat,    Stage::kAlgorithm, Stage::kChain,
                             Stage::kValidity,  Stage::kSignature, Stage::kBinding,
                             Stage::kFreshness, Stage::kTcb,       Stage::kPolicy};

Error refusal(const Rule& rule) {
  return Error(Code::kRefused, rule.reason, concat("found ", rule.found, "; wanted ", rule.wanted));
}

}  // namespace

std::string_view stage_name(Stage stage) {
  switch (stage) {
    case Stage::kFormat: return "format";
    case Stage::kAlgorithm: return "algorithm";
    case Stage::kChain: return "chain";
    case Stage::kValidity: return "validity";
    case Stage::kSignature: return "signature";
    case Stage::kBinding: return "binding";
    case Stage::kFreshness: return "freshness";
    case Stage::kTcb: return "tcb";
    case Stage::kPolicy: return "policy";
  }
  return "";
}

std::optional<Stage> stage_of(std::string_view name) {
  for (const Stage stage : kStages) {
    if (stage_name(stage) == name) return stage;
  }
  return std::nullopt;
}

Status Appraisal::require(bool holds, Rule rule) {
  entries_.push_back({std::move(rule), holds});
  if (holds) return {};
  return refusal(entries_.back().rule);
}

Status Appraisal::require(const Status& outcome, Stage stage, std::string_view rule) {
  if (outcome.ok()) {
    entries_.push_back({{stage, std::string(rule), "as required", ""}, true});
    return {};
  }
  entries_.push_back({{stage, outcome.error().reason, outcome.error().message, ""}, false});
  return outcome.error();
}

void Appraisal::expect(bool holds, Rule rule) { entries_.push_back({std::move(rule), holds}); }

Status Appraisal::verdict() const {
  for (const Entry& entry : entries_) {
    if (entry.holds) continue;
    if (entry.rule.wanted.empty()) {
      return Error(Code::kRefused, entry.rule.reason, entry.rule.found);
    }
    return refusal(entry.rule);
  }
  return {};
}

json::Array Appraisal::explain() const {
  json::Array out;
  for (const Entry& entry : entries_) {
    json::Object line{{"rule", entry.rule.reason},
                      {"stage", stage_name(entry.rule.stage)},
                      {"holds", entry.holds},
                      {"found", entry.rule.found}};
    if (!entry.rule.wanted.empty()) line.set("wanted", entry.rule.wanted);
    out.emplace_back(std::move(line));
  }
  return out;
}

}  // namespace apm::attestation
