#pragma once

// What Key Vault's refusals mean and what the operator does about each. Pure; private to azure/.

#include <string_view>

#include "azure/answer.h"
#include "base/error.h"

namespace apm::azure {

[[nodiscard]] Error vault_error(std::string_view call, int status, const AzureError& error,
                                bool release);

}  // namespace apm::azure
