// What this machine can prove: devices, collect. No server is asked.

#include <fcntl.h>

#include "base/encoding.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/admin_verbs.h"
#include "cli/evidence/collect.h"
#include "cli/evidence/collect_azure.h"
#include "tee/hardware.h"

namespace apm::cli {
namespace {

constexpr unsigned kEvidenceMode = 0644;  // evidence is no secret

Error usage(std::string message) {
  return Error(Code::kInvalidArgument, "usage", std::move(message));
}

// Whatever failed is of this machine; no server was asked.
int fail_here(const Error& error) {
  static_cast<void>(fail(error));
  return kLocalFailure;
}

std::string family_of(const tee::Finding& finding) {
  return finding.family ? std::string(tee::family_name(*finding.family)) : std::string();
}

json::Value describe(const tee::Finding& finding, bool chosen) {
  return json::Object{{"device", finding.path},
                      {"family", finding.family ? json::Value(family_of(finding)) : json::Value()},
                      {"used", chosen},
                      {"note", finding.note}};
}

int devices(Session& session, const Arguments&) {
  const auto files = tee::system_device_files();
  const std::vector<tee::Finding> all = tee::find_devices(*files);
  const auto chosen = tee::choose_device(*files);
  const auto is_chosen = [&](const tee::Finding& f) {
    return chosen.ok() && f.path == chosen->path;
  };
  if (session.format() == Format::kJson) {
    json::Array list;
    list.reserve(all.size());
    for (const tee::Finding& f : all) list.push_back(describe(f, is_chosen(f)));
    print(json::write_pretty(json::Value(std::move(list))));
  } else if (!all.empty()) {
    std::vector<Row> rows;
    rows.reserve(all.size());
    for (const tee::Finding& f : all) {
      rows.push_back({is_chosen(f) ? "*" : "", f.path, family_of(f), f.note});
    }
    print(table({"Used", "Device", "Evidence", "Note"}, rows));
  }
  return chosen.ok() ? kOk : fail_here(chosen.error());
}

Status write_parts(const std::string& path, std::initializer_list<ByteView> parts) {
  const UniqueFd file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kEvidenceMode));
  if (!file.valid()) return io_error("opening " + path);
  for (const ByteView part : parts) APM_CHECK_OK(write_fd(file.get(), part, path));
  return {};
}

// The form that verify reads: a report with its table in one file, a TD's log beside its quote.
Status write_evidence(const std::string& path, const tee::HardwareEvidence& evidence) {
  APM_CHECK_OK(write_parts(path, {evidence.evidence, evidence.certificate_table}));
  if (evidence.event_log.empty()) return {};
  return write_parts(path + ".ccel", {evidence.event_log});
}

// What `verify` must be told beside the file.
std::string verify_words(const std::string& path, const evidence::AzureCollection& collected) {
  std::string out = concat("anjuna-policy-manager verify ", path);
  for (const evidence::AzureFile& file : collected.files) {
    if (!file.input.empty()) out += concat(" ", file.input, "=", path, file.suffix);
  }
  return concat(out, " nonce=hex:", hex_encode(collected.nonce));
}

int collect_azure(const std::string& path, const tee::Finding& tpm, const Arguments& args) {
  const Status words = evidence::check_collect_flags(tpm, args);
  if (!words.ok()) return fail_here(words.error());
  const auto collected = evidence::collect_azure(args);
  if (!collected.ok()) return fail_here(collected.error());
  for (const evidence::AzureFile& file : collected->files) {
    const Status written = write_parts(path + file.suffix, {file.bytes});
    if (!written.ok()) return fail_here(written.error());
  }
  print(concat("Success! ", path, " and ", collected->files.size() - 1,
               " files beside it hold evidence (", collected->family, ") of ", tpm.path,
               ". To judge it:\n", verify_words(path, *collected)));
  return kOk;
}

int collect_hardware(const std::string& path, tee::DeviceFiles& files, const tee::Finding& chosen,
                     const Arguments& args) {
  const auto evidence = evidence::collect_for(files, chosen, args);
  if (!evidence.ok()) return fail_here(evidence.error());
  const Status written = write_evidence(path, *evidence);
  if (!written.ok()) return fail_here(written.error());
  print(concat("Success! ", path, " holds evidence (", tee::family_name(evidence->family), ") of ",
               chosen.path,
               evidence->certificate_table.empty() ? "" : " with the host's certificates",
               evidence->event_log.empty() ? "" : concat("; the event log is in ", path, ".ccel")));
  return kOk;
}

int collect(Session&, const Arguments& args) {
  if (args.positional().size() != 1)
    return fail_here(usage("give the file to write the evidence to"));
  const std::string& path = args.positional().front();
  if (args.has("tcti")) {
    return collect_azure(path, {tee::Source::kTpm, args.get("tcti"), tee::Family::kAzure, ""},
                         args);
  }
  const auto files = tee::system_device_files();
  const auto chosen = tee::choose_device(*files);
  if (!chosen.ok()) return fail_here(chosen.error());
  if (chosen->source == tee::Source::kTpm) return collect_azure(path, *chosen, args);
  return collect_hardware(path, *files, *chosen, args);
}

}  // namespace

std::vector<Verb> device_verbs() {
  return {{{"devices"},
           "what of this machine can prove what runs on it, and which of it would be used",
           {.with_value = {}, .plain = {}},
           devices},
          {{"collect"},
           "write evidence of this machine to a file that verify reads",
           evidence::collect_flags(),
           collect}};
}

}  // namespace apm::cli
