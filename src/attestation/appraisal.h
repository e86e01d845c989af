#pragma once

// The record of an appraisal (RFC 9334): every rule that a verifier tried on a piece of evidence,
// with what it found, in the order of trying. Verdicts and explanations both come from it, so that
// what an operator is told is what was decided.
//
// Two kinds of rule. After one that `require`s (a signature, a chain, a layout) nothing later can
// be believed: the verifier returns at once. Rules that `expect` (debug off, a patch level) are all
// tried, so that an operator sees the whole list; `verdict` then refuses with the first that
// failed.
//
// A value: one thread, one piece of evidence. Rules hold public values only, never a secret.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace apm::attestation {

// What a rule is about. A verifier that is told to stop after one (`Appraisal(last)`) skips the
// rules of later stages; only case files (`verify --cases`) and tests do that.
enum class Stage {
  kFormat,     // sizes, versions, reserved bits, strict encodings
  kAlgorithm,  // the algorithms named are the ones that are accepted
  kChain,      // a path to a pinned trust anchor
  kValidity,   // certificates, collateral and tokens at the given time
  kSignature,  // the evidence under the key at the end of the path
  kBinding,    // parts belong together: AK and report, PCRs and quote, log and registers
  kFreshness,  // nonce, report data
  kTcb,        // patch levels and status by the vendor's collateral
  kPolicy,     // what the relying party asks for
};
[[nodiscard]] std::string_view stage_name(Stage stage);  // "format", ...
[[nodiscard]] std::optional<Stage> stage_of(std::string_view name);

struct Rule {
  Stage stage = Stage::kFormat;
  std::string reason;  // the code of the refusal when it does not hold: "snp_debug_allowed"
  std::string found;   // the value looked at, for people
  std::string wanted;  // what it must be; when the rule fails, the message says both
};

class Appraisal {
 public:
  Appraisal() = default;
  explicit Appraisal(Stage last) : last_(last) {}

  // False when rules of this stage are not wanted.
  [[nodiscard]] bool covers(Stage stage) const { return !last_ || stage <= *last_; }

  // kRefused with the rule's reason when it does not hold.
  [[nodiscard]] Status require(bool holds, Rule rule);
  // The same for a step that was tried elsewhere. `rule` names it when it passed; when it failed,
  // its own reason and message do.
  [[nodiscard]] Status require(const Status& outcome, Stage stage, std::string_view rule);
  void expect(bool holds, Rule rule);

  // The first rule that failed, as kRefused.
  [[nodiscard]] Status verdict() const;

  struct Entry {
    Rule rule;
    bool holds = false;
  };
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  // [{"rule", "stage", "holds", "found", "wanted"}]
  [[nodiscard]] json::Array explain() const;

 private:
  std::optional<Stage> last_;
  std::vector<Entry> entries_;
};

}  // namespace apm::attestation
