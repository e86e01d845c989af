// What an evidence file would get from a server: explain with every rule, authorize --dry-run with
// the result alone. The server judges; nothing is issued, authorised or stored.

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/admin_verbs.h"
#include "cli/evidence/detect.h"
#include "cli/evidence/limits.h"
#include "cli/evidence/request.h"

namespace apm::cli {
namespace {

using evidence::Case;

constexpr const char* kUsage =
    "give the evidence file, or the JSON body of a login, and what comes with it as NAME=FILE, for "
    "example vek=vcek.der, collateral=tdx.json (docs/operations/authorising.md)";

Error usage(std::string message) {
  return Error(Code::kInvalidArgument, "usage", std::move(message));
}

Result<json::Object> inputs_of(const std::vector<std::string>& words) {
  json::Object inputs;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::size_t equals = words[i].find('=');
    if (equals == std::string::npos) return usage(kUsage);
    const std::string name = words[i].substr(0, equals);
    if (inputs.find(name) != nullptr) return usage(concat(name, " is given twice"));
    inputs.set(name, words[i].substr(equals + 1));
  }
  return inputs;
}

Result<json::Object> evidence_of(const std::vector<std::string>& words) {
  if (words.empty()) return usage(kUsage);
  APM_TRY(const Bytes raw, read_file(words.front(), evidence::kInputBytesMax));
  APM_TRY(json::Object inputs, inputs_of(words));
  if (trim(as_text(raw)).starts_with('{')) {
    if (!inputs.empty()) return usage("a login's body takes no other input");
    return evidence::explain_request(raw);
  }
  APM_TRY(const evidence::Kind kind, evidence::detect(raw));
  APM_TRY(const Case c, Case::from_words(kind.family, {kind.input, raw}, std::move(inputs),
                                         SystemClock().unix_s()));
  return evidence::explain_request(c);
}

Result<json::Object> request_of(const Arguments& args) {
  APM_TRY(json::Object out, evidence_of(args.positional()));
  if (!args.has("at")) return out;
  const auto at = parse_rfc3339_s(args.get("at"));
  if (!at) return usage("-at must be a time such as 2026-11-24T00:00:00Z");
  out.set("at", *at);
  return out;
}

std::string text(const json::Value& value, std::string_view name) {
  const json::Value* found = value.at(name);
  return found == nullptr || found->is_null() ? "" : cell(*found);
}

bool flag(const json::Value& value, std::string_view name) {
  const json::Value* found = value.at(name);
  return found != nullptr && found->as_bool() != nullptr && *found->as_bool();
}

const json::Array& list(const json::Value& value, std::string_view name) {
  static const json::Array none;
  const json::Value* found = value.at(name);
  return found == nullptr || found->as_array() == nullptr ? none : *found->as_array();
}

enum class Rules { kAll, kFailed };

std::string outcome_of(const json::Value& rule) {
  const json::Value* holds = rule.at("holds");
  if (holds != nullptr && holds->is_null()) return "not checked";
  return flag(rule, "holds") ? "holds" : "FAILS";
}

void print_rules(const json::Value& answer, Rules which) {
  std::vector<Row> rows;
  for (const json::Value& rule : list(answer, "rules")) {
    const std::string outcome = outcome_of(rule);
    if (outcome != "FAILS" && which == Rules::kFailed) continue;
    rows.push_back({text(rule, "stage"), text(rule, "rule"), outcome, text(rule, "found"),
                    text(rule, "wanted")});
  }
  if (rows.empty()) return;
  print(table({"Stage", "Rule", "", "Found", "Wanted"}, rows));
  print("");
}

// `claim` operator wanted, found: of the conditions that stand in the way.
std::string why_not(const json::Value& authorisation) {
  std::string out;
  for (const json::Value& rule : list(authorisation, "claims")) {
    if (flag(rule, "passed") || flag(rule, "excused")) continue;
    const std::string found = text(rule, "found");
    out += concat(out.empty() ? "" : "; ", text(rule, "claim"), " ", text(rule, "operator"), " ",
                  text(rule, "wanted"), ", found ", found.empty() ? "nothing" : found);
  }
  return out;
}

void print_authorisations(const json::Value& answer) {
  std::vector<Row> rows;
  for (const json::Value& one : list(answer, "authorizations")) {
    rows.push_back({text(one, "secret"), text(one, "kind"), text(one, "id"),
                    flag(one, "applies") ? "applies" : "DOES NOT APPLY", why_not(one)});
  }
  print("");
  if (rows.empty()) {
    print("No authorization names this workload.");
  } else {
    print(table({"Secret", "Kind", "Authorization", "", "Why not"}, rows));
  }
}

void print_verdict(const json::Value& answer) {
  if (text(answer, "verdict") == "accept") {
    print("This evidence would be accepted");
  } else {
    print(concat("This evidence would be REFUSED: ", text(answer, "reason"), ": ",
                 text(answer, "message")));
  }
  if (!flag(answer, "login_supported")) {
    print(concat("Login:        NONE: evidence of this family cannot answer a challenge: ",
                 text(answer, "family")));
  }
  print(concat("Challenge:    ", text(answer, "binding")));
  if (answer.at("enclave_id") == nullptr) return;
  const std::string enclave = text(answer, "enclave_id");
  const std::string signer = text(answer, "signer_id");
  print(concat("Trust anchor: ", text(answer, "trust_anchor"),
               flag(answer, "vendor_anchor") ? "" : " (NOT A VENDOR'S)"));
  print(concat("Enclave ID:   ", enclave.empty() ? "none" : enclave));
  print(concat("Signer ID:    ",
               signer.empty() ? concat("none: ", text(answer, "signer_reason")) : signer));
  print_authorisations(answer);
}

int ask(Session& session, const Arguments& args, Rules rules) {
  const auto request = request_of(args);
  if (!request.ok()) return fail(request.error());
  const auto answer = session.call("PUT", "auth/apm/explain", &*request);
  if (!answer.ok()) return fail(answer.error());
  if (!answer->success()) {
    return fail_remote("explaining evidence", answer->status, answer->errors());
  }
  const json::Value* data = answer->data();
  if (data == nullptr) return fail(Error(Code::kInternal, "the server's answer has no data"));
  if (session.format() == Format::kJson) {
    print(json::write_pretty(*data));
  } else {
    print_rules(*data, rules);
    print_verdict(*data);
  }
  return text(*data, "verdict") == "accept" ? kOk : kRemoteFailure;
}

int dry_run(Session& session, const Arguments& args) {
  if (!args.has("dry-run")) {
    return fail(usage("give authorize enclave, authorize signer, or authorize --dry-run EVIDENCE"));
  }
  return ask(session, args, Rules::kFailed);
}

}  // namespace

std::vector<Verb> explain_verbs() {
  return {{{"explain"},
           "every rule that a login with an evidence file would meet: explain FILE [NAME=FILE ...]",
           {.with_value = {"at"}, .plain = {}},
           [](Session& s, const Arguments& a) { return ask(s, a, Rules::kAll); }},
          {{"authorize"},
           "--dry-run FILE [NAME=FILE ...]: what an evidence file would get, authorizing nothing",
           {.with_value = {"at"}, .plain = {"dry-run"}},
           dry_run}};
}

}  // namespace apm::cli
