#include "hclconfig/hclconfig.h"

#include "base/text.h"

namespace apm::hclconfig {

std::string describe(Position at) { return concat("line ", at.line, ", column ", at.column); }

Error error_at(Position at, std::string_view what) {
  return Error(Code::kInvalidArgument, "config_syntax", concat(describe(at), ": ", what));
}

const Body* Value::as_object() const {
  const auto* body = std::get_if<std::shared_ptr<Body>>(&data);
  return body == nullptr ? nullptr : body->get();
}

const Item* Body::find(std::string_view key) const {
  for (const Item& item : items) {
    if (item.key == key) return &item;
  }
  return nullptr;
}

std::vector<const Item*> Body::all(std::string_view key) const {
  std::vector<const Item*> out;
  for (const Item& item : items) {
    if (item.key == key) out.push_back(&item);
  }
  return out;
}

Result<std::string> string_of(const Item& item) {
  if (const std::string* text = item.value.as_string()) return *text;
  if (const Number* number = item.value.as_number()) return number->text;
  return error_at(item.value.at, concat("\"", item.key, "\" must be a string"));
}

Result<bool> bool_of(const Item& item) {
  if (const bool* flag = item.value.as_bool()) return *flag;
  const std::string* text = item.value.as_string();
  const Number* number = item.value.as_number();
  const std::string word = text != nullptr ? *text : number != nullptr ? number->text : "";
  if (word == "true" || word == "1") return true;
  if (word == "false" || word == "0") return false;
  return error_at(item.value.at, concat("\"", item.key, "\" must be true or false"));
}

Result<std::vector<std::string>> strings_of(const Item& item) {
  const List* list = item.value.as_list();
  if (list == nullptr) return error_at(item.value.at, concat("\"", item.key, "\" must be a list"));
  std::vector<std::string> out;
  for (const Value& value : *list) {
    const std::string* text = value.as_string();
    if (text == nullptr) {
      return error_at(value.at, concat("\"", item.key, "\" must be a list of strings"));
    }
    out.push_back(*text);
  }
  return out;
}

}  // namespace apm::hclconfig
