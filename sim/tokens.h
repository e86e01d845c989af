#pragma once

// Access tokens of the simulated Entra: made by IMDS and the login host, checked by the vault.
// Pure but for the random token id; any thread.

#include <string>

#include "base/clock.h"
#include "sim/hardware.h"

namespace apm::sim {

struct AccessClaims {
  std::string app_id;
  std::string object_id;
};

[[nodiscard]] Result<std::string> make_access_token(const Settings& settings,
                                                    const Hardware& hardware,
                                                    const std::string& resource, std::int64_t now_s,
                                                    std::int64_t lifetime_s);
// kRefused "token_invalid", "token_expired", "token_audience".
[[nodiscard]] Result<AccessClaims> check_access_token(const Settings& settings,
                                                      const Hardware& hardware,
                                                      const std::string& token,
                                                      const std::string& resource,
                                                      std::int64_t now_s);

}  // namespace apm::sim
