#include "azure/entra.h"

#include "azure/answer.h"
#include "azure/limits.h"
#include "base/text.h"

namespace apm::azure {

Result<std::string> service_principal_token(net::HttpClient& http,
                                            const ServicePrincipal& principal,
                                            const std::string& resource, const Deadline& deadline) {
  if (principal.tenant_id.empty() || principal.client_id.empty() ||
      principal.client_secret.empty()) {
    return Error(Code::kInvalidArgument, "service_principal",
                 "a service principal needs tenant id, client id and client secret");
  }
  const std::string what = "Entra: token for " + resource;
  net::Request request;
  request.method = "POST";
  request.url = concat("https://login.microsoftonline.com/", net::url_encode(principal.tenant_id),
                       "/oauth2/v2.0/token");
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"},
                     {"Accept", "application/json"}};
  request.body =
      concat("client_id=", net::url_encode(principal.client_id),
             "&client_secret=", net::url_encode(principal.client_secret),
             "&grant_type=client_credentials&scope=", net::url_encode(resource + "/.default"));
  request.attempt_timeout = kEntraAttemptTimeout;
  request.retry.attempts_max = kEntraAttempts;
  request.response_bytes_max = kAnswerBytesMax;
  request.what = what;
  APM_TRY(const net::Response response, http.send(request, deadline.at_most(kEntraDeadline)));
  if (response.status != 200) {
    const bool caller = response.status == 400 || response.status == 401;
    return Error(caller ? Code::kUnauthenticated : Code::kUnavailable, "entra",
                 describe_answer(what, response.status, read_azure_error(response.body)) +
                     (caller ? " Check tenant id, client id and client secret"
                             : " The service is in trouble; try again"));
  }
  APM_TRY(const json::Value answer, read_answer(what, "entra", response.body));
  const std::string* token = answer.string_at("access_token");
  if (token == nullptr || token->empty()) {
    return Error(Code::kUnavailable, "entra", what + ": the answer holds no access_token");
  }
  return *token;
}

TokenSource service_principal_tokens(net::HttpClient& http, ServicePrincipal principal) {
  return [&http, principal = std::move(principal)](const std::string& resource,
                                                   const Deadline& deadline) {
    return service_principal_token(http, principal, resource, deadline);
  };
}

}  // namespace apm::azure
