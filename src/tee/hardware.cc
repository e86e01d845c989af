#include "tee/hardware.h"

#include <algorithm>
#include <cerrno>

#include "attestation/limits.h"
#include "attestation/snp/report.h"
#include "base/text.h"
#include "tee/device_error.h"
#include "tee/limits.h"

namespace apm::tee {
namespace {

constexpr std::string_view kTdxNote =
    "a TDX guest, but /dev/tdx_guest gives only a TDREPORT, which proves nothing to another "
    "machine; "
    "the quote needs configfs TSM: Linux 6.7 or later with CONFIG_TSM_REPORTS and the tdx-guest "
    "driver";

std::optional<Family> family_of_provider(std::string_view provider) {
  if (provider == kTsmSevGuest) return Family::kSnp;
  if (provider == kTsmTdxGuest) return Family::kTdx;
  return std::nullopt;
}

Finding look_at_tsm(DeviceFiles& files, const std::string& root) {
  const auto provider = tsm_provider(files, root);
  if (!provider.ok()) return {Source::kTsm, root, std::nullopt, provider.error().message};
  const auto family = family_of_provider(*provider);
  return {Source::kTsm, root, family,
          family ? concat("provider ", *provider)
                 : concat("provider ", *provider, " is not one whose reports are known here")};
}

// The tag is the host's word and no proof: it only tells which evidence is worth collecting.
Finding look_at_tpm(DeviceFiles& files, const Paths& paths) {
  const auto tag = files.read(paths.chassis_tag, kChassisTagBytesMax);
  const bool azure = tag.error == 0 && trim(as_text(tag.data)) == kAzureChassisTag;
  if (azure) return {Source::kTpm, paths.tpm, Family::kAzure, "the vTPM of an Azure machine"};
  return {Source::kTpm, paths.tpm, std::nullopt,
          "a TPM, but this is no machine of Azure, whose vTPM alone carries a hardware report"};
}

void add_if_there(std::vector<Finding>& out, DeviceFiles& files, Finding finding) {
  if (files.exists(finding.path)) out.push_back(std::move(finding));
}

std::string list_of(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& finding : findings) {
    out +=
        concat(out.empty() ? ". There, but of no use: " : "; ", finding.path, ": ", finding.note);
  }
  return out;
}

// Absent where the firmware keeps no log.
Result<Bytes> read_ccel(DeviceFiles& files, const std::string& path) {
  auto content = files.read(path, attestation::kEventLogBytesMax);
  if (content.error == ENOENT) return Bytes();
  if (content.error != 0) return device_error(path, "reading the TD's event log", content.error);
  return std::move(content.data);
}

Result<HardwareEvidence> collect_tsm(DeviceFiles& files, const std::string& root,
                                     const Binding& binding, const Paths& paths) {
  APM_TRY(TsmReport report, get_tsm_report(files, binding.report_data, root));
  const auto family = family_of_provider(report.provider);
  if (!family) {
    return Error(
        Code::kUnsupported, "tee_provider_unknown",
        concat(root, ": the reports of provider ", report.provider, " are not known here"));
  }
  if (*family == Family::kSnp && report.outblob.size() != attestation::snp::kReportSize) {
    return malformed_answer(root, concat("an SNP report of ", report.outblob.size(), " bytes"));
  }
  if (*family == Family::kSnp) {
    return HardwareEvidence{Family::kSnp,
                            Source::kTsm,
                            std::move(report.outblob),
                            trim_certificate_table(report.auxblob),
                            {}};
  }
  APM_TRY(Bytes log, read_ccel(files, paths.ccel));
  return HardwareEvidence{
      Family::kTdx, Source::kTsm, std::move(report.outblob), {}, std::move(log)};
}

Result<HardwareEvidence> collect_sev_guest(DeviceFiles& files, const std::string& path,
                                           const Binding& binding) {
  APM_TRY(SnpReport report, get_snp_report(files, {binding.report_data, 0}, path));
  return HardwareEvidence{Family::kSnp,
                          Source::kSevGuest,
                          std::move(report.report),
                          std::move(report.certificate_table),
                          {}};
}

}  // namespace

std::string_view family_name(Family family) {
  switch (family) {
    case Family::kSnp: return "snp";
    case Family::kTdx: return "tdx";
    case Family::kNitro: return "nitro";
    case Family::kSgx: return "sgx";
    case Family::kAzure: return "azure";
  }
  return "";
}

std::vector<Finding> find_devices(DeviceFiles& files, const Paths& paths) {
  std::vector<Finding> out;
  if (files.exists(paths.tsm_root)) out.push_back(look_at_tsm(files, paths.tsm_root));
  add_if_there(out, files,
               {Source::kSevGuest, paths.sev_guest, Family::kSnp, "SNP_GET_EXT_REPORT"});
  add_if_there(out, files, {Source::kTsm, paths.tdx_guest, std::nullopt, std::string(kTdxNote)});
  add_if_there(out, files, {Source::kNsm, paths.nsm, Family::kNitro, "Nitro security module"});
  add_if_there(out, files,
               {Source::kGramine, concat(paths.gramine, "/quote"), Family::kSgx, "Gramine"});
  if (files.exists(paths.tpm)) out.push_back(look_at_tpm(files, paths));
  return out;
}

Result<Finding> choose_device(DeviceFiles& files, const Paths& paths) {
  const std::vector<Finding> all = find_devices(files, paths);
  const auto usable =
      std::ranges::find_if(all, [](const Finding& finding) { return finding.family.has_value(); });
  if (usable != all.end()) return *usable;
  return Error(Code::kNotFound, "tee_device_missing",
               concat("this machine shows no device that gives evidence. Looked for ",
                      paths.tsm_root, ", ", paths.sev_guest, ", ", paths.nsm, ", ", paths.gramine,
                      " and ", paths.tpm, list_of(all)));
}

Result<HardwareEvidence> collect(DeviceFiles& files, const Finding& chosen, const Binding& binding,
                                 const Paths& paths) {
  switch (chosen.source) {
    case Source::kTsm: return collect_tsm(files, chosen.path, binding, paths);
    case Source::kSevGuest: return collect_sev_guest(files, chosen.path, binding);
    case Source::kNsm: {
      APM_TRY(Bytes document, get_nitro_document(files, binding.nitro, chosen.path));
      return HardwareEvidence{Family::kNitro, Source::kNsm, std::move(document), {}, {}};
    }
    case Source::kGramine: {
      const std::string folder = chosen.path.substr(0, chosen.path.rfind('/'));
      APM_TRY(Bytes quote, get_gramine_quote(files, binding.report_data, folder));
      return HardwareEvidence{Family::kSgx, Source::kGramine, std::move(quote), {}, {}};
    }
    case Source::kTpm: break;
  }
  return Error(Code::kUnsupported, "tee_uses_tpm",
               concat(chosen.path, " is a TPM: its evidence is collected through tpm2-tss"));
}

}  // namespace apm::tee
