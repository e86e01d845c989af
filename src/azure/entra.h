#pragma once

// Tokens of a service principal (OAuth 2 client credentials), for machines without an identity of
// their own. Borrows the HttpClient; one thread.

#include <string>

#include "azure/transport.h"
#include "base/result.h"
#include "net/http_client.h"

namespace apm::azure {

struct ServicePrincipal {
  std::string tenant_id;
  std::string client_id;
  std::string client_secret;
};

[[nodiscard]] Result<std::string> service_principal_token(net::HttpClient& http,
                                                          const ServicePrincipal& principal,
                                                          const std::string& resource,
                                                          const Deadline& deadline);
[[nodiscard]] TokenSource service_principal_tokens(net::HttpClient& http,
                                                   ServicePrincipal principal);

}  // namespace apm::azure
