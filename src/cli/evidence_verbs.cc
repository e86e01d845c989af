// Looks at evidence: verify, identify. No server of ours is asked, and no network but by
// `verify --fetch-collateral`.

#include <algorithm>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/admin_verbs.h"
#include "cli/evidence/detect.h"
#include "cli/evidence/fetch.h"
#include "cli/evidence/identify.h"
#include "cli/evidence/judge.h"
#include "cli/evidence/limits.h"

namespace apm::cli {
namespace {

using evidence::Case;
using evidence::Outcome;
using evidence::Verdict;

constexpr const char* kUsage =
    "give the evidence file, and what it is judged by as NAME=FILE or NAME=hex:..., for example "
    "vek=vcek.der, collateral=tdx.json, nonce=hex:00ff (docs/formats/evidence-cases.md)";

Error usage(std::string message) {
  return Error(Code::kInvalidArgument, "usage", std::move(message));
}

// A mirror of Intel's service (a PCCS) has the root's list, too.
endorsements::Sources sources_of(const Arguments& args) {
  endorsements::Sources sources;
  sources.amd_kds = args.get("kds", sources.amd_kds);
  sources.intel_pcs = args.get("pcs", sources.intel_pcs);
  if (args.has("pcs")) {
    sources.intel_root_crl = concat(sources.intel_pcs, "/sgx/certification/v4/rootcacrl");
  }
  sources.intel_root_crl = args.get("root-crl", sources.intel_root_crl);
  sources.ca_file = args.get("mirror-ca");
  return sources;
}

Status check_fetch_flags(const Arguments& args) {
  if (args.has("fetch-collateral")) return {};
  for (const char* flag : {"kds", "pcs", "root-crl", "mirror-ca"}) {
    if (args.has(flag)) return usage(concat("-", flag, " says where --fetch-collateral fetches"));
  }
  return {};
}

// FILE NAME=VALUE ...; `-at` is the clock, now without it.
Result<Case> case_of(const Arguments& args) {
  if (args.positional().empty()) return usage(kUsage);
  const std::string& file = args.positional().front();
  APM_TRY(const Bytes raw, read_file(file, evidence::kInputBytesMax));
  APM_TRY(const evidence::Kind kind, evidence::detect(raw));
  json::Object inputs;
  for (std::size_t i = 1; i < args.positional().size(); ++i) {
    const std::string& word = args.positional()[i];
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos) return usage(kUsage);
    const std::string name = word.substr(0, equals);
    if (inputs.find(name) != nullptr) return usage(concat(name, " is given twice"));
    inputs.set(name, word.substr(equals + 1));
  }
  std::int64_t now = SystemClock().unix_s();
  if (args.has("at")) {
    const auto at = parse_rfc3339_s(args.get("at"));
    if (!at) return usage("-at must be a time such as 2026-11-24T00:00:00Z");
    now = *at;
  }
  APM_CHECK_OK(check_fetch_flags(args));
  if (args.has("fetch-collateral")) {
    APM_TRY(inputs, evidence::with_fetched({kind, raw, std::move(inputs), now, sources_of(args)}));
  }
  return Case::from_words(kind.family, {kind.input, raw}, std::move(inputs), now);
}

json::Object describe(const Verdict& verdict) {
  return json::Object{
      {"verdict", verdict.verdict}, {"stage", verdict.stage}, {"reason", verdict.reason}};
}

// A case that cannot be judged gets a row of its own, and the rest go on; the exit code then says
// so.
int verify_cases(Session& session, const Arguments& args) {
  if (!args.positional().empty() || args.has("at") || args.has("fetch-collateral")) {
    return fail(
        usage("--cases FILE takes no other evidence, no -at and no --fetch-collateral: each "
              "case has its own"));
  }
  const auto cases = evidence::read_case_file(args.get("cases"));
  if (!cases.ok()) return fail(cases.error());
  json::Array list;
  std::vector<Row> rows;
  int code = kOk;
  for (const auto& [id, one] : *cases) {
    const auto outcome = one.ok() ? evidence::judge(*one) : Result<Outcome>(one.error());
    Verdict verdict;
    if (outcome.ok()) {
      verdict = evidence::verdict_of(*one, *outcome);
    } else {
      print_error(concat("case ", id, ": ", outcome.error().message));
      verdict = {"error", "", outcome.error().reason, outcome.error().message};
      code = kLocalFailure;
    }
    json::Object line{{"id", id}};
    for (const auto& [name, value] : describe(verdict)) line.set(name, value);
    list.emplace_back(std::move(line));
    rows.push_back({id, verdict.verdict, verdict.stage, verdict.reason});
  }
  print(session.format() == Format::kJson ? json::write_pretty(json::Value(std::move(list)))
                                          : table({"Case", "Verdict", "Stage", "Reason"}, rows));
  return code;
}

json::Value or_null(const std::string& text) {
  return text.empty() ? json::Value() : json::Value(text);
}

void print_json(const Case& c, const Outcome& outcome, const Verdict& verdict) {
  json::Object out = describe(verdict);
  out.set("family", outcome.result ? outcome.result->family : c.family());
  if (!verdict.message.empty()) out.set("message", verdict.message);
  out.set("challenge_checked", c.knows_challenge());
  out.set("rules", outcome.appraisal.explain());
  if (outcome.result && verdict.verdict == "accept") {
    out.set("enclave_id", or_null(outcome.result->enclave_id));
    out.set("signer_id", or_null(outcome.result->signer.signer_id));
    out.set("trust_anchor", outcome.result->trust_anchor);
    out.set("vendor_anchor", outcome.result->vendor_anchor);
    out.set("claims", outcome.result->claims);
  }
  print(json::write_pretty(json::Value(std::move(out))));
}

void print_table(const Case& c, const Outcome& outcome, const Verdict& verdict) {
  std::vector<Row> rows;
  for (const auto& entry : outcome.appraisal.entries()) {
    rows.push_back({std::string(attestation::stage_name(entry.rule.stage)), entry.rule.reason,
                    entry.holds ? "holds" : "FAILS", entry.rule.found, entry.rule.wanted});
  }
  print(table({"Stage", "Rule", "", "Found", "Wanted"}, rows));
  print("");
  if (verdict.verdict != "accept") {
    print(concat("Refused: ", verdict.reason, ": ", verdict.message));
    return;
  }
  print("Accepted");
  if (!c.knows_challenge()) {
    print("Freshness:    NOT CHECKED: no nonce or report_data was given, so this may be a replay");
  }
  if (!outcome.result) return;
  const attestation::EvidenceResult& result = *outcome.result;
  print(concat("Trust anchor: ", result.trust_anchor,
               result.vendor_anchor ? "" : " (NOT A VENDOR'S)"));
  print(concat("Enclave ID:   ", result.enclave_id.empty() ? "none" : result.enclave_id));
  print(concat("Signer ID:    ", result.signer.exists() ? result.signer.signer_id
                                                        : concat("none: ", result.signer.reason)));
}

int verify(Session& session, const Arguments& args) {
  if (args.has("cases")) return verify_cases(session, args);
  const auto c = case_of(args);
  if (!c.ok()) return fail(c.error());
  const auto outcome = evidence::judge(*c);
  if (!outcome.ok()) return fail(outcome.error());
  const Verdict verdict = evidence::verdict_of(*c, *outcome);
  if (session.format() == Format::kJson) {
    print_json(*c, *outcome, verdict);
  } else {
    print_table(*c, *outcome, verdict);
  }
  return verdict.verdict == "accept" ? kOk : kRemoteFailure;
}

int identify(Session& session, const Arguments& args) {
  const auto c = case_of(args);
  if (!c.ok()) return fail(c.error());
  const auto identity = evidence::identify(*c);
  if (!identity.ok()) return fail(identity.error());
  const auto why = [](const std::string& id, const std::string& reason) {
    return id.empty() ? concat("none: ", reason) : id;
  };
  if (session.format() == Format::kJson) {
    json::Object out{{"family", identity->family},
                     {"verified", false},
                     {"enclave_id", or_null(identity->enclave_id)},
                     {"signer_id", or_null(identity->signer.signer_id)}};
    if (identity->enclave_id.empty()) out.set("enclave_reason", identity->enclave_reason);
    if (!identity->signer.exists()) out.set("signer_reason", identity->signer.reason);
    print(json::write_pretty(json::Value(std::move(out))));
    return kOk;
  }
  print(table({"Key", "Value"},
              {{"family", identity->family},
               {"verified", "no: identify only reads; see verify"},
               {"enclave_id", why(identity->enclave_id, identity->enclave_reason)},
               {"signer_id", why(identity->signer.signer_id, identity->signer.reason)}}));
  return kOk;
}

}  // namespace

std::vector<Verb> evidence_verbs() {
  return {
      {{"verify"},
       "judge an evidence file: verify FILE [NAME=FILE ...] [--fetch-collateral], or --cases FILE",
       {.with_value = {"cases", "at", "kds", "pcs", "root-crl", "mirror-ca"},
        .plain = {"fetch-collateral"}},
       verify},
      {{"identify"},
       "print the ids in an evidence file, without judging it",
       {.with_value = {}, .plain = {}},
       identify}};
}

}  // namespace apm::cli
