#include "cli/fields.h"

#include "base/text.h"
#include "cli/session.h"

namespace apm::cli {
namespace {

Status add_document(json::Object& fields, const std::string& source) {
  APM_TRY(const std::string text, value_of(source));
  APM_TRY(const json::Value document, json::parse(text));
  if (document.as_object() == nullptr) {
    return Error(
        Code::kInvalidArgument, "usage",
        concat(source == "-" ? "standard input" : source.substr(1), " must hold one JSON object"));
  }
  for (const auto& [name, value] : *document.as_object()) fields.set(name, value);
  return {};
}

}  // namespace

Result<json::Object> fields_of(const std::vector<std::string>& words) {
  json::Object fields;
  for (const std::string& word : words) {
    if (word == "-" || word.starts_with('@')) {
      APM_CHECK_OK(add_document(fields, word));
      continue;
    }
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      // The word may be a value that lost its key: it is not repeated.
      return Error(Code::kInvalidArgument, "usage",
                   "give fields as key=value, key=@file, key=- or a JSON object as @file or -");
    }
    APM_TRY(std::string value, value_of(word.substr(equals + 1)));
    fields.set(word.substr(0, equals), std::move(value));
  }
  return fields;
}

}  // namespace apm::cli
