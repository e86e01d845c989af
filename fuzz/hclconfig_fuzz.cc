// Every place that the reader names lies inside the text; a comment or blank at the end changes
// nothing; what is read as JSON is also accepted by the JSON reader.

#include "hclconfig/hclconfig.h"

#include <algorithm>

#include "base/json.h"
#include "property.h"

namespace {

using apm::fuzz::require;
namespace hcl = apm::hclconfig;

void check_places(const hcl::Body& body, unsigned lines);

void check_places(const hcl::Value& value, unsigned lines) {
  require(value.at.line >= 1 && value.at.line <= lines && value.at.column >= 1, "a value's place");
  if (const hcl::List* list = value.as_list()) {
    for (const hcl::Value& item : *list) check_places(item, lines);
  }
  if (const hcl::Body* body = value.as_object()) check_places(*body, lines);
}

void check_places(const hcl::Body& body, unsigned lines) {
  for (const hcl::Item& item : body.items) {
    require(item.at.line >= 1 && item.at.line <= lines && item.at.column >= 1, "an item's place");
    require(body.find(item.key) != nullptr, "an item that cannot be found");
    check_places(item.value, lines);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = apm::fuzz::text_of(data, size);
  const auto body = hcl::parse(text);
  if (!body.ok()) {
    require(!body.error().message.empty(), "a refusal without a message");
    return 0;
  }
  check_places(*body, static_cast<unsigned>(std::count(text.begin(), text.end(), '\n')) + 1);
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  const bool is_json = first != std::string_view::npos && text[first] == '{';
  if (size < 1000) {
    const auto longer = hcl::parse(std::string(text) + (is_json ? " \n" : "\n# end\n"));
    require(longer.ok() && longer->items.size() == body->items.size(), "an end that matters");
  }
  return 0;
}
