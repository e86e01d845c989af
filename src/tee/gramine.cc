#include "tee/gramine.h"

#include "attestation/limits.h"
#include "base/text.h"
#include "tee/device_error.h"

namespace apm::tee {

Result<Bytes> get_gramine_quote(DeviceFiles& files, const ReportData& report_data,
                                const std::string& folder) {
  const std::string input = concat(folder, "/user_report_data");
  if (const int error = files.write(input, report_data); error != 0) {
    return device_error(input, "writing", error,
                        "the manifest needs sgx.remote_attestation = \"dcap\"");
  }
  const std::string output = concat(folder, "/quote");
  auto content = files.read(output, attestation::kQuoteBytesMax);
  if (content.error != 0) {
    return device_error(output, "reading", content.error,
                        "the quoting service (aesmd or the QGS) must be reachable");
  }
  if (content.data.empty()) return malformed_answer(output, "the quote is empty");
  return std::move(content.data);
}

}  // namespace apm::tee
