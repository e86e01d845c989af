#include "attestation/dcap/json_slice.h"

#include "attestation/limits.h"
#include "base/json.h"
#include "base/text.h"

namespace apm::attestation::dcap {
namespace {

Error no_member(std::string_view name) {
  return Error(Code::kInvalidArgument, "json_member",
               concat("the document has no member \"", name, "\" in plain spelling"));
}

// Walks a document that is known to be well-formed.
class Walker {
 public:
  explicit Walker(std::string_view text) : text_(text) {}

  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) < 4) ++at_;
  }
  bool skip(char expected) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != expected) return false;
    ++at_;
    return true;
  }
  // With its quotes; the walker stands at the first.
  std::string_view take_string() {
    const std::size_t from = at_++;
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2U : 1U;
    ++at_;
    return text_.substr(from, at_ - from);
  }
  std::string_view take_value() {
    skip_space();
    const std::size_t from = at_;
    std::size_t depth = 0;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"') {
        take_string();
        --at_;
      } else if (c == '{' || c == '[') {
        ++depth;
      } else if (c == '}' || c == ']') {
        if (depth == 0) break;
        --depth;
      } else if (c == ',' && depth == 0) {
        break;
      }
    }
    return trim(text_.substr(from, at_ - from));
  }
  [[nodiscard]] bool at_string() {
    skip_space();
    return at_ < text_.size() && text_[at_] == '"';
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Result<std::string_view> member_slice(std::string_view document, std::string_view name) {
  json::Limits limits;
  limits.bytes_max = kTcbDocumentBytesMax;
  APM_TRY(const json::Value parsed, json::parse(document, limits));
  if (parsed.at(name) == nullptr) return no_member(name);
  Walker walker(document);
  if (!walker.skip('{')) return no_member(name);
  std::string_view found;
  while (walker.at_string()) {
    const std::string_view key = walker.take_string();
    if (key.find('\\') != std::string_view::npos || !walker.skip(':')) return no_member(name);
    const std::string_view value = walker.take_value();
    if (key.substr(1, key.size() - 2) == name) found = value;
    if (!walker.skip(',')) break;
  }
  if (found.empty()) return no_member(name);
  return found;
}

}  // namespace apm::attestation::dcap
