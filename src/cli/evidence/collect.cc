#include "cli/evidence/collect.h"

#include <algorithm>
#include <set>

#include "base/encoding.h"
#include "base/file.h"
#include "base/text.h"
#include "tee/limits.h"

namespace apm::cli::evidence {
namespace {

Error usage(std::string message) {
  return Error(Code::kInvalidArgument, "usage", std::move(message));
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
    APM_TRY(binding.nitro.public_key, read_file(args.get("public-key"), tee::kNsmFieldBytesMax));
  }
  return binding;
}

}  // namespace

FlagSet collect_flags() {
  return {.with_value = {"report-data", "user-data", "nonce", "public-key", "tcti", "imds",
                         "event-log"},
          .plain = {}};
}

// A field that the device does not have must not look as if it were bound.
Status check_collect_flags(const tee::Finding& chosen, const Arguments& args) {
  std::set<std::string_view> known{"report-data"};
  if (chosen.source == tee::Source::kNsm) known = {"user-data", "nonce", "public-key"};
  if (chosen.source == tee::Source::kTpm) known = {"nonce", "tcti", "imds", "event-log"};
  for (const std::string& name : collect_flags().with_value) {
    if (!args.has(name) || known.contains(name)) continue;
    return usage(concat("-", name, " is no word of the evidence of ", chosen.path,
                        ": a Nitro document takes -user-data, -nonce and -public-key, SNP, TDX "
                        "and SGX take -report-data, Azure's TPM takes -nonce, -tcti, -imds and "
                        "-event-log"));
  }
  return {};
}

Result<tee::HardwareEvidence> collect_for(tee::DeviceFiles& files, const tee::Finding& chosen,
                                          const Arguments& args) {
  APM_CHECK_OK(check_collect_flags(chosen, args));
  APM_TRY(const tee::Binding binding, binding_of(args));
  return tee::collect(files, chosen, binding);
}

}  // namespace apm::cli::evidence
