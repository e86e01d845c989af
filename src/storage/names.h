#pragma once

// list() for backends that keep their content sorted in memory.

#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace apm::storage {

// As Store::list(); kTooLarge "storage_list" for more than kListNamesMax names.
[[nodiscard]] Result<std::vector<std::string>> names_below(
    const std::map<std::string, Bytes>& values, const std::string& prefix);

}  // namespace apm::storage
