#include "azure/transport.h"

namespace apm::azure {

Status check_transport(const Transport& transport) {
  const bool unusual = !transport.ca_file.empty() || !transport.connect_to.empty() ||
                       transport.imds_endpoint != kImdsEndpoint;
  if (unusual && !transport.test) {
    return Error(Code::kInvalidArgument, "transport",
                 "a CA file, a connect address or a metadata endpoint of one's own belongs to test "
                 "mode alone. Remove it, or use a test configuration");
  }
  if (transport.test && (transport.ca_file.empty() || transport.connect_to.empty() ||
                         transport.imds_endpoint == kImdsEndpoint)) {
    return Error(Code::kInvalidArgument, "transport",
                 "a test configuration names all three: the simulator's CA file, where its https "
                 "is (connect_to) and its metadata endpoint");
  }
  return {};
}

Result<net::HttpClient> make_http_client(const Transport& transport) {
  APM_CHECK_OK(check_transport(transport));
  net::HttpClientConfig config;
  config.ca_file = transport.ca_file;
  config.connect_to = transport.connect_to;
  config.only_loopback = transport.test;
  return net::HttpClient::create(std::move(config));
}

}  // namespace apm::azure
