#include <functional>
#include <map>
#include <memory>

#include "base/text.h"
#include "hclconfig/hclconfig.h"
#include "hclconfig/limits.h"
#include "hclconfig/scanner.h"

namespace apm::hclconfig {
namespace {

class Parser {
 public:
  Parser(std::string_view text, bool json) : in_(text), json_(json) {}

  Result<Body> document() {
    if (!json_) return body('\0');
    APM_CHECK_OK(in_.skip_blank(json_));
    in_.next();  // '{'
    APM_TRY(Body out, body('}'));
    APM_CHECK_OK(in_.skip_blank(json_));
    if (!in_.done()) return error_at(in_.position(), "there is text behind the document");
    return out;
  }

 private:
  // Items up to `end` ('\0': the end of the text).
  Result<Body> body(char end) {
    if (++depth_ > kDepthMax) return error_at(in_.position(), "the text is nested too deeply");
    Body out;
    out.at = in_.position();
    Seen seen;
    bool more = true;  // whether another item may follow without a comma
    while (true) {
      APM_CHECK_OK(in_.skip_blank(json_));
      if (in_.done() && end == '\0') break;
      if (in_.done()) return error_at(out.at, "this block is never closed");
      if (end != '\0' && in_.peek() == end && !(json_ && more && !out.items.empty())) {
        in_.next();
        break;
      }
      if (!more) return error_at(in_.position(), "here a comma or the end is expected");
      APM_TRY(Item one, item());
      APM_CHECK_OK(add(out, seen, std::move(one)));
      APM_CHECK_OK(in_.skip_blank(json_));
      const bool comma = in_.take(',');
      more = !json_ || comma;
    }
    --depth_;
    return out;
  }

  struct First {
    Position at;
    bool is_block = false;
  };
  using Seen = std::map<std::string, First, std::less<>>;

  Status add(Body& out, Seen& seen, Item item) {
    if (++items_ > kItemsMax) return error_at(item.at, "the text has too many items");
    const auto [before, is_new] = seen.try_emplace(item.key, First{item.at, item.is_block});
    if (!is_new && (json_ || !item.is_block || !before->second.is_block)) {
      return error_at(
          item.at, concat("\"", item.key, "\" was already set at ", describe(before->second.at)));
    }
    if (json_) return add_json(out, std::move(item));
    out.items.push_back(std::move(item));
    return {};
  }

  // {"path": {"a/b": {..}}} is what path "a/b" {..} is in HCL; a list of objects is repeated
  // blocks.
  Status add_json(Body& out, Item item) {
    const List* list = item.value.as_list();
    bool blocks = list != nullptr && !list->empty();
    for (std::size_t i = 0; blocks && i < list->size(); ++i) {
      blocks = (*list)[i].as_object() != nullptr;
    }
    if (blocks) {
      for (const Value& value : *list) add_json_object(out, item, value);
    } else if (item.value.as_object() != nullptr) {
      add_json_object(out, item, item.value);
    } else {
      out.items.push_back(std::move(item));
    }
    return {};
  }

  static void add_json_object(Body& out, const Item& item, const Value& value) {
    const Body& inner = *value.as_object();
    bool labelled = !inner.items.empty();
    for (const Item& one : inner.items) labelled = labelled && one.is_block && one.labels.empty();
    if (!labelled) {
      out.items.push_back(Item{item.key, {}, true, value, item.at});
      return;
    }
    for (const Item& one : inner.items) {
      out.items.push_back(Item{item.key, {one.key}, true, one.value, one.at});
    }
  }

  Result<std::string> key() {
    if (in_.peek() == '"') return in_.quoted();
    std::string word = json_ ? "" : in_.word();
    if (word.empty()) return error_at(in_.position(), "here a name is expected");
    return word;
  }

  Result<Item> item() {
    Item out;
    out.at = in_.position();
    APM_TRY(out.key, key());
    APM_CHECK_OK(in_.skip_blank(json_));
    if (in_.take(json_ ? ':' : '=')) {
      APM_TRY(out.value, value());
      return out;
    }
    while (!json_ && in_.peek() != '{') {
      if (in_.done()) return error_at(out.at, concat("\"", out.key, "\" has no value"));
      if (out.labels.size() == kLabelsMax) return error_at(in_.position(), "one label too many");
      APM_TRY(std::string label, key());
      out.labels.push_back(std::move(label));
      APM_CHECK_OK(in_.skip_blank(json_));
    }
    if (json_) return error_at(in_.position(), "here a colon is expected");
    out.is_block = true;
    APM_TRY(out.value, value());
    return out;
  }

  Result<Value> value() {
    APM_CHECK_OK(in_.skip_blank(json_));
    Value out;
    out.at = in_.position();
    if (in_.done()) return error_at(out.at, "here a value is expected");
    if (in_.peek() == '"') {
      APM_TRY(out.data, in_.quoted());
    } else if (!json_ && in_.peek() == '<' && in_.peek(1) == '<') {
      APM_TRY(out.data, in_.heredoc());
    } else if (in_.take('{')) {
      APM_TRY(Body inner, body('}'));
      out.data = std::make_shared<Body>(std::move(inner));
    } else if (in_.take('[')) {
      APM_TRY(out.data, list(out.at));
    } else if (const char c = in_.peek(); (c >= '0' && c <= '9') || c == '-') {
      APM_TRY(out.data, in_.number());
    } else {
      const std::string word = in_.word();
      if (word != "true" && word != "false") {
        return error_at(out.at, word.empty() ? "here a value is expected"
                                             : concat("\"", word, "\" must be quoted"));
      }
      out.data = word == "true";
    }
    return out;
  }

  Result<List> list(Position start) {
    if (++depth_ > kDepthMax) return error_at(start, "the text is nested too deeply");
    List out;
    bool comma = false;
    while (true) {
      APM_CHECK_OK(in_.skip_blank(json_));
      if (in_.done()) return error_at(start, "this list is never closed");
      if (json_ && comma && in_.peek() == ']') {
        return error_at(in_.position(), "JSON has no comma before the end of a list");
      }
      if (in_.take(']')) break;
      if (++items_ > kItemsMax) return error_at(start, "the text has too many items");
      APM_TRY(Value one, value());
      out.push_back(std::move(one));
      APM_CHECK_OK(in_.skip_blank(json_));
      comma = in_.take(',');
      if (!comma && in_.peek() != ']') {
        return error_at(in_.position(), "here a comma or the end of the list is expected");
      }
    }
    --depth_;
    return out;
  }

  Scanner in_;
  bool json_;
  std::size_t depth_ = 0;
  std::size_t items_ = 0;
};

Position behind(std::string_view text) {
  Scanner at(text);
  while (!at.done()) at.next();
  return at.position();
}

std::size_t sequence_size(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0xc0 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

// Well-formed UTF-8 without control characters other than tab and line ends.
Status check_text(std::string_view text) {
  const bool whole = is_utf8(text);
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    const std::size_t size = whole ? 1 : sequence_size(c);
    if (!whole && !is_utf8(text.substr(i, size))) {
      return error_at(behind(text.substr(0, i)), "the text is not UTF-8");
    }
    if (c == 0x7f || (c >= 0 && c < 0x20 && c != '\t' && c != '\n' && c != '\r')) {
      return error_at(behind(text.substr(0, i)), "a control character stands here");
    }
    i += size;
  }
  return {};
}

}  // namespace

Result<Body> parse(std::string_view text) {
  if (text.size() > kTextBytesMax) {
    return Error(Code::kTooLarge, "config_too_large",
                 concat("the text exceeds ", kTextBytesMax, " bytes"));
  }
  APM_CHECK_OK(check_text(text));
  const bool json = trim(text).starts_with('{');
  return Parser(text, json).document();
}

}  // namespace apm::hclconfig
