#include "auth/apm/config_maa.h"

#include <algorithm>
#include <array>

#include "auth/apm/limits.h"
#include "auth/apm/maa_provider.h"
#include "base/encoding.h"
#include "base/text.h"

namespace apm::auth_apm {
namespace {

using attestation::maa::Floor;

constexpr std::uint64_t kVmplMax = 3;

std::string check_type(const std::string& text) {
  constexpr std::array<std::string_view, 4> kTypes{"azurevm", "sevsnpvm", "tdxvm", "sgx"};
  const bool known = std::ranges::find(kTypes, text) != kTypes.end();
  return known ? "" : "knows azurevm, sevsnpvm, tdxvm and sgx";
}

// Both are words of the service, and an unknown one would never match: nothing to be unsafe.
std::string any_word(const std::string&) { return ""; }

void add_svns(Settings& settings, Floor& floor) {
  settings.number("maa_min_svn_bootloader", floor.snp_svns.bootloader, UINT32_MAX);
  settings.number("maa_min_svn_tee", floor.snp_svns.tee, UINT32_MAX);
  settings.number("maa_min_svn_snpfw", floor.snp_svns.snp_firmware, UINT32_MAX);
  settings.number("maa_min_svn_microcode", floor.snp_svns.microcode, UINT32_MAX);
  settings.number("maa_min_svn_guest", floor.snp_svns.guest, UINT32_MAX);
  settings.number("maa_min_sgx_svn", floor.sgx_svn, UINT16_MAX);
}

}  // namespace

void add_maa_settings(Settings& settings, MaaTrust& trust, Floor& floor) {
  settings.texts("maa_issuers", trust.issuers, issuer_fault);
  settings.texts("maa_policy_hashes", trust.policy_hashes, policy_hash_fault);
  settings.texts("maa_types", floor.types, check_type);
  settings.texts("maa_compliance", floor.compliance, any_word);
  settings.texts("maa_tdx_tcb_statuses", floor.tdx_tcb_statuses, any_word);
  settings.number("maa_max_age_s", floor.age_s_max, kEvidenceAgeSMax);
  settings.number("maa_vmpl_max", floor.vmpl_max, kVmplMax);
  settings.flag("maa_require_secure_boot", floor.require_secure_boot);
  add_svns(settings, floor);
  settings.texts("maa_allowed_measurements", floor.measurements, [](const std::string& text) {
    const auto bytes = hex_decode(text);  // a launch measurement or MRTD, or an MRENCLAVE
    const bool fits = bytes.ok() && (bytes->size() == 48 || bytes->size() == 32);
    return fits && text == to_lower(text) ? "" : "needs 96 or 64 lower-case hexadecimal digits";
  });
  settings.ids("maa_allowed_host_data", floor.host_data, 32);
  settings.ids("maa_allowed_sgx_signers", floor.sgx_signers, 32);
}

}  // namespace apm::auth_apm
