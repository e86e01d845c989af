#include "base/json.h"

#include <algorithm>
#include <array>
#include <boost/json/basic_parser_impl.hpp>
#include <cstdio>

#include "base/text.h"

namespace apm::json {
namespace {

// Where a value stands while its document is being read.
struct Frame {
  Value container;
  std::string name;  // of the member that is being read
};

// Boost's event parser drives this; the first refusal is kept in `refusal`.
class Builder {
 public:
  static constexpr std::size_t max_array_size = std::size_t(-1);
  static constexpr std::size_t max_object_size = std::size_t(-1);
  static constexpr std::size_t max_string_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = std::size_t(-1);
  using Ec = boost::system::error_code;
  using View = boost::json::string_view;

  explicit Builder(const Limits& limits) : limits_(limits) {}

  bool on_document_begin(Ec&) { return true; }
  bool on_document_end(Ec&) { return true; }
  bool on_object_begin(Ec& ec) { return open(Value(Object()), ec); }
  bool on_object_end(std::size_t, Ec& ec) { return close(ec); }
  bool on_array_begin(Ec& ec) { return open(Value(Array()), ec); }
  bool on_array_end(std::size_t, Ec& ec) { return close(ec); }
  bool on_key_part(View part, std::size_t, Ec&) { return gather(part); }
  bool on_key(View part, std::size_t, Ec& ec) {
    gather(part);
    Frame& frame = frames_.back();
    if (frame.container.as_object()->find(text_) != nullptr) {
      return refuse("a member name occurs twice in one object", ec);
    }
    frame.name = std::exchange(text_, {});
    return true;
  }
  bool on_string_part(View part, std::size_t, Ec&) { return gather(part); }
  bool on_string(View part, std::size_t, Ec& ec) {
    gather(part);
    return add(Value(std::exchange(text_, {})), ec);
  }
  bool on_number_part(View part, Ec&) { return gather(part); }
  bool on_int64(std::int64_t, View part, Ec& ec) { return number(part, ec); }
  bool on_uint64(std::uint64_t, View part, Ec& ec) { return number(part, ec); }
  bool on_double(double, View part, Ec& ec) { return number(part, ec); }
  bool on_bool(bool v, Ec& ec) { return add(Value(v), ec); }
  bool on_null(Ec& ec) { return add(Value(), ec); }
  bool on_comment_part(View, Ec&) { return true; }
  bool on_comment(View, Ec&) { return true; }

  std::string refusal;
  Value document;

 private:
  bool refuse(const char* why, Ec& ec) {
    refusal = why;
    ec = boost::json::make_error_code(boost::json::error::syntax);
    return false;
  }
  bool gather(View part) {
    text_.append(part.data(), part.size());
    return true;
  }
  bool number(View part, Ec& ec) {
    gather(part);
    return add(Value(Number{std::exchange(text_, {})}), ec);
  }
  bool open(Value container, Ec& ec) {
    if (frames_.size() >= limits_.depth_max) return refuse("it is nested too deeply", ec);
    frames_.push_back({std::move(container), {}});
    return true;
  }
  bool close(Ec& ec) {
    Value done = std::move(frames_.back().container);
    frames_.pop_back();
    return add(std::move(done), ec);
  }
  bool add(Value value, Ec& ec) {
    if (++count_ > limits_.values_max) return refuse("it holds too many values", ec);
    if (frames_.empty()) {
      document = std::move(value);
      return true;
    }
    Frame& frame = frames_.back();
    if (Array* array = frame.container.as_array()) {
      array->push_back(std::move(value));
    } else {
      frame.container.as_object()->set(std::exchange(frame.name, {}), std::move(value));
    }
    return true;
  }

  Limits limits_;
  std::vector<Frame> frames_;
  std::string text_;
  std::size_t count_ = 0;
};

Error malformed(const std::string& why) {
  return Error(Code::kInvalidArgument, "invalid_json", "not acceptable as JSON: " + why);
}

void write_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          std::array<char, 8> escaped{};
          std::snprintf(escaped.data(), escaped.size(), "\\u%04x", static_cast<unsigned>(c));
          out += escaped.data();
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

class Writer {
 public:
  explicit Writer(bool pretty) : pretty_(pretty) {}

  void value(const Value& v) {
    if (v.is_null()) {
      out += "null";
    } else if (const bool* flag = v.as_bool()) {
      out += *flag ? "true" : "false";
    } else if (const Number* number = v.as_number()) {
      out += number->text;
    } else if (const std::string* text = v.as_string()) {
      write_string(out, *text);
    } else if (const Array* array = v.as_array()) {
      sequence('[', ']', *array, [this](const Value& item) { value(item); });
    } else if (const Object* object = v.as_object()) {
      sequence('{', '}', *object, [this](const Object::Member& member) {
        write_string(out, member.first);
        out += pretty_ ? ": " : ":";
        value(member.second);
      });
    }
  }

  std::string out;

 private:
  template <class Items, class Each>
  void sequence(char open, char close, const Items& items, Each each) {
    out += open;
    ++depth_;
    bool first = true;
    for (const auto& item : items) {
      if (!first) out += ',';
      first = false;
      line();
      each(item);
    }
    --depth_;
    if (!first) line();
    out += close;
  }
  void line() {
    if (!pretty_) return;
    out += '\n';
    out.append(depth_ * 2, ' ');
  }

  bool pretty_;
  std::size_t depth_ = 0;
};

}  // namespace

Object::Object() = default;
Object::Object(std::initializer_list<Member> members) {
  for (const Member& member : members) set(member.first, member.second);
}
Object::Object(const Object&) = default;
Object::Object(Object&&) noexcept = default;
Object& Object::operator=(const Object&) = default;
Object& Object::operator=(Object&&) noexcept = default;
Object::~Object() = default;

const Value* Object::find(std::string_view name) const {
  for (const Member& member : members_) {
    if (member.first == name) return &member.second;
  }
  return nullptr;
}

Value* Object::find(std::string_view name) {
  return const_cast<Value*>(std::as_const(*this).find(name));
}

Value& Object::set(std::string name, Value value) {
  if (Value* present = find(name)) return *present = std::move(value);
  members_.emplace_back(std::move(name), std::move(value));
  return members_.back().second;
}

void Object::erase(std::string_view name) {
  std::erase_if(members_, [name](const Member& member) { return member.first == name; });
}

std::optional<std::int64_t> Value::as_int() const {
  const Number* number = as_number();
  if (number == nullptr) return std::nullopt;
  std::string_view text = number->text;
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const auto magnitude = parse_u64(text);
  constexpr std::uint64_t kMax = std::uint64_t{1} << 63;
  if (!magnitude || *magnitude > (negative ? kMax : kMax - 1)) return std::nullopt;
  return static_cast<std::int64_t>(negative ? ~*magnitude + 1 : *magnitude);
}

std::optional<std::uint64_t> Value::as_uint() const {
  const Number* number = as_number();
  return number == nullptr ? std::nullopt : parse_u64(number->text);
}

const Value* Value::at(std::string_view name) const {
  const Object* object = as_object();
  return object == nullptr ? nullptr : object->find(name);
}

const std::string* Value::string_at(std::string_view name) const {
  const Value* member = at(name);
  return member == nullptr ? nullptr : member->as_string();
}

bool Value::operator==(const Value& other) const {
  if (data_.index() != other.data_.index()) return false;
  const Object* mine = as_object();
  if (mine == nullptr) {
    if (const Array* array = as_array()) return *array == *other.as_array();
    if (const std::string* text = as_string()) return *text == *other.as_string();
    if (const Number* number = as_number()) return *number == *other.as_number();
    if (const bool* flag = as_bool()) return *flag == *other.as_bool();
    return true;
  }
  const Object& theirs = *other.as_object();
  return mine->size() == theirs.size() &&
         std::all_of(mine->begin(), mine->end(), [&theirs](const Object::Member& member) {
           const Value* found = theirs.find(member.first);
           return found != nullptr && *found == member.second;
         });
}

Result<Value> parse(std::string_view text, const Limits& limits) {
  if (text.size() > limits.bytes_max) {
    return Error(Code::kTooLarge, concat("the JSON text exceeds ", limits.bytes_max, " bytes"));
  }
  boost::json::parse_options options;
  options.max_depth = limits.depth_max + 1;  // ours refuses first, with a better message
  boost::json::basic_parser<Builder> parser(options, limits);
  boost::system::error_code ec;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), ec);
  if (ec) {
    const std::string& refusal = parser.handler().refusal;
    return malformed(refusal.empty() ? concat("syntax error at byte ", used) : refusal);
  }
  if (!parser.done()) return malformed("the text ends early");
  if (used != text.size()) return malformed(concat("text after the document, at byte ", used));
  return std::move(parser.handler().document);
}

Result<Value> parse(ByteView text, const Limits& limits) { return parse(as_text(text), limits); }

std::string write(const Value& value) {
  Writer writer(false);
  writer.value(value);
  return std::move(writer.out);
}

std::string write_pretty(const Value& value) {
  Writer writer(true);
  writer.value(value);
  return std::move(writer.out);
}

Result<std::string> require_string(const Value& object, std::string_view name) {
  if (const std::string* text = object.string_at(name)) return *text;
  return Error(Code::kInvalidArgument, concat("member \"", name, "\" is missing or not a string"));
}

Result<std::int64_t> require_int(const Value& object, std::string_view name) {
  if (const Value* member = object.at(name)) {
    if (const auto number = member->as_int()) return *number;
  }
  return Error(Code::kInvalidArgument,
               concat("member \"", name, "\" is missing or not a whole number"));
}

}  // namespace apm::json
