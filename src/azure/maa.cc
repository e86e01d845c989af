#include "azure/maa.h"

#include "azure/answer.h"
#include "azure/limits.h"
#include "base/encoding.h"
#include "base/text.h"

namespace apm::azure {
namespace {

Error refusal(const std::string& what, const net::Response& response) {
  const AzureError error = read_azure_error(response.body);
  const std::string text = describe_answer(what, response.status, error);
  if (response.status == 400) {
    return {
        Code::kRefused, "maa_refused",
        text +
            " The provider's policy or the evidence is at fault. Check that Secure Boot is on, the "
            "VM confidential, and its vTPM's attestation key provisioned; after a firmware "
            "update of the host, try again"};
  }
  if (response.status == 401 || response.status == 403) {
    return {Code::kPermissionDenied, "maa_denied",
            text + " The provider does not take calls from here; check its network rules"};
  }
  if (response.status == 404) {
    return {Code::kNotFound, "maa_not_found", text + " Check the attestation provider's URL"};
  }
  if (response.status == 429) {
    return {Code::kRateLimited, "maa_throttled", text + " Too many attestations; wait, then retry"};
  }
  return {
      Code::kUnavailable, "maa_unavailable",
      text + " The attestation service is in trouble; try again, and see Azure's service health"};
}

}  // namespace

Result<MaaClient> MaaClient::create(net::HttpClient& http, const std::string& url) {
  const std::string full = url.find("://") == std::string::npos ? "https://" + url : url;
  APM_TRY(const net::Url parsed, net::parse_url(full));
  if (parsed.scheme != "https") {
    return Error(Code::kInvalidArgument, "maa_url",
                 concat("the attestation provider ", url, " must be an https URL"));
  }
  return MaaClient(http, parsed.host);
}

Result<std::string> MaaClient::attest_azure_guest(const std::string& attestation_info,
                                                  const Deadline& deadline) {
  const std::string what = concat("MAA ", host_, ": attest AzureGuest");
  net::Request request;
  request.method = "POST";
  request.url = concat("https://", host_, "/attest/AzureGuest?api-version=2020-10-01");
  request.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
  request.body = json::write(
      json::Object{{"AttestationInfo", json::Value(base64url_encode(as_bytes(attestation_info)))}});
  request.attempt_timeout = kMaaAttemptTimeout;
  request.retry = {.attempts_max = kMaaAttempts,
                   .base_delay = Milliseconds(2000),
                   .delay_max = Milliseconds(20'000),
                   .more_statuses = {}};
  request.response_bytes_max = kAnswerBytesMax;
  request.what = what;
  APM_TRY(const net::Response response, http_->send(request, deadline.at_most(kMaaDeadline)));
  if (response.status != 200) return refusal(what, response);
  APM_TRY(const json::Value answer, read_answer(what, "maa_answer", response.body));
  const std::string* token = answer.string_at("token");
  if (token == nullptr || token->empty()) {
    return Error(Code::kUnavailable, "maa_answer",
                 what +
                     ": the answer holds no token. Check that the address is an attestation "
                     "provider's");
  }
  return *token;
}

}  // namespace apm::azure
