#pragma once

// How this process reaches Azure, and on whose behalf. In production every field of Transport keeps
// its default; a `test` store or the --test flag names something else (see boot and
// AzureAttestSKR).

#include <functional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "net/http_client.h"

namespace apm::azure {

inline constexpr const char* kImdsEndpoint = "http://169.254.169.254";

struct Transport {
  std::string ca_file;     // PEM instead of the system store
  std::string connect_to;  // "127.0.0.1:PORT" for every https host
  std::string imds_endpoint = kImdsEndpoint;
  bool test = false;  // refuse whatever is not loopback
};

// kInvalidArgument "transport" when test anchors or endpoints are set without `test`, or `test`
// without them.
[[nodiscard]] Status check_transport(const Transport& transport);
[[nodiscard]] Result<net::HttpClient> make_http_client(const Transport& transport);

// Which managed identity; at most one of the three is used, in this order. All empty: the VM's only
// one.
struct Identity {
  std::string client_id;
  std::string object_id;
  std::string msi_res_id;
};

// A bearer token for a resource such as "https://vault.azure.net".
using TokenSource =
    std::function<Result<std::string>(const std::string& resource, const Deadline& deadline)>;

inline constexpr const char* kVaultResource = "https://vault.azure.net";
inline constexpr const char* kManagedHsmResource = "https://managedhsm.azure.net";

}  // namespace apm::azure
