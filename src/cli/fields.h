#pragma once

// The fields that a command writes, as Vault's CLI takes them: key=value, key=@file, key=-
// (standard input), and whole JSON objects as @file or - . Later ones replace earlier ones.

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace apm::cli {

// kInvalidArgument, or kIo of a file. No error repeats a value.
[[nodiscard]] Result<json::Object> fields_of(const std::vector<std::string>& words);

}  // namespace apm::cli
