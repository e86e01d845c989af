#include "cli/evidence/case.h"

#include <algorithm>
#include <array>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/evidence/limits.h"
#include "crypto/x509.h"

namespace apm::cli::evidence {
namespace {

constexpr std::array<std::string_view, 7> kFamilies = {"snp",   "azure", "tpm", "maa",
                                                       "nitro", "sgx",   "tdx"};
// Every input that some family reads. Another one is refused: a floor that nobody looks at must not
// look as if it held.
constexpr std::array<std::string_view, 37> kInputs = {"report",
                                                      "extended",
                                                      "vek",
                                                      "intermediate",
                                                      "root",
                                                      "thim",
                                                      "crl",
                                                      "host_data_preimage",
                                                      "report_data",
                                                      "report_data_preimage",
                                                      "policy_vmpl_max",
                                                      "policy_min_reported_snp_spl",
                                                      "allow_vlek",
                                                      "allow_debug",
                                                      "hcl",
                                                      "td_quote",
                                                      "ak",
                                                      "tpm_msg",
                                                      "tpm_sig",
                                                      "tpm_sig_raw",
                                                      "tpm_sig_tpmt",
                                                      "pcrs",
                                                      "eventlog",
                                                      "nonce",
                                                      "doc",
                                                      "jwt",
                                                      "jwks",
                                                      "expected_issuer",
                                                      "quote",
                                                      "ccel",
                                                      "collateral",
                                                      "tcb_info",
                                                      "tcb_chain",
                                                      "qe_identity",
                                                      "qe_chain",
                                                      "pck_crl",
                                                      "root_crl"};

Error malformed(std::string message) {
  return Error(Code::kInvalidArgument, "case_malformed", std::move(message));
}

Error bad_input(std::string_view input, std::string_view why) {
  return Error(Code::kInvalidArgument, "case_input", concat("input ", input, " ", why));
}

Result<std::string> member(const json::Value& value, std::string_view name) {
  const std::string* text = value.string_at(name);
  if (text == nullptr) return malformed(concat("a case needs the text ", name));
  return *text;
}

bool known_input(std::string_view name) {
  return std::ranges::find(kInputs, name) != kInputs.end();
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

}  // namespace

Result<Case> Case::from_json(const json::Value& value, std::string folder) {
  Case out;
  APM_TRY(out.id_, member(value, "id"));
  APM_TRY(out.family_, member(value, "family"));
  APM_TRY(out.stage_, member(value, "stage"));
  APM_TRY(const std::string clock, member(value, "verify_time"));
  const auto now = parse_rfc3339_s(clock);
  const json::Value* inputs = value.at("inputs");
  if (!now || inputs == nullptr || inputs->as_object() == nullptr) {
    return malformed(concat("case ", out.id_, " needs a verify_time (RFC 3339) and inputs"));
  }
  if (out.stage_ != "all" && out.stage_ != "quote" && !attestation::stage_of(out.stage_)) {
    return malformed(concat("case ", out.id_, " names the stage '", out.stage_,
                            "', which is not one of docs/formats/evidence-cases.md"));
  }
  out.now_unix_s_ = *now;
  out.inputs_ = *inputs->as_object();
  out.folder_ = std::move(folder);
  out.rigour_ = Rigour::kCaseFile;
  const Status checked = out.check_inputs();
  if (!checked.ok()) return checked.error().within("case " + out.id_);
  return out;
}

Result<Case> Case::from_words(std::string family, json::Object inputs, std::int64_t now_unix_s) {
  Case out;
  out.family_ = std::move(family);
  out.stage_ = "all";
  out.inputs_ = std::move(inputs);
  out.now_unix_s_ = now_unix_s;
  APM_CHECK_OK(out.check_inputs());
  return out;
}

Status Case::check_inputs() const {
  if (std::ranges::find(kFamilies, family_) == kFamilies.end()) {
    return malformed(concat("the evidence family '", family_, "' is not known"));
  }
  for (const auto& [name, value] : inputs_) {
    if (known_input(name)) continue;
    return Error(Code::kInvalidArgument, "case_input_unknown",
                 concat("there is no input '", name, "': see docs/formats/evidence-cases.md"));
  }
  return {};
}

attestation::Appraisal Case::appraisal() const {
  const auto last = attestation::stage_of(stage_);
  return last ? attestation::Appraisal(*last) : attestation::Appraisal();
}

Result<Bytes> Case::bytes(std::string_view input) const {
  APM_TRY(const std::string word, text(input));
  if (word.starts_with("hex:")) {
    const auto raw = hex_decode(std::string_view(word).substr(4));
    if (!raw.ok()) return bad_input(input, "is not hexadecimal behind hex:");
    return *raw;
  }
  auto raw = read_file(word.starts_with('/') ? word : folder_ + word, kInputBytesMax);
  if (!raw.ok()) return raw.error().within(concat("input ", input));
  return raw;
}

Result<std::optional<Bytes>> Case::optional_bytes(std::string_view input) const {
  if (!has(input)) return std::optional<Bytes>();
  APM_TRY(Bytes raw, bytes(input));
  return std::optional<Bytes>(std::move(raw));
}

Result<std::string> Case::text(std::string_view input) const {
  const json::Value* value = inputs_.find(input);
  const std::string* word = value == nullptr ? nullptr : value->as_string();
  if (word == nullptr) return bad_input(input, has(input) ? "must be text" : "is missing");
  return *word;
}

Result<bool> Case::flag(std::string_view input) const {
  const json::Value* value = inputs_.find(input);
  if (value == nullptr) return false;
  if (value->as_bool() != nullptr) return *value->as_bool();
  const std::string* word = value->as_string();
  if (word != nullptr && (*word == "true" || *word == "false")) return *word == "true";
  return bad_input(input, "must be true or false");
}

Result<std::uint64_t> Case::number(std::string_view input, std::uint64_t otherwise) const {
  const json::Value* value = inputs_.find(input);
  if (value == nullptr) return otherwise;
  auto number = value->as_uint();
  if (!number && value->as_string() != nullptr) number = parse_u64(*value->as_string());
  if (!number) return bad_input(input, "must be a number");
  return *number;
}

Result<std::string> Case::certificate_pem(std::string_view input) const {
  APM_TRY(const Bytes raw, bytes(input));
  if (as_text(raw).find("-----BEGIN") != std::string_view::npos) return std::string(as_text(raw));
  const auto certificate = crypto::Certificate::from_der(raw);
  if (!certificate.ok()) return bad_input(input, "is not a certificate");
  return certificate->pem();
}

Result<std::vector<Case>> read_case_file(const std::string& path) {
  APM_TRY(const Bytes raw, read_file(path, kCaseFileBytesMax));
  json::Limits limits;
  limits.bytes_max = kCaseFileBytesMax;
  limits.values_max = kCaseFileValuesMax;
  auto document = json::parse(raw, limits);
  if (!document.ok()) return document.error().within(path);
  const json::Value* list = document->at("cases");
  if (list == nullptr || list->as_array() == nullptr) {
    return malformed(concat(path, " has no list \"cases\""));
  }
  std::vector<Case> out;
  for (const json::Value& value : *list->as_array()) {
    APM_TRY(Case one, Case::from_json(value, folder_of(path)));
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace apm::cli::evidence
