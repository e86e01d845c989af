#pragma once

// Microsoft Azure Attestation: POST /attest/AzureGuest. Borrows the HttpClient; one thread.

#include <string>

#include "azure/transport.h"
#include "base/clock.h"
#include "base/result.h"
#include "net/http_client.h"

namespace apm::azure {

class MaaClient {
 public:
  // `url` may have a trailing slash or a path; only its host is used, over https.
  [[nodiscard]] static Result<MaaClient> create(net::HttpClient& http, const std::string& url);

  // `attestation_info` is the inner JSON. Gives the text of the answer's `token` (base64url of the
  // envelope, which only the TPM that made the evidence can open).
  [[nodiscard]] Result<std::string> attest_azure_guest(const std::string& attestation_info,
                                                       const Deadline& deadline);
  [[nodiscard]] const std::string& host() const { return host_; }

 private:
  MaaClient(net::HttpClient& http, std::string host) : http_(&http), host_(std::move(host)) {}
  net::HttpClient* http_;
  std::string host_;
};

}  // namespace apm::azure
