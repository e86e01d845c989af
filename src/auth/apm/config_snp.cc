#include "auth/apm/config_snp.h"

#include "base/text.h"

namespace apm::auth_apm {
namespace {

using attestation::snp::Floor;
using attestation::snp::HexSet;
using attestation::snp::Tcb;

constexpr std::uint64_t kVmplMax = 3;

// "min_tcb_" + "snp": three floors with the same five components.
struct TcbFloor {
  std::string_view prefix;
  Tcb Floor::* tcb;
};
constexpr TcbFloor kTcbFloors[] = {{"min_tcb_", &Floor::minimum},
                                   {"min_committed_tcb_", &Floor::minimum_committed},
                                   {"min_launch_tcb_", &Floor::minimum_launch}};
struct Component {
  std::string_view name;
  std::uint8_t Tcb::* level;
};
constexpr Component kComponents[] = {{"fmc", &Tcb::fmc},
                                     {"bootloader", &Tcb::bootloader},
                                     {"tee", &Tcb::tee},
                                     {"snp", &Tcb::snp},
                                     {"microcode", &Tcb::microcode}};

struct Flag {
  std::string_view name;
  bool Floor::* value;
};
constexpr Flag kFlags[] = {{"require_alias_check", &Floor::require_alias_check},
                           {"allow_vlek", &Floor::allow_vlek}};

struct Number {
  std::string_view name;
  std::uint32_t Floor::* value;
  std::uint64_t max;
};
constexpr Number kNumbers[] = {{"vmpl_max", &Floor::vmpl_max, kVmplMax},
                               {"min_guest_svn", &Floor::minimum_guest_svn, UINT32_MAX}};

struct Mask {
  std::string_view name;
  std::uint64_t Floor::* bits;
};
constexpr Mask kMasks[] = {{"required_platform_info", &Floor::required_platform_info},
                           {"required_mitigations", &Floor::required_mitigations}};

struct List {
  std::string_view name;
  HexSet Floor::* ids;
  std::size_t id_size;
};
constexpr List kLists[] = {{"allowed_chips", &Floor::allowed_chips, 64},
                           {"denied_chips", &Floor::denied_chips, 64},
                           {"allowed_measurements", &Floor::allowed_measurements, 48},
                           {"allowed_host_data", &Floor::allowed_host_data, 32},
                           {"allowed_id_keys", &Floor::allowed_id_keys, 48},
                           {"allowed_author_keys", &Floor::allowed_author_keys, 48}};
constexpr std::string_view kMinFirmware = "min_firmware";

Result<bool> apply_level(const ConfigMember& member, Floor& floor) {
  for (const TcbFloor& group : kTcbFloors) {
    for (const Component& component : kComponents) {
      if (member.name != concat(group.prefix, component.name)) continue;
      APM_TRY(const std::uint64_t level, read_number(member, 255));
      floor.*group.tcb.*component.level = static_cast<std::uint8_t>(level);
      return true;
    }
  }
  return false;
}

Result<bool> apply_scalar(const ConfigMember& member, Floor& floor) {
  for (const Flag& flag : kFlags) {
    if (member.name != flag.name) continue;
    APM_TRY(floor.*flag.value, read_flag(member));
    return true;
  }
  for (const Number& number : kNumbers) {
    if (member.name != number.name) continue;
    APM_TRY(const std::uint64_t value, read_number(member, number.max));
    floor.*number.value = static_cast<std::uint32_t>(value);
    return true;
  }
  for (const Mask& mask : kMasks) {
    if (member.name != mask.name) continue;
    APM_TRY(floor.*mask.bits, read_bits(member));
    return true;
  }
  if (member.name != kMinFirmware) return false;
  APM_TRY(floor.minimum_firmware, read_firmware(member));
  return true;
}

Result<bool> apply_list(const ConfigMember& member, Floor& floor) {
  for (const List& list : kLists) {
    if (member.name != list.name) continue;
    APM_TRY(floor.*list.ids, read_ids(member, list.id_size));
    return true;
  }
  return false;
}

}  // namespace

Result<bool> apply_snp_member(const ConfigMember& member, Floor& floor) {
  for (const auto apply : {&apply_level, &apply_scalar, &apply_list}) {
    APM_TRY(const bool known, apply(member, floor));
    if (known) return true;
  }
  return false;
}

void write_snp_members(const Floor& floor, json::Object& out) {
  for (const TcbFloor& group : kTcbFloors) {
    for (const Component& component : kComponents) {
      out.set(concat(group.prefix, component.name), unsigned{floor.*group.tcb.*component.level});
    }
  }
  for (const Flag& flag : kFlags) out.set(std::string(flag.name), floor.*flag.value);
  for (const Number& number : kNumbers) out.set(std::string(number.name), floor.*number.value);
  for (const Mask& mask : kMasks) out.set(std::string(mask.name), write_bits(floor.*mask.bits));
  out.set(std::string(kMinFirmware), attestation::snp::to_text(floor.minimum_firmware));
  for (const List& list : kLists) out.set(std::string(list.name), write_texts(floor.*list.ids));
}

}  // namespace apm::auth_apm
