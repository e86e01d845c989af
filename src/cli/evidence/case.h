#pragma once

// One piece of evidence with everything that a verdict on it needs: its family, named inputs, a
// clock, and how far the checks go (docs/formats/evidence-cases.md lists the inputs). Comes from a
// case file, or from the words of a command line. A value; one thread.
//
// Errors: kInvalidArgument "case_malformed", "case_input_unknown", "case_input_unread" (no verifier
// of this family reads it), "case_input", and those of reading a file. kRefused
// "certificate_malformed" for a certificate of the evidence that cannot be read.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attestation/appraisal.h"
#include "base/bytes.h"
#include "base/json.h"
#include "base/result.h"

namespace apm::cli::evidence {

// Captured evidence often lacks collateral: a case file may say how far to look, and its clock is
// the archive's. Whatever decides something is judged in full, by the safe defaults.
enum class Rigour { kCaseFile, kFull };

class Case {
 public:
  // One element of "cases".
  [[nodiscard]] static Result<Case> from_json(const json::Value& value, std::string folder);
  // Evidence to be judged in full at `now_unix_s`. `evidence`: what was read already, and the name
  // of the input that it is.
  struct Given {
    std::string input;
    Bytes bytes;
  };
  [[nodiscard]] static Result<Case> from_words(std::string family, Given evidence,
                                               json::Object inputs, std::int64_t now_unix_s);

  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] const std::string& family() const { return family_; }
  [[nodiscard]] std::int64_t now_unix_s() const { return now_unix_s_; }
  [[nodiscard]] Rigour rigour() const { return rigour_; }
  [[nodiscard]] const std::string& stage() const { return stage_; }
  [[nodiscard]] attestation::Appraisal appraisal() const;

  [[nodiscard]] bool has(std::string_view input) const { return inputs_.find(input) != nullptr; }
  // "hex:..." is the value itself, anything else a file.
  [[nodiscard]] Result<Bytes> bytes(std::string_view input) const;
  // The same, nothing when the input is absent.
  [[nodiscard]] Result<std::optional<Bytes>> optional_bytes(std::string_view input) const;
  [[nodiscard]] Result<std::string> text(std::string_view input) const;  // the value itself
  [[nodiscard]] Result<bool> flag(std::string_view input) const;         // false when absent
  [[nodiscard]] Result<std::uint64_t> number(std::string_view input, std::uint64_t otherwise) const;
  // Whether the caller said what the evidence must have been made for.
  [[nodiscard]] bool knows_challenge() const;
  // A certificate, DER or PEM, as PEM.
  [[nodiscard]] Result<std::string> certificate_pem(std::string_view input) const;

 private:
  [[nodiscard]] Status check_inputs() const;

  std::string id_, family_, stage_, folder_;
  std::int64_t now_unix_s_ = 0;
  Rigour rigour_ = Rigour::kFull;
  Given evidence_;
  json::Object inputs_;
};

// The cases of a file, in its order; one that is malformed stands there with its error.
struct ListedCase {
  std::string id;  // "" when even that is missing
  Result<Case> made;
};
[[nodiscard]] Result<std::vector<ListedCase>> read_case_file(const std::string& path);

}  // namespace apm::cli::evidence
