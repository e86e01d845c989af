#pragma once

// The `test` stanza of the server's configuration file, as AzureAttestSKR --config takes it: the
// same trust anchors and transports as the server beside it, named in one place. A file without
// the stanza changes nothing. Other stanzas are not looked at. Pure but for reading the file.

#include <string>
#include <string_view>

#include "azure/transport.h"
#include "base/result.h"
#include "tee/tpm.h"

namespace apm::skr {

struct TestSettings {
  azure::Transport transport;  // test is true when the file has the stanza
  tee::TpmConfig tpm;
  std::string event_log = tee::kEventLogPath;
};

// kInvalidArgument "config": not readable as HCL or JSON (with line and column), or a test stanza
// in a file whose store_kind is not "test".
[[nodiscard]] Result<TestSettings> parse_test_settings(std::string_view text);
[[nodiscard]] Result<TestSettings> read_test_settings(const std::string& path);

}  // namespace apm::skr
