#include "attestation/snp/floor.h"

#include <algorithm>

#include "base/byte_reader.h"
#include "base/encoding.h"
#include "base/text.h"

namespace apm::attestation::snp {
namespace {

std::string hex(std::uint64_t value) {
  Bytes big_endian;
  append_u64_be(big_endian, value);
  return concat("0x", hex_encode(big_endian));
}

void policy_rule(Appraisal& appraisal, bool holds, std::string reason, std::string found,
                 std::string wanted) {
  appraisal.expect(holds, {Stage::kPolicy, std::move(reason), std::move(found), std::move(wanted)});
}

void check_guest_policy(const Report& report, const Floor& floor, Appraisal& appraisal) {
  const std::string policy = concat("guest policy ", hex(report.policy.raw));
  policy_rule(appraisal, floor.allow_debug || !report.policy.debug(), "snp_debug_allowed", policy,
              "bit 19 zero: the host may not debug (read) the guest");
  policy_rule(appraisal, floor.allow_migration || !report.policy.migrate_ma(),
              "snp_migration_allowed", policy, "bit 18 zero: no migration agent");
  policy_rule(appraisal, report.vmpl <= floor.vmpl_max, "snp_vmpl", concat("VMPL ", report.vmpl),
              concat("at most ", floor.vmpl_max));
  policy_rule(appraisal, report.guest_svn >= floor.minimum_guest_svn, "snp_guest_svn",
              concat("guest SVN ", report.guest_svn), concat("at least ", floor.minimum_guest_svn));
}

// Component by component: a newer microcode makes no older bootloader good.
bool reaches(const Tcb& have, const Tcb& floor, Product product) {
  return (product != Product::kTurin || have.fmc >= floor.fmc) &&
         have.bootloader >= floor.bootloader && have.tee >= floor.tee && have.snp >= floor.snp &&
         have.microcode >= floor.microcode;
}

struct TcbRule {
  const char* reason;
  const char* name;
  const TcbBytes& have;
  const Tcb& floor;
};

void check_tcb(const TcbRule& rule, Product product, Appraisal& appraisal) {
  const std::optional<Tcb> have = decode_tcb(rule.have, product);
  const bool asked = !(rule.floor == Tcb{});
  policy_rule(appraisal, !asked || (have && reaches(*have, rule.floor, product)), rule.reason,
              concat(rule.name, " ", have ? to_text(*have) : hex_encode(rule.have)),
              asked ? concat("at least ", to_text(rule.floor)) : "any");
}

void check_levels(const Report& report, const Floor& floor, Product product, Appraisal& appraisal) {
  const TcbRule rules[] = {
      {"snp_tcb_too_old", "REPORTED_TCB", report.reported_tcb, floor.minimum},
      {"snp_committed_tcb_too_old", "COMMITTED_TCB", report.committed_tcb, floor.minimum_committed},
      {"snp_launch_tcb_too_old", "LAUNCH_TCB", report.launch_tcb, floor.minimum_launch}};
  for (const TcbRule& rule : rules) check_tcb(rule, product, appraisal);
  policy_rule(appraisal, report.committed_firmware >= floor.minimum_firmware,
              "snp_firmware_too_old",
              concat("committed firmware ", to_text(report.committed_firmware)),
              concat("at least ", to_text(floor.minimum_firmware)));
}

void check_platform(const Report& report, const Floor& floor, Appraisal& appraisal) {
  const std::string found = concat("PLATFORM_INFO ", hex(report.platform_info));
  const bool alias_checked = (report.platform_info >> kPlatformAliasCheck & 1) != 0;
  policy_rule(appraisal, alias_checked || !floor.require_alias_check, "snp_alias_check_missing",
              found,
              floor.require_alias_check ? "bit 5 one: memory aliases checked (BadRAM)" : "any");
  const std::uint64_t bits = floor.required_platform_info;
  policy_rule(appraisal, (report.platform_info & bits) == bits, "snp_platform_bits", found,
              concat("all bits of ", hex(bits)));
  const std::uint64_t mitigations = floor.required_mitigations;
  policy_rule(appraisal,
              (report.launch_mitigations & report.current_mitigations & mitigations) == mitigations,
              "snp_mitigations_missing",
              concat("mitigation vectors: launch ", hex(report.launch_mitigations), ", current ",
                     hex(report.current_mitigations)),
              concat("all bits of ", hex(mitigations), " in both"));
}

// A hidden CHIP_ID is on no allow list, and nobody can say that it is not on the deny list.
void check_chip(const Report& report, const Floor& floor, Appraisal& appraisal) {
  const std::string chip = hex_encode(report.chip_id);
  const bool masked = report.chip_id_masked();
  const std::string found = masked ? "a hidden CHIP_ID" : concat("CHIP_ID ", chip);
  policy_rule(appraisal,
              floor.allowed_chips.empty() || (!masked && floor.allowed_chips.contains(chip)),
              "snp_chip_not_allowed", found,
              floor.allowed_chips.empty() ? "any" : "a chip of the allow list");
  policy_rule(appraisal,
              floor.denied_chips.empty() || (!masked && !floor.denied_chips.contains(chip)),
              "snp_chip_denied", found,
              floor.denied_chips.empty() ? "any" : "a chip that is not on the deny list");
}

struct ListRule {
  const char* reason;
  const char* name;
  ByteView value;
  bool exists;
  const HexSet& allowed;
};

void check_lists(const Report& report, const Floor& floor, Appraisal& appraisal) {
  const ListRule rules[] = {
      {"snp_measurement_not_allowed", "MEASUREMENT", report.measurement, true,
       floor.allowed_measurements},
      {"snp_host_data_not_allowed", "HOST_DATA", report.host_data, true, floor.allowed_host_data},
      {"snp_id_key_not_allowed", "ID_KEY_DIGEST", report.id_key_digest, true,
       floor.allowed_id_keys},
      {"snp_author_key_not_allowed", "AUTHOR_KEY_DIGEST", report.author_key_digest,
       report.key_info.author_key(), floor.allowed_author_keys}};
  for (const ListRule& rule : rules) {
    const std::string value = hex_encode(rule.value);
    policy_rule(appraisal, rule.allowed.empty() || (rule.exists && rule.allowed.contains(value)),
                rule.reason, rule.exists ? concat(rule.name, " ", value) : concat("no ", rule.name),
                rule.allowed.empty() ? "any" : "one of the allow list");
  }
}

}  // namespace

void check_floor(const FloorInput& input, const Floor& floor, Appraisal& appraisal) {
  policy_rule(appraisal, floor.allow_vlek || !input.signed_by_vlek, "snp_vlek_not_allowed",
              input.signed_by_vlek ? "signed by a VLEK" : "signed by a VCEK",
              floor.allow_vlek ? "any" : "signed by the chip's own key (VCEK)");
  check_guest_policy(input.report, floor, appraisal);
  check_levels(input.report, floor, input.product, appraisal);
  check_platform(input.report, floor, appraisal);
  check_chip(input.report, floor, appraisal);
  check_lists(input.report, floor, appraisal);
}

}  // namespace apm::attestation::snp
