#pragma once

// What a deployer does before the first boot, in the simulated vault: the exportable master key
// with its release policy, the server's TLS certificate as a PFX, and the two values that are
// encrypted under the master key. Works on the directory's state, whether or not it is being
// served.

#include <string>

#include "sim/service.h"

namespace apm::sim {

struct DeployInput {
  std::string hostname = "apm-server.test";
  std::string pfx_password_file;  // read when it exists, else written; empty: nobody learns it
};

// An existing master key is kept; the secrets get new versions.
[[nodiscard]] Status deploy(Services& services, const Clock& clock, const DeployInput& input);

// A call to the vault with a valid access token, for deploy() and tests.
[[nodiscard]] HttpResponse call_vault(Services& services, const Clock& clock,
                                      const std::string& method, const std::string& path,
                                      const json::Value& body);

}  // namespace apm::sim
