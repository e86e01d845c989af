// What this machine can prove: devices, collect. No server is asked.

#include <fcntl.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/admin_verbs.h"
#include "tee/hardware.h"

namespace apm::cli {
namespace {

constexpr std::size_t kPublicKeyBytesMax = 1024;
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
    for (const tee::Finding& f : all) list.push_back(describe(f, is_chosen(f)));
    print(json::write_pretty(json::Value(std::move(list))));
  } else if (!all.empty()) {
    std::vector<Row> rows;
    for (const tee::Finding& f : all) {
      rows.push_back({is_chosen(f) ? "*" : "", f.path, family_of(f), f.note});
    }
    print(table({"Used", "Device", "Evidence", "Note"}, rows));
  }
  return chosen.ok() ? kOk : fail_here(chosen.error());
}

// Hexadecimal of at most 64 bytes, zeros behind it, as every one of these families has them.
Result<tee::ReportData> report_data_of(const Arguments& args) {
  tee::ReportData out{};
  const auto given = hex_decode(args.get("report-data"));
  if (!given.ok() || given->size() > out.size()) {
    return usage("-report-data must be at most 64 bytes in hexadecimal");
  }
  std::copy(given->begin(), given->end(), out.begin());
  return out;
}

Result<std::optional<Bytes>> hex_flag(const Arguments& args, const std::string& name) {
  if (!args.has(name)) return std::optional<Bytes>();
  auto bytes = hex_decode(args.get(name));
  if (!bytes.ok()) return usage(concat("-", name, " must be hexadecimal"));
  return std::optional<Bytes>(std::move(*bytes));
}

Result<tee::Binding> binding_of(const Arguments& args) {
  tee::Binding binding;
  APM_TRY(binding.report_data, report_data_of(args));
  APM_TRY(binding.nitro.user_data, hex_flag(args, "user-data"));
  APM_TRY(binding.nitro.nonce, hex_flag(args, "nonce"));
  if (args.has("public-key")) {
    APM_TRY(binding.nitro.public_key, read_file(args.get("public-key"), kPublicKeyBytesMax));
  }
  return binding;
}

// A field that the device does not have must not look as if it were bound.
Status check_flags(const tee::Finding& chosen, const Arguments& args) {
  const bool nitro = chosen.source == tee::Source::kNsm;
  for (const char* name : {"user-data", "nonce", "public-key", "report-data"}) {
    const bool of_nitro = std::string_view(name) != "report-data";
    if (args.has(name) && of_nitro != nitro) {
      return usage(concat("-", name, " is no field of the evidence of ", chosen.path,
                          ": a Nitro document takes -user-data, -nonce and -public-key, SNP, TDX "
                          "and SGX take -report-data"));
    }
  }
  return {};
}

Status write_evidence(const std::string& path, const tee::HardwareEvidence& evidence) {
  const UniqueFd file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kEvidenceMode));
  if (!file.valid()) return io_error("opening " + path);
  APM_CHECK_OK(write_fd(file.get(), evidence.evidence, path));
  return write_fd(file.get(), evidence.certificate_table, path);
}

Result<tee::HardwareEvidence> collect_for(const Arguments& args, const tee::Finding& chosen,
                                          tee::DeviceFiles& files) {
  APM_CHECK_OK(check_flags(chosen, args));
  APM_TRY(const tee::Binding binding, binding_of(args));
  return tee::collect(files, chosen, binding);
}

int collect(Session&, const Arguments& args) {
  if (args.positional().size() != 1)
    return fail_here(usage("give the file to write the evidence to"));
  const std::string& path = args.positional().front();
  const auto files = tee::system_device_files();
  const auto chosen = tee::choose_device(*files);
  if (!chosen.ok()) return fail_here(chosen.error());
  const auto evidence = collect_for(args, *chosen, *files);
  if (!evidence.ok()) return fail_here(evidence.error());
  const Status written = write_evidence(path, *evidence);
  if (!written.ok()) return fail_here(written.error());
  print(concat("Success! ", path, " holds evidence (", tee::family_name(evidence->family), ") of ",
               chosen->path,
               evidence->certificate_table.empty() ? "" : " with the host's certificates"));
  return kOk;
}

}  // namespace

std::vector<Verb> device_verbs() {
  return {{{"devices"},
           "what of this machine can prove what runs on it, and which of it would be used",
           {.with_value = {}, .plain = {}},
           devices},
          {{"collect"},
           "write evidence of this machine to a file that verify reads",
           {.with_value = {"report-data", "user-data", "nonce", "public-key"}, .plain = {}},
           collect}};
}

}  // namespace apm::cli
