#include "auth/apm/config_intel.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/text.h"

namespace apm::auth_apm {
namespace {

namespace dcap = attestation::dcap;
namespace sgx = attestation::sgx;
namespace tdx = attestation::tdx;

constexpr std::size_t kFmspcBytes = 6;
constexpr std::size_t kPlatformIdBytes = 16;  // PPID and platform instance
constexpr std::size_t kRegisterBytes = 48;    // of a TD
constexpr std::uint64_t kUnsafeAttributes = tdx::kTudMask | tdx::kMigratable;

// Statuses by Intel's names. An empty list accepts none.
Status read_statuses(const ConfigMember& member, std::set<dcap::TcbStatus>& out) {
  APM_TRY(const std::vector<std::string> names, read_texts(member));
  std::set<dcap::TcbStatus> read;
  for (const std::string& name : names) {
    const auto status = dcap::tcb_status_of(name);
    if (!status) return invalid_config(member.name, concat("has an unknown status ", name));
    if (*status == dcap::TcbStatus::kRevoked) {
      return invalid_config(member.name, "cannot allow Revoked");
    }
    read.insert(*status);
  }
  out = std::move(read);
  return {};
}

json::Value write_statuses(const std::set<dcap::TcbStatus>& statuses) {
  json::Array out;
  for (const dcap::TcbStatus status : statuses) out.emplace_back(dcap::tcb_status_name(status));
  return out;
}

std::string check_advisory(const std::string& text) {
  constexpr std::string_view kPrefix = "INTEL-SA-";
  const bool known = text.starts_with(kPrefix) && parse_u64(text.substr(kPrefix.size()));
  return known ? "" : "needs advisories of the form INTEL-SA-00615";
}

// What Intel says of a platform, for enclaves and TDs apart: their usual statuses differ.
void add_platform(Settings& settings, const std::string& prefix, dcap::Floor& floor) {
  const auto read = [&floor](const ConfigMember& member) {
    return read_statuses(member, floor.allowed_statuses);
  };
  const auto write = [&floor] { return write_statuses(floor.allowed_statuses); };
  settings.add({prefix + "tcb_statuses", read, write});
  settings.texts(prefix + "refused_advisories", floor.refused_advisories, check_advisory);
  settings.number(prefix + "min_evaluation_number", floor.evaluation_number_min, UINT32_MAX);
  settings.ids(prefix + "allowed_fmspc", floor.fmspc.allowed, kFmspcBytes);
  settings.ids(prefix + "denied_fmspc", floor.fmspc.denied, kFmspcBytes);
  settings.ids(prefix + "allowed_ppids", floor.ppid.allowed, kPlatformIdBytes);
  settings.ids(prefix + "denied_ppids", floor.ppid.denied, kPlatformIdBytes);
  settings.ids(prefix + "allowed_platforms", floor.platform_instance.allowed, kPlatformIdBytes);
  settings.ids(prefix + "denied_platforms", floor.platform_instance.denied, kPlatformIdBytes);
}

// A number; null or "" asks for nothing.
void add_prod_id(Settings& settings, std::optional<std::uint16_t>& value) {
  settings.add({"sgx_prod_id",
                [&value](const ConfigMember& member) -> Status {
                  const std::string* text = member.value.as_string();
                  if (member.value.is_null() || (text != nullptr && text->empty())) {
                    value.reset();
                    return {};
                  }
                  APM_TRY(const std::uint64_t read, read_number(member, UINT16_MAX));
                  value = static_cast<std::uint16_t>(read);
                  return {};
                },
                [&value] { return value ? json::Value(std::uint64_t{*value}) : json::Value(); }});
}

// 16 security version numbers, one byte each, in the report's order.
void add_tee_tcb_svn(Settings& settings, std::array<std::uint8_t, 16>& minimum) {
  settings.add({"tdx_min_tee_tcb_svn",
                [&minimum](const ConfigMember& member) -> Status {
                  const std::string* text = member.value.as_string();
                  const auto bytes = hex_decode(text == nullptr ? "" : *text);
                  if (!bytes.ok() || bytes->size() != minimum.size()) {
                    return invalid_config(member.name, "needs 32 hexadecimal digits");
                  }
                  std::copy(bytes->begin(), bytes->end(), minimum.begin());
                  return {};
                },
                [&minimum] { return json::Value(hex_encode(minimum)); }});
}

}  // namespace

void add_sgx_settings(Settings& settings, sgx::Floor& floor) {
  add_platform(settings, "sgx_", floor.platform);
  settings.ids("sgx_allowed_mrenclaves", floor.mr_enclave, 32);
  settings.ids("sgx_allowed_mrsigners", floor.mr_signer, 32);
  settings.ids("sgx_allowed_config_ids", floor.config_id, 64);
  add_prod_id(settings, floor.isv_prod_id);
  settings.number("sgx_min_isv_svn", floor.isv_svn_min, UINT16_MAX);
}

void add_tdx_settings(Settings& settings, tdx::Floor& floor) {
  constexpr std::string_view kWhy = "cannot ask for debugging or migration (bits 0-7, 29)";
  add_platform(settings, "tdx_", floor.platform);
  add_tee_tcb_svn(settings, floor.minimum_tee_tcb_svn);
  settings.bits("tdx_required_attributes", {floor.attributes.required, kUnsafeAttributes, kWhy});
  settings.bits("tdx_permitted_attributes", {floor.attributes.permitted, kUnsafeAttributes, kWhy});
  settings.bits("tdx_required_xfam", {floor.xfam.required, 0, ""});
  settings.bits("tdx_permitted_xfam", {floor.xfam.permitted, 0, ""});
  settings.ids("tdx_allowed_mrseams", floor.mr_seam, kRegisterBytes);
  settings.ids("tdx_allowed_mrtds", floor.mr_td, kRegisterBytes);
  settings.ids("tdx_allowed_mrconfigids", floor.mr_config_id, kRegisterBytes);
  settings.ids("tdx_allowed_mrowners", floor.mr_owner, kRegisterBytes);
  settings.ids("tdx_allowed_mrownerconfigs", floor.mr_owner_config, kRegisterBytes);
  settings.ids("tdx_allowed_mrservicetds", floor.mr_service_td, kRegisterBytes);
  for (std::size_t i = 0; i < floor.rtmr.size(); ++i) {
    settings.ids(concat("tdx_allowed_rtmr", i), floor.rtmr[i], kRegisterBytes);
  }
}

}  // namespace apm::auth_apm
