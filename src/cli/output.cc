#include "cli/output.h"

#include <algorithm>
#include <iostream>

#include "base/text.h"

namespace apm::cli {

std::string table(const Row& header, const std::vector<Row>& rows) {
  std::vector<std::size_t> widths;
  for (const std::string& title : header) widths.push_back(title.size());
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  const auto line = [&](const Row& row) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      if (i + 1 < row.size()) out.append(widths[i] - row[i].size() + 4, ' ');
    }
    out += '\n';
  };
  Row dashes;
  for (const std::string& title : header) dashes.push_back(std::string(title.size(), '-'));
  line(header);
  line(dashes);
  for (const Row& row : rows) line(row);
  if (!out.empty()) out.pop_back();
  return out;
}

std::string cell(const json::Value& value) {
  if (const std::string* text = value.as_string()) return *text;
  if (value.is_null()) return "n/a";
  return json::write(value);
}

void print(const std::string& text) { std::cout << text << std::endl; }
void print_error(const std::string& text) { std::cerr << text << std::endl; }

int fail(const Error& error) {
  print_error(concat("Error: ", error.message));
  return error.code == Code::kInvalidArgument || error.code == Code::kIo ? kLocalFailure
                                                                         : kRemoteFailure;
}

int fail_remote(const std::string& what, int status, const std::vector<std::string>& errors) {
  std::string text = concat("Error ", what, ": the server answered ", status);
  for (const std::string& one : errors) text += concat("\n  * ", trim(one));
  print_error(text);
  return kRemoteFailure;
}

}  // namespace apm::cli
