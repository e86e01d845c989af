#include "boot/endorsements_config.h"

#include "base/file.h"
#include "base/text.h"
#include "boot/limits.h"
#include "crypto/x509.h"
#include "net/http_client.h"

namespace apm::boot {
namespace {

constexpr std::string_view kVendor = "vendor";
constexpr std::string_view kMirrorsRootCrl = "/sgx/certification/v4/rootcacrl";

Error refuse(std::string text) {
  return Error(Code::kInvalidArgument, "config", concat("endorsements: ", text));
}

struct Range {
  std::uint64_t least = 0;
  std::uint64_t most = 0;
};

Status read_count(const char* key, const std::string& text, Range range, std::size_t& out) {
  if (text.empty()) return {};
  const auto number = parse_u64(text);
  if (!number || *number < range.least || *number > range.most) {
    return refuse(concat("\"", key, "\" must be ", range.least, " to ", range.most));
  }
  out = *number;
  return {};
}

Status read_limits(const EndorsementsText& text, endorsements::CacheLimits& out) {
  APM_CHECK_OK(
      read_count("waiting_max", text.waiting_max, {1, kLoginsWaitingMax}, out.callers_max));
  APM_CHECK_OK(read_count("fetches_per_minute_max", text.fetches_per_minute_max,
                          {1, kFetchesPerMinuteMost}, out.fetches_per_minute_max));
  APM_CHECK_OK(read_count("fetches_per_address_max", text.fetches_per_address_max,
                          {1, kFetchesPerMinuteMost}, out.fetches_per_asker_max));
  APM_CHECK_OK(
      read_count("documents_max", text.documents_max, {16, kDocumentsMost}, out.documents_max));
  return read_count("failures_max", text.failures_max, {16, kDocumentsMost}, out.refusals_max);
}

Status read_deadline(const std::string& text, std::chrono::seconds& out) {
  out = kFetchDeadlineDefault;
  if (text.empty()) return {};
  const auto seconds = parse_duration_s(text);
  const auto most = static_cast<std::uint64_t>(kFetchDeadlineMax.count());
  if (!seconds || *seconds < 1 || *seconds > most) {
    return refuse(concat("\"deadline\" must be 1s to ", most, "s"));
  }
  out = std::chrono::seconds(*seconds);
  return {};
}

// A CA that cannot be used is found at start, and not by the first login that needs it.
Status check_ca(const std::string& path) {
  if (path.empty()) return {};
  const auto pem = read_file(path, kPemBytesMax);
  if (!pem.ok()) return pem.error().within("endorsements: ca_file");
  const auto list = crypto::Certificate::list_from_pem(as_text(*pem));
  if (list.ok() && !list->empty()) return {};
  return refuse(concat("ca_file ", path, " holds no certificate in PEM"));
}

Status check_scheme(const char* key, const std::string& address, PlainHttp plain_http) {
  APM_TRY(const net::Url url, net::parse_url(address));
  if (url.scheme == "https") return {};
  if (plain_http == PlainHttp::kLoopback && net::is_loopback(url.host)) return {};
  return refuse(concat("\"", key, "\" must be https: ", address));
}

void read_addresses(const EndorsementsText& text, EndorsementsConfig& out) {
  endorsements::Sources& sources = out.sources;
  out.amd = !text.amd_kds.empty();
  out.intel = !text.intel_pcs.empty();
  if (out.amd && text.amd_kds != kVendor) sources.amd_kds = text.amd_kds;
  if (out.intel && text.intel_pcs != kVendor) {
    sources.intel_pcs = text.intel_pcs;
    sources.intel_root_crl = concat(text.intel_pcs, kMirrorsRootCrl);
  }
  if (!text.intel_root_crl.empty()) sources.intel_root_crl = text.intel_root_crl;
  sources.ca_file = text.ca_file;
}

}  // namespace

std::vector<std::string> EndorsementsConfig::describe() const {
  std::vector<std::string> out;
  if (amd) out.push_back(concat("amd ", sources.amd_kds));
  if (intel) out.push_back(concat("intel ", sources.intel_pcs));
  return out;
}

Result<EndorsementsConfig> read_endorsements(const EndorsementsText& text, PlainHttp plain_http) {
  EndorsementsConfig out;
  read_addresses(text, out);
  if (!out.amd && !out.intel) {
    return refuse(
        "the stanza names no source: give amd_kds, intel_pcs or both, as \"vendor\" or as "
        "the address of a mirror, or leave the stanza out");
  }
  const Status addresses = endorsements::check_sources(out.sources);
  if (!addresses.ok()) return refuse(addresses.error().message);
  APM_CHECK_OK(check_scheme("amd_kds", out.sources.amd_kds, plain_http));
  APM_CHECK_OK(check_scheme("intel_pcs", out.sources.intel_pcs, plain_http));
  APM_CHECK_OK(check_scheme("intel_root_crl", out.sources.intel_root_crl, plain_http));
  APM_CHECK_OK(check_ca(text.ca_file));
  APM_CHECK_OK(read_deadline(text.deadline, out.deadline));
  APM_CHECK_OK(read_limits(text, out.limits));
  return out;
}

}  // namespace apm::boot
