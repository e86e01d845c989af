#include "cli/evidence/amd_inputs.h"

#include "base/text.h"

namespace apm::cli::evidence {
namespace {

constexpr std::uint64_t kVmplMax = 3;

}  // namespace

Result<attestation::snp::Anchors> amd_anchors(const Case& c) {
  if (!c.has("root")) return attestation::snp::Anchors::vendor();
  attestation::snp::Anchors anchors = attestation::snp::Anchors::none();
  APM_TRY(const std::string pem, c.certificate_pem("root"));
  APM_CHECK_OK(anchors.add_named("case", pem));
  return anchors;
}

Result<attestation::snp::Endorsements> amd_endorsements(const Case& c) {
  attestation::snp::Endorsements out;
  if (c.has("vek")) {
    APM_TRY(out.chain_pem, c.certificate_pem("vek"));
    if (c.has("intermediate")) {
      APM_TRY(const std::string intermediate, c.certificate_pem("intermediate"));
      out.chain_pem += intermediate;
    }
    return out;
  }
  if (c.has("thim")) {
    APM_TRY(const Bytes thim, c.bytes("thim"));
    out.thim_json = as_text(thim);
  }
  return out;
}

Result<attestation::snp::Floor> snp_floor(const Case& c) {
  const bool capture = c.rigour() == Rigour::kCaseFile;
  attestation::snp::Floor floor;
  APM_TRY(const bool vlek, c.flag("allow_vlek"));
  floor.allow_vlek = vlek || (capture && !c.has("allow_vlek"));
  APM_TRY(floor.allow_debug, c.flag("allow_debug"));
  APM_TRY(const std::uint64_t vmpl, c.number("policy_vmpl_max", capture ? kVmplMax : 0));
  if (vmpl > kVmplMax) {
    return Error(Code::kInvalidArgument, "case_input", "input policy_vmpl_max must be at most 3");
  }
  floor.vmpl_max = static_cast<std::uint32_t>(vmpl);
  APM_TRY(const std::uint64_t level, c.number("policy_min_reported_snp_spl", 0));
  if (level > 255) {
    return Error(Code::kInvalidArgument, "case_input",
                 "input policy_min_reported_snp_spl must be at most 255");
  }
  floor.minimum.snp = static_cast<std::uint8_t>(level);
  return floor;
}

}  // namespace apm::cli::evidence
