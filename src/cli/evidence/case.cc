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

// Which families read an input. Any other is refused: a floor that nobody looks at must not look as
// if it held.
struct Input {
  std::string_view name;
  std::string_view families;
};
constexpr Input kInputs[] = {
    {"root", "snp azure nitro sgx tdx"},
    {"report", "snp"},
    {"extended", "snp"},
    {"vek", "snp azure"},
    {"intermediate", "snp azure"},
    {"thim", "snp azure"},
    {"crl", "snp azure"},
    {"host_data_preimage", "snp"},
    {"report_data", "snp sgx tdx"},
    {"report_data_preimage", "sgx tdx"},
    {"policy_vmpl_max", "snp azure maa"},
    {"policy_min_reported_snp_spl", "snp azure"},
    {"allow_vlek", "snp azure"},
    {"allow_debug", "snp azure nitro maa sgx tdx"},
    {"hcl", "azure"},
    {"td_quote", "azure"},
    {"ak", "azure tpm"},
    {"tpm_msg", "azure tpm"},
    {"tpm_sig", "azure tpm"},
    {"tpm_sig_raw", "azure tpm"},
    {"tpm_sig_tpmt", "azure tpm"},
    {"pcrs", "azure tpm"},
    {"eventlog", "azure tpm"},
    {"nonce", "azure tpm nitro maa"},
    {"doc", "nitro"},
    {"jwt", "maa"},
    {"jwks", "maa"},
    {"expected_issuer", "maa"},
    {"quote", "sgx tdx"},
    {"ccel", "tdx"},
    {"collateral", "azure sgx tdx"},
    {"tcb_info", "azure sgx tdx"},
    {"tcb_chain", "azure sgx tdx"},
    {"qe_identity", "azure sgx tdx"},
    {"qe_chain", "azure sgx tdx"},
    {"pck_crl", "azure sgx tdx"},
    {"root_crl", "azure sgx tdx"},
};
// Two that say the same thing: judged in full, only one may be given.
constexpr std::pair<std::string_view, std::string_view> kExclusive[] = {
    {"vek", "thim"},
    {"collateral", "tcb_info"},
    {"collateral", "tcb_chain"},
    {"collateral", "qe_identity"},
    {"collateral", "qe_chain"},
    {"collateral", "pck_crl"},
    {"collateral", "root_crl"},
    {"tpm_sig", "tpm_sig_raw"},
    {"tpm_sig", "tpm_sig_tpmt"},
    {"tpm_sig_raw", "tpm_sig_tpmt"},
    {"report_data", "report_data_preimage"},
    {"hcl", "ak"},
};

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

const Input* find_input(std::string_view name) {
  const auto* found = std::ranges::find(kInputs, name, &Input::name);
  return found == std::end(kInputs) ? nullptr : found;
}

bool reads(const Input& input, std::string_view family) {
  const auto families = split(input.families, ' ');
  return std::ranges::find(families, family) != families.end();
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

Result<Case> Case::from_words(std::string family, Given evidence, json::Object inputs,
                              std::int64_t now_unix_s) {
  Case out;
  out.family_ = std::move(family);
  out.stage_ = "all";
  if (inputs.find(evidence.input) != nullptr) {
    return bad_input(evidence.input, "is the evidence file itself: do not give it again");
  }
  out.inputs_ = std::move(inputs);
  out.inputs_.set(evidence.input, "");
  out.evidence_ = std::move(evidence);
  out.now_unix_s_ = now_unix_s;
  APM_CHECK_OK(out.check_inputs());
  return out;
}

Status Case::check_inputs() const {
  if (std::ranges::find(kFamilies, family_) == kFamilies.end()) {
    return malformed(concat("the evidence family '", family_, "' is not known"));
  }
  for (const auto& [name, value] : inputs_) {
    const Input* input = find_input(name);
    if (input == nullptr) {
      return Error(Code::kInvalidArgument, "case_input_unknown",
                   concat("there is no input '", name, "': see docs/formats/evidence-cases.md"));
    }
    if (!reads(*input, family_)) {
      return Error(Code::kInvalidArgument, "case_input_unread",
                   concat("input ", name, " says nothing about ", family_, " evidence"));
    }
  }
  for (const auto& [one, other] : kExclusive) {
    if (rigour_ == Rigour::kFull && has(one) && has(other)) {
      return bad_input(one, concat("and ", other, " exclude each other: give one"));
    }
  }
  return {};
}

attestation::Appraisal Case::appraisal() const {
  const auto last = attestation::stage_of(stage_);
  return last ? attestation::Appraisal(*last) : attestation::Appraisal();
}

bool Case::knows_challenge() const {
  return has("nonce") || has("report_data") || has("report_data_preimage");
}

Result<Bytes> Case::bytes(std::string_view input) const {
  if (!evidence_.input.empty() && input == evidence_.input) return evidence_.bytes;
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
  if (!certificate.ok() && input == "root") return bad_input(input, "is not a certificate");
  if (!certificate.ok()) {
    return Error(Code::kRefused, "certificate_malformed",
                 concat("input ", input, " is not a certificate"));
  }
  return certificate->pem();
}

Result<std::vector<ListedCase>> read_case_file(const std::string& path) {
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
  std::vector<ListedCase> out;
  for (const json::Value& value : *list->as_array()) {
    const std::string* id = value.string_at("id");
    out.push_back({id == nullptr ? "" : *id, Case::from_json(value, folder_of(path))});
  }
  return out;
}

}  // namespace apm::cli::evidence
