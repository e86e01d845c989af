#include "attestation/claim_names.h"

#include <algorithm>

#include "base/text.h"

namespace apm::attestation {
namespace {

constexpr std::size_t kRegisterDigitsMax = 2;

bool is_register(std::string_view text) {
  const bool canonical = text == "0" || !text.starts_with('0');
  return canonical && text.size() <= kRegisterDigitsMax && parse_u64(text).has_value();
}

// `*` stands for one part or more, `#` for one.
bool matches(std::string_view pattern, std::string_view path) {
  const char last = pattern.back();
  if (last != '#' && last != '*') return pattern == path;
  pattern.remove_suffix(1);
  if (!path.starts_with(pattern) || path.size() == pattern.size()) return false;
  return last == '*' || is_register(path.substr(pattern.size()));
}

}  // namespace

const std::vector<std::string_view>& claim_names() {
  static const std::vector<std::string_view> names = {
      "family", "trust_anchor", "enclave_id", "signer_id",
      // EAT
      "eat_profile", "eat_nonce", "oemid", "hwmodel", "dbgstat", "signer_common_name",
      // SEV-SNP
      "sevsnp.report_version", "sevsnp.product", "sevsnp.signing_key", "sevsnp.csp_id",
      "sevsnp.chip_id", "sevsnp.measurement", "sevsnp.host_data", "sevsnp.report_data",
      "sevsnp.report_id", "sevsnp.id_key_digest", "sevsnp.author_key_digest", "sevsnp.family_id",
      "sevsnp.image_id", "sevsnp.guest_svn", "sevsnp.vmpl", "sevsnp.policy.raw",
      "sevsnp.policy.abi", "sevsnp.policy.smt", "sevsnp.policy.migrate_ma", "sevsnp.policy.debug",
      "sevsnp.policy.single_socket", "sevsnp.reported_tcb.bootloader", "sevsnp.reported_tcb.tee",
      "sevsnp.reported_tcb.snp", "sevsnp.reported_tcb.microcode", "sevsnp.reported_tcb.fmc",
      "sevsnp.committed_tcb.bootloader", "sevsnp.committed_tcb.tee", "sevsnp.committed_tcb.snp",
      "sevsnp.committed_tcb.microcode", "sevsnp.committed_tcb.fmc", "sevsnp.current_tcb.bootloader",
      "sevsnp.current_tcb.tee", "sevsnp.current_tcb.snp", "sevsnp.current_tcb.microcode",
      "sevsnp.current_tcb.fmc", "sevsnp.launch_tcb.bootloader", "sevsnp.launch_tcb.tee",
      "sevsnp.launch_tcb.snp", "sevsnp.launch_tcb.microcode", "sevsnp.launch_tcb.fmc",
      "sevsnp.current_firmware", "sevsnp.committed_firmware", "sevsnp.platform_info",
      "sevsnp.alias_check", "sevsnp.launch_mitigations", "sevsnp.current_mitigations",
      // Azure's paravisor, and the TPM
      "azure_hcl.vm_id", "azure_hcl.secure_boot", "azure_hcl.user_data",
      "azure_hcl.vm_configuration.*", "tpm.pcrs.#", "tpm.pcr_digest", "tpm.reset_count",
      "tpm.restart_count", "tpm.clock_ms", "tpm.clock_safe",
      // Intel's platform, of enclaves and of TDs
      "sgx.quote_version", "sgx.trailing_bytes", "sgx.qe_isvsvn", "sgx.anchor", "sgx.fmspc",
      "sgx.pceid", "sgx.pcesvn", "sgx.tcb_components", "sgx.ppid", "sgx.platform_instance",
      "sgx.tcb.status", "sgx.tcb.platform", "sgx.tcb.qe", "sgx.tcb.evaluation_number",
      "tdx.quote_version", "tdx.trailing_bytes", "tdx.qe_isvsvn", "tdx.anchor", "tdx.fmspc",
      "tdx.pceid", "tdx.pcesvn", "tdx.tcb_components", "tdx.ppid", "tdx.platform_instance",
      "tdx.tcb.status", "tdx.tcb.platform", "tdx.tcb.tdx_module", "tdx.tcb.qe",
      "tdx.tcb.evaluation_number",
      // SGX
      "sgx.mrenclave", "sgx.mrsigner", "sgx.isvprodid", "sgx.isvsvn", "sgx.attributes", "sgx.debug",
      "sgx.miscselect", "sgx.cpusvn", "sgx.configid", "sgx.configsvn", "sgx.isvextprodid",
      "sgx.isvfamilyid", "sgx.report_data",
      // TDX
      "tdx.tee_tcb_svn", "tdx.tee_tcb_svn2", "tdx.mrseam", "tdx.mrsignerseam",
      "tdx.seam_attributes", "tdx.td_attributes", "tdx.debug", "tdx.xfam", "tdx.mrtd",
      "tdx.mrconfigid", "tdx.mrowner", "tdx.mrownerconfig", "tdx.mrservicetd", "tdx.rtmr0",
      "tdx.rtmr1", "tdx.rtmr2", "tdx.rtmr3", "tdx.report_data",
      // Nitro
      "nitro.module_id", "nitro.timestamp_ms", "nitro.pcrs.#", "nitro.nonce", "nitro.user_data",
      "nitro.public_key", "nitro.debug",
      // Microsoft Azure Attestation: `token` is its payload as it was signed
      "maa.kid", "maa.tee", "maa.enclave_id_reason", "maa.keys.*", "maa.token.*"};
  return names;
}

bool is_claim_name(std::string_view path) {
  return std::ranges::any_of(claim_names(),
                             [path](std::string_view pattern) { return matches(pattern, path); });
}

}  // namespace apm::attestation
