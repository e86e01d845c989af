#include "tee/tsm.h"

#include <cerrno>
#include <optional>

#include "base/encoding.h"
#include "base/text.h"
#include "crypto/random.h"
#include "tee/device_error.h"
#include "tee/limits.h"

namespace apm::tee {
namespace {

constexpr std::size_t kNameBytes = 8;
constexpr int kGenerationAttemptsMax = 3;

constexpr std::string_view kNoProvider =
    "no driver has registered: is this a confidential VM, and is sev-guest or tdx-guest loaded?";
constexpr std::string_view kNoConfigfs =
    "mount configfs, and use a kernel from 6.7 on with CONFIG_TSM_REPORTS";

// A directory of configfs: removed when it goes. Nothing can be done about a removal that fails,
// and the entry holds no secret.
class Entry {
 public:
  static Result<Entry> make(DeviceFiles& files, const std::string& root) {
    const Bytes name = crypto::random_bytes(kNameBytes);
    const std::string path = concat(root, "/apm-", hex_encode(name));
    const int error = files.make_directory(path);
    if (error == 0) return Entry(files, path);
    std::string_view hint;
    if (error == ENXIO) hint = kNoProvider;
    if (error == ENOENT) hint = kNoConfigfs;
    return device_error(root, "making an entry", error, hint);
  }
  Entry(Entry&& other) noexcept : files_(other.files_), path_(std::move(other.path_)) {
    other.path_.clear();
  }
  Entry& operator=(Entry&&) = delete;
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;
  ~Entry() {
    if (!path_.empty()) static_cast<void>(files_.remove_directory(path_));
  }

  [[nodiscard]] std::string attribute(std::string_view name) const {
    return concat(path_, "/", name);
  }
  [[nodiscard]] Result<std::string> word(std::string_view name) const {
    const auto content = files_.read(attribute(name), kTsmWordBytesMax);
    if (content.error != 0) return device_error(attribute(name), "reading", content.error);
    return std::string(trim(as_text(content.data)));
  }
  [[nodiscard]] Result<std::uint64_t> generation() const {
    APM_TRY(const std::string text, word("generation"));
    const auto number = parse_u64(text);
    if (!number) return malformed_answer(attribute("generation"), "it is not a number");
    return *number;
  }

 private:
  Entry(DeviceFiles& files, std::string path) : files_(files), path_(std::move(path)) {}
  DeviceFiles& files_;
  std::string path_;
};

// The report is made while this is read, which takes as long as the host does.
Result<Bytes> read_outblob(DeviceFiles& files, const Entry& entry) {
  const std::string path = entry.attribute("outblob");
  for (int attempt = 1;; ++attempt) {
    auto content = files.read(path, kTsmOutblobBytesMax);
    if (content.error == 0) return std::move(content.data);
    if (!is_transient(content.error) || attempt == kDeviceAttemptsMax) {
      return device_error(path, "making the report", content.error);
    }
    files.wait(kDeviceRetryDelay);
  }
}

// Absent where the provider has none.
Result<Bytes> read_auxblob(DeviceFiles& files, const Entry& entry) {
  auto content = files.read(entry.attribute("auxblob"), kTsmOutblobBytesMax);
  if (content.error == ENOENT) return Bytes();
  if (content.error != 0) {
    return device_error(entry.attribute("auxblob"), "reading", content.error);
  }
  return std::move(content.data);
}

// Nothing when somebody else wrote to the entry meanwhile.
Result<std::optional<TsmReport>> try_report(DeviceFiles& files, const ReportData& report_data,
                                            const std::string& root) {
  APM_TRY(const Entry entry, Entry::make(files, root));
  APM_TRY(const std::uint64_t before, entry.generation());
  if (const int error = files.write(entry.attribute("inblob"), report_data); error != 0) {
    return device_error(entry.attribute("inblob"), "writing", error);
  }
  TsmReport report;
  APM_TRY(report.outblob, read_outblob(files, entry));
  APM_TRY(report.auxblob, read_auxblob(files, entry));
  APM_TRY(report.provider, entry.word("provider"));
  APM_TRY(const std::uint64_t after, entry.generation());
  if (after != before + 1) return std::optional<TsmReport>();
  if (report.outblob.empty()) {
    return malformed_answer(entry.attribute("outblob"), "the report is empty");
  }
  return std::optional<TsmReport>(std::move(report));
}

}  // namespace

Result<TsmReport> get_tsm_report(DeviceFiles& files, const ReportData& report_data,
                                 const std::string& root) {
  static_assert(sizeof(ReportData) <= kTsmInblobBytesMax);
  for (int attempt = 0; attempt < kGenerationAttemptsMax; ++attempt) {
    APM_TRY(std::optional<TsmReport> report, try_report(files, report_data, root));
    if (report) return std::move(*report);
  }
  return Error(
      Code::kUnavailable, "tee_generation_changed",
      concat(root, ": another process wrote to our entry each time, or the kernel took no ",
             "report data. Stop what else uses this directory and try again"));
}

Result<std::string> tsm_provider(DeviceFiles& files, const std::string& root) {
  APM_TRY(const Entry entry, Entry::make(files, root));
  return entry.word("provider");
}

}  // namespace apm::tee
