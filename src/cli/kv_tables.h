#pragma once

// How kv commands show what they got: tables with headings, as Vault's CLI prints them.

#include <string>

#include "cli/session.h"

namespace apm::cli {

// "== Secret Path ==" over the path.
[[nodiscard]] std::string path_heading(const std::string& title, const std::string& path);
// "=== Data ===" and the members as a table, by name.
[[nodiscard]] std::string titled_table(const std::string& title, const json::Object& members);
// A value as such a cell: null is <nil>, maps and lists as Go prints them.
[[nodiscard]] std::string kv_cell(const json::Value& value);

// Warnings of an answer, on standard error.
void print_warnings(const client::Answer& answer);

}  // namespace apm::cli
