#pragma once

// Where endorsements come from. Every address is the configuration's; nothing in evidence or in an
// answer names a host, and redirects are not followed. A vendor's own service is the default, a
// mirror (a PCCS, an internal cache) takes its place by its address.

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "net/http_client.h"

namespace apm::endorsements {

struct Sources {
  std::string amd_kds = "https://kdsintf.amd.com";
  std::string intel_pcs = "https://api.trustedservices.intel.com";
  // Not part of the service's own interface: DER, or, as a PCCS answers, the DER in hexadecimal.
  std::string intel_root_crl = "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der";
  std::string imds = "http://169.254.169.254";  // THIM; asked on Azure's own machines only
  std::vector<std::string> maa_issuers;         // exactly as `iss`; none: no key set is fetched
  std::string ca_file;                          // PEM instead of the system's store
};
// Addresses without a query or a slash at the end. kInvalidArgument "endorsement_source".
[[nodiscard]] Status check_sources(const Sources& sources);

struct Ask {
  std::string url;
  std::string what;  // in the operator's words: "AMD KDS: VCEK of Milan"
  std::size_t bytes_max = 0;
};

// One GET with its retries. Any thread may call a Fetcher.
class Fetcher {
 public:
  virtual ~Fetcher() = default;
  [[nodiscard]] virtual Result<net::Response> get(const Ask& ask, const Deadline& deadline) = 0;
};
[[nodiscard]] std::unique_ptr<Fetcher> http_fetcher(std::string ca_file);

// The answer when its status is 200. Else, and for net's own failures, kUnavailable with
//   endorsement_unreachable, endorsement_untrusted, endorsement_deadline, endorsement_too_large,
//   endorsement_throttled (429 after all retries), endorsement_not_found (404, 410),
//   endorsement_refused (any other status).
[[nodiscard]] Result<net::Response> fetch_ok(Fetcher& fetcher, const Ask& ask,
                                             const Deadline& deadline);

}  // namespace apm::endorsements
