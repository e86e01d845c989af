#include "azure/imds.h"

#include <map>
#include <memory>
#include <optional>

#include "azure/answer.h"
#include "azure/limits.h"
#include "base/text.h"

namespace apm::azure {
namespace {

std::string remedy(int status, const AzureError& error) {
  if (status == 400 && error.message.find("dentity not found") != std::string::npos) {
    return " Assign the managed identity to this VM, or correct its client id, object id or "
           "resource id";
  }
  if (status == 400) return " Check the identity selector and the resource of the request";
  if (status == 404 || status == 410) return " The service is being updated; try again in a minute";
  if (status == 429) return " Too many requests from this VM; wait and try again";
  if (status >= 500) return " The metadata service is in trouble; try again";
  return " Check that this is an Azure VM and that no proxy answers for 169.254.169.254";
}

Error refusal(const std::string& what, const net::Response& response) {
  const AzureError error = read_azure_error(response.body);
  const Code code = response.status == 400   ? Code::kInvalidArgument
                    : response.status == 429 ? Code::kRateLimited
                                             : Code::kUnavailable;
  return {code, "imds",
          describe_answer(what, response.status, error) + remedy(response.status, error)};
}

std::string selector(const Identity& identity) {
  if (!identity.client_id.empty()) return "&client_id=" + net::url_encode(identity.client_id);
  if (!identity.object_id.empty()) return "&object_id=" + net::url_encode(identity.object_id);
  if (!identity.msi_res_id.empty()) return "&msi_res_id=" + net::url_encode(identity.msi_res_id);
  return {};
}

}  // namespace

ImdsClient::ImdsClient(net::HttpClient& http, std::string endpoint)
    : http_(http), endpoint_(std::move(endpoint)) {
  while (endpoint_.ends_with('/')) endpoint_.pop_back();
}

Result<std::string> ImdsClient::get(const std::string& what, const std::string& target,
                                    const Deadline& deadline) {
  net::Request request;
  request.url = endpoint_ + target;
  request.headers = {{"Metadata", "true"}};
  request.attempt_timeout = kImdsAttemptTimeout;
  request.retry = {.attempts_max = kImdsAttempts,
                   .base_delay = Milliseconds(2000),
                   .delay_max = Milliseconds(30'000),
                   .more_statuses = {404, 410}};
  request.response_bytes_max = kAnswerBytesMax;
  request.what = what;
  APM_TRY(net::Response response, http_.send(request, deadline.at_most(kImdsDeadline)));
  if (response.status != 200) return refusal(what, response);
  return std::move(response.body);
}

Result<AccessToken> ImdsClient::token(const std::string& resource, const Identity& identity,
                                      const Deadline& deadline) {
  const std::string what = "IMDS: token for " + resource;
  const SteadyTime asked = SystemClock().steady();
  APM_TRY(const std::string body,
          get(what,
              concat("/metadata/identity/oauth2/token?api-version=2018-02-01&resource=",
                     net::url_encode(resource), selector(identity)),
              deadline));
  APM_TRY(const json::Value answer, read_answer(what, "imds", body));
  const std::string* token = answer.string_at("access_token");
  if (token == nullptr || token->empty()) {
    return Error(Code::kUnavailable, "imds",
                 what +
                     ": the answer holds no access_token. Check that this is an Azure VM with a "
                     "managed identity");
  }
  // "expires_in" is text by documentation; a number is accepted. Absent: not kept at all.
  std::optional<std::uint64_t> seconds;
  if (const std::string* text = answer.string_at("expires_in")) seconds = parse_u64(*text);
  if (const json::Value* number = answer.at("expires_in"); number != nullptr && !seconds) {
    seconds = number->as_uint();
  }
  const std::uint64_t lifetime = std::min<std::uint64_t>(seconds.value_or(0), 7 * 86400);
  return AccessToken{*token, asked + std::chrono::seconds(lifetime) - kTokenSpare};
}

Result<AmdCertification> ImdsClient::amd_certification(const Deadline& deadline) {
  const std::string what = "IMDS: AMD certification (THIM)";
  APM_TRY(const std::string body, get(what, "/metadata/THIM/amd/certification", deadline));
  APM_TRY(const json::Value answer, read_answer(what, "imds", body));
  const std::string* vcek = answer.string_at("vcekCert");
  const std::string* chain = answer.string_at("certificateChain");
  if (vcek == nullptr || chain == nullptr || vcek->empty() || chain->empty()) {
    return Error(Code::kUnavailable, "imds",
                 what +
                     ": the answer lacks vcekCert or certificateChain. Is this a confidential VM "
                     "with AMD SEV-SNP?");
  }
  return AmdCertification{*vcek, *chain};
}

Result<std::string> ImdsClient::vm_id(const Deadline& deadline) {
  APM_TRY(const std::string body,
          get("IMDS: VM id", "/metadata/instance/compute/vmId?api-version=2019-03-11&format=text",
              deadline));
  return std::string(trim(body));
}

TokenSource managed_identity_tokens(ImdsClient& imds, Identity identity) {
  auto kept = std::make_shared<std::map<std::string, AccessToken>>();
  return [&imds, identity = std::move(identity), kept](
             const std::string& resource, const Deadline& deadline) -> Result<std::string> {
    const auto found = kept->find(resource);
    if (found != kept->end() && SystemClock().steady() < found->second.usable_until) {
      return found->second.value;
    }
    APM_TRY(AccessToken token, imds.token(resource, identity, deadline));
    std::string value = token.value;
    kept->insert_or_assign(resource, std::move(token));
    return value;
  };
}

}  // namespace apm::azure
