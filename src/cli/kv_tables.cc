#include "cli/kv_tables.h"

#include <algorithm>

#include "base/text.h"

namespace apm::cli {
namespace {

constexpr std::size_t kColumnGap = 4;
constexpr std::size_t kSignsMin = 4;

// The title between equal signs, about as wide as what stands below.
std::string heading(const std::string& title, std::size_t width) {
  const std::size_t taken = title.size() + 2;
  std::size_t signs = width > taken ? width - taken : kSignsMin;
  signs += signs % 2;
  const std::string side(signs / 2, '=');
  return concat(side, " ", title, " ", side);
}

std::vector<std::pair<std::string, json::Value>> sorted(const json::Object& members) {
  std::vector<std::pair<std::string, json::Value>> all(members.begin(), members.end());
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return all;
}

std::string map_text(const json::Object& members) {
  std::string text;
  for (const auto& [name, value] : sorted(members)) {
    text += concat(text.empty() ? "" : " ", name, ":", kv_cell(value));
  }
  return "map[" + text + "]";
}

std::string list_text(const json::Array& items) {
  std::string text;
  for (const json::Value& item : items) text += (text.empty() ? "" : " ") + kv_cell(item);
  return "[" + text + "]";
}

}  // namespace

std::string kv_cell(const json::Value& value) {
  if (value.is_null()) return "<nil>";
  if (value.as_object() != nullptr) return map_text(*value.as_object());
  if (value.as_array() != nullptr) return list_text(*value.as_array());
  return cell(value);
}

std::string path_heading(const std::string& title, const std::string& path) {
  return heading(title, path.size()) + "\n" + path + "\n";
}

std::string titled_table(const std::string& title, const json::Object& members) {
  std::vector<Row> rows;
  std::size_t widest = 0;
  for (const auto& [name, value] : sorted(members)) {
    // A time that is not set reads better than nothing.
    const bool unset = name == "deletion_time" && value == json::Value("");
    rows.push_back({name, unset ? "n/a" : kv_cell(value)});
    widest = std::max(widest, name.size());
  }
  const std::size_t width = widest + kColumnGap + std::string_view("Value").size();
  return heading(title, width) + "\n" + table({"Key", "Value"}, rows);
}

void print_warnings(const client::Answer& answer) {
  const json::Value* warnings = answer.body.at("warnings");
  if (warnings == nullptr || warnings->as_array() == nullptr) return;
  for (const json::Value& one : *warnings->as_array()) print_error("WARNING! " + cell(one));
}

}  // namespace apm::cli
