#pragma once

// HCL version 1 and JSON, as Vault's configuration and policies are written: text in, a tree with
// line and column out. Comments (#, //, /* */), blocks with labels, attributes, lists, objects,
// strings, heredocs, numbers, booleans. "${" has no meaning: text is text. Errors say where:
// columns count characters. Repeated blocks keep their order; a repeated attribute is an error that
// names both places. "<<-" takes away the indentation that all lines of a heredoc share. Numbers
// are written as in JSON (no octal, no hexadecimal). Limits: hclconfig/limits.h. Pure: any thread.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace apm::hclconfig {

struct Position {
  unsigned line = 1;
  unsigned column = 1;
};
[[nodiscard]] std::string describe(Position at);  // "line 3, column 7"

struct Body;
struct Value;
using List = std::vector<Value>;

struct Number {
  std::string text;
};

struct Value {
  std::variant<bool, Number, std::string, List, std::shared_ptr<Body>> data;
  Position at;

  [[nodiscard]] const std::string* as_string() const { return std::get_if<std::string>(&data); }
  [[nodiscard]] const bool* as_bool() const { return std::get_if<bool>(&data); }
  [[nodiscard]] const Number* as_number() const { return std::get_if<Number>(&data); }
  [[nodiscard]] const List* as_list() const { return std::get_if<List>(&data); }
  [[nodiscard]] const Body* as_object() const;
};

// `key = value`, or `key "label" { ... }` (then `value` holds the body).
struct Item {
  std::string key;
  std::vector<std::string> labels;
  bool is_block = false;
  Value value;
  Position at;
};

struct Body {
  std::vector<Item> items;
  Position at;

  [[nodiscard]] const Item* find(std::string_view key) const;
  [[nodiscard]] std::vector<const Item*> all(std::string_view key) const;
};

// kInvalidArgument "config_syntax" with the place ("line 3, column 7: ..."), or kTooLarge
// "config_too_large". A text that begins with '{' is read as JSON:
// there, an object of objects under a key reads as labelled blocks do.
[[nodiscard]] Result<Body> parse(std::string_view text);

// Reading one attribute of a known type; the error names the key and the place.
[[nodiscard]] Result<std::string> string_of(const Item& item);
[[nodiscard]] Result<bool> bool_of(const Item& item);  // true, false, "true", "false", 1, 0
[[nodiscard]] Result<std::vector<std::string>> strings_of(const Item& item);
[[nodiscard]] Error error_at(Position at, std::string_view what);

}  // namespace apm::hclconfig
