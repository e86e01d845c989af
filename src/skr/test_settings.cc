#include "skr/test_settings.h"

#include "base/file.h"
#include "hclconfig/hclconfig.h"
#include "skr/limits.h"

namespace apm::skr {
namespace {

using hclconfig::Body;
using hclconfig::Item;

Status take(const Body& body, const char* key, std::string& out) {
  const Item* item = body.find(key);
  if (item == nullptr) return {};
  APM_TRY(out, hclconfig::string_of(*item));
  return {};
}

}  // namespace

Result<TestSettings> parse_test_settings(std::string_view text) {
  APM_TRY(const Body body, hclconfig::parse(text));
  TestSettings out;
  const Item* item = body.find("test");
  if (item == nullptr) return out;
  const Body* test = item->value.as_object();
  if (test == nullptr) return hclconfig::error_at(item->at, "\"test\" must be a block");
  std::string kind;
  APM_CHECK_OK(take(body, "store_kind", kind));
  if (kind != "test") {
    return Error(Code::kInvalidArgument, "config",
                 "a test stanza stands only beside store_kind = \"test\"");
  }
  out.transport.test = true;
  APM_CHECK_OK(take(*test, "ca_file", out.transport.ca_file));
  APM_CHECK_OK(take(*test, "connect_to", out.transport.connect_to));
  APM_CHECK_OK(take(*test, "imds_endpoint", out.transport.imds_endpoint));
  APM_CHECK_OK(take(*test, "tpm_tcti", out.tpm.tcti));
  APM_CHECK_OK(take(*test, "event_log", out.event_log));
  return out;
}

Result<TestSettings> read_test_settings(const std::string& path) {
  APM_TRY(const Bytes text, read_file(path, kConfigBytesMax));
  auto settings = parse_test_settings(as_text(text));
  if (!settings.ok()) return settings.error().within(path);
  return settings;
}

}  // namespace apm::skr
