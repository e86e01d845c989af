#pragma once

// The Azure Instance Metadata Service: managed-identity tokens, the VM's id, and AMD's certificates
// for this machine (THIM). Plain HTTP to a link-local address by design of Azure: nothing read here
// is trusted before something else proves it; a token is only ever sent to Key Vault over TLS.
// Borrows the HttpClient; one thread.

#include <string>

#include "azure/transport.h"
#include "base/clock.h"
#include "base/result.h"
#include "net/http_client.h"

namespace apm::azure {

struct AccessToken {
  std::string value;
  SteadyTime usable_until;  // already less kTokenSpare
};

struct AmdCertification {
  std::string vcek_pem;
  std::string chain_pem;  // ASK, then ARK
};

class ImdsClient {
 public:
  ImdsClient(net::HttpClient& http, std::string endpoint = kImdsEndpoint);

  [[nodiscard]] Result<AccessToken> token(const std::string& resource, const Identity& identity,
                                          const Deadline& deadline);
  [[nodiscard]] Result<AmdCertification> amd_certification(const Deadline& deadline);
  [[nodiscard]] Result<std::string> vm_id(const Deadline& deadline);

 private:
  [[nodiscard]] Result<std::string> get(const std::string& what, const std::string& target,
                                        const Deadline& deadline);
  net::HttpClient& http_;
  std::string endpoint_;
};

// Tokens of the managed identity, kept per resource until they are nearly over. Borrows both.
[[nodiscard]] TokenSource managed_identity_tokens(ImdsClient& imds, Identity identity);

}  // namespace apm::azure
