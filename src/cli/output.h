#pragma once

// How a command speaks: results on standard output, as a table for people or JSON for programs;
// everything else on standard error. Exit codes are Vault's: 0 done, 1 wrong use or local failure,
// 2 the server refused or could not be reached (`status`: 2 means sealed).

#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace apm::cli {

inline constexpr int kOk = 0;
inline constexpr int kLocalFailure = 1;
inline constexpr int kRemoteFailure = 2;

enum class Format { kTable, kJson };

using Row = std::vector<std::string>;

// Columns aligned, a dashed line under the header, as Vault's CLI prints them.
[[nodiscard]] std::string table(const Row& header, const std::vector<Row>& rows);
// A JSON value as one table cell: strings without quotes, the rest as JSON.
[[nodiscard]] std::string cell(const json::Value& value);

void print(const std::string& text);        // standard output, with a newline
void print_error(const std::string& text);  // standard error, with a newline

// Prints the error and gives the exit code that fits it.
[[nodiscard]] int fail(const Error& error);
[[nodiscard]] int fail_remote(const std::string& what, int status,
                              const std::vector<std::string>& errors);

}  // namespace apm::cli
