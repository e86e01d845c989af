#include "endorsements/source.h"

#include <algorithm>

#include "base/text.h"
#include "endorsements/limits.h"

namespace apm::endorsements {
namespace {

Status check_address(std::string_view name, const std::string& address) {
  const auto url = net::parse_url(address);
  const bool good =
      url.ok() && !address.ends_with('/') && url->target.find('?') == std::string::npos;
  if (good) return {};
  return Error(Code::kInvalidArgument, "endorsement_source",
               concat(name, " \"", address,
                      "\" is not an address such as https://mirror.example:8081/path, without a "
                      "query and without a slash at the end"));
}

// A client a call: connections are few, and a client belongs to one thread.
class HttpFetcher final : public Fetcher {
 public:
  explicit HttpFetcher(std::string ca_file) : ca_file_(std::move(ca_file)) {}

  [[nodiscard]] Result<net::Response> get(const Ask& ask, const Deadline& deadline) override {
    net::HttpClientConfig config;
    config.ca_file = ca_file_;
    APM_TRY(net::HttpClient client, net::HttpClient::create(config));
    net::Request request;
    request.url = ask.url;
    request.what = ask.what;
    request.headers.emplace_back("Metadata", "true");  // IMDS asks for it, the others ignore it
    request.attempt_timeout = kAttemptTimeout;
    request.retry.attempts_max = kAttemptsMax;
    request.response_bytes_max = ask.bytes_max;
    return client.send(request, deadline);
  }

 private:
  std::string ca_file_;
};

Error failure(std::string reason, std::string message) {
  return Error(Code::kUnavailable, std::move(reason), std::move(message));
}

Error of_net(const Error& error) {
  if (error.reason == "response_too_large") {
    return failure("endorsement_too_large", error.message);
  }
  if (error.reason == "deadline") return failure("endorsement_deadline", error.message);
  if (error.reason == "tls_untrusted") return failure("endorsement_untrusted", error.message);
  if (error.code == Code::kUnavailable) return failure("endorsement_unreachable", error.message);
  return error;
}

Error of_status(const Ask& ask, int status) {
  const std::string happened = concat(ask.what, ": HTTP ", status);
  if (status == 429) {
    return failure("endorsement_throttled",
                   concat(happened,
                          ": asked too often. Use a mirror, or let the evidence bring its "
                          "certificates"));
  }
  if (status == 404 || status == 410) {
    return failure("endorsement_not_found",
                   concat(happened,
                          ": the vendor knows no such chip, platform or level, or not any "
                          "more"));
  }
  return failure("endorsement_refused",
                 concat(happened, ". Check the configured address of the service"));
}

}  // namespace

Status check_sources(const Sources& sources) {
  APM_CHECK_OK(check_address("amd_kds", sources.amd_kds));
  APM_CHECK_OK(check_address("intel_pcs", sources.intel_pcs));
  APM_CHECK_OK(check_address("intel_root_crl", sources.intel_root_crl));
  APM_CHECK_OK(check_address("imds", sources.imds));
  if (sources.maa_issuers.size() > kIssuersMax) {
    return Error(Code::kInvalidArgument, "endorsement_source",
                 concat("there are more than ", kIssuersMax, " MAA issuers"));
  }
  for (const std::string& issuer : sources.maa_issuers) {
    APM_CHECK_OK(check_address("maa_issuers", issuer));
  }
  return {};
}

std::unique_ptr<Fetcher> http_fetcher(std::string ca_file) {
  return std::make_unique<HttpFetcher>(std::move(ca_file));
}

Result<net::Response> fetch_ok(Fetcher& fetcher, const Ask& ask, const Deadline& deadline) {
  auto answer = fetcher.get(ask, deadline);
  if (!answer.ok()) return of_net(answer.error());
  if (answer->status != 200) return of_status(ask, answer->status);
  if (answer->body.size() > ask.bytes_max) {
    return failure("endorsement_too_large",
                   concat(ask.what, ": more than ", ask.bytes_max, " bytes"));
  }
  return answer;
}

}  // namespace apm::endorsements
