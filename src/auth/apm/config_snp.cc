#include "auth/apm/config_snp.h"

#include "base/text.h"

namespace apm::auth_apm {
namespace {

using attestation::snp::Floor;
using attestation::snp::Tcb;

constexpr std::uint64_t kVmplMax = 3;
constexpr std::uint64_t kLevelMax = 255;

// "min_tcb_" + "snp": floors of one TCB, component by component.
void add_tcb(Settings& settings, std::string_view prefix, Tcb& tcb) {
  settings.number(concat(prefix, "fmc"), tcb.fmc, kLevelMax);
  settings.number(concat(prefix, "bootloader"), tcb.bootloader, kLevelMax);
  settings.number(concat(prefix, "tee"), tcb.tee, kLevelMax);
  settings.number(concat(prefix, "snp"), tcb.snp, kLevelMax);
  settings.number(concat(prefix, "microcode"), tcb.microcode, kLevelMax);
}

void add_firmware(Settings& settings, attestation::snp::FirmwareVersion& version) {
  settings.add({"min_firmware",
                [&version](const ConfigMember& member) -> Status {
                  APM_TRY(version, read_firmware(member));
                  return {};
                },
                [&version] { return json::Value(attestation::snp::to_text(version)); }});
}

}  // namespace

void add_snp_settings(Settings& settings, Floor& floor) {
  add_tcb(settings, "min_tcb_", floor.minimum);
  add_tcb(settings, "min_committed_tcb_", floor.minimum_committed);
  add_tcb(settings, "min_launch_tcb_", floor.minimum_launch);
  settings.flag("require_alias_check", floor.require_alias_check);
  settings.flag("allow_vlek", floor.allow_vlek);
  settings.number("vmpl_max", floor.vmpl_max, kVmplMax);
  settings.number("min_guest_svn", floor.minimum_guest_svn, UINT32_MAX);
  settings.bits("required_platform_info", {floor.required_platform_info, 0, ""});
  settings.bits("required_mitigations", {floor.required_mitigations, 0, ""});
  add_firmware(settings, floor.minimum_firmware);
  settings.ids("allowed_chips", floor.allowed_chips, 64);
  settings.ids("denied_chips", floor.denied_chips, 64);
  settings.ids("allowed_measurements", floor.allowed_measurements, 48);
  settings.ids("allowed_host_data", floor.allowed_host_data, 32);
  settings.ids("allowed_id_keys", floor.allowed_id_keys, 48);
  settings.ids("allowed_author_keys", floor.allowed_author_keys, 48);
}

}  // namespace apm::auth_apm
