#pragma once

// Strict JSON (RFC 8259): a document type of our own over Boost.JSON's parser.
//
// Refused: duplicate member names, nesting beyond the limit, trailing text, invalid UTF-8, and
// documents beyond the size that the caller names. Numbers keep their decimal text, so nothing is
// rounded on the way through. Members keep their order.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace apm::json {

struct Limits {
  std::size_t bytes_max = 1 << 20;
  std::size_t depth_max = 64;
  std::size_t values_max = 100'000;  // values in the whole document
};

class Value;
using Array = std::vector<Value>;

struct Null {
  bool operator==(const Null&) const = default;
};

// A number as its text, for example "1e3" or "18446744073709551616".
struct Number {
  std::string text;
  bool operator==(const Number&) const = default;
};

class Object {
 public:
  using Member = std::pair<std::string, Value>;

  Object();
  Object(std::initializer_list<Member> members);
  Object(const Object&);
  Object(Object&&) noexcept;
  Object& operator=(const Object&);
  Object& operator=(Object&&) noexcept;
  ~Object();

  [[nodiscard]] const Value* find(std::string_view name) const;  // nullptr when absent
  [[nodiscard]] Value* find(std::string_view name);
  Value& set(std::string name, Value value);  // adds or replaces
  void erase(std::string_view name);
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] bool empty() const;
  [[nodiscard]] const Member* begin() const;
  [[nodiscard]] const Member* end() const;
  [[nodiscard]] Member* begin();
  [[nodiscard]] Member* end();

 private:
  std::vector<Member> members_;
};

class Value {
 public:
  Value() = default;
  // These convert on purpose: a literal is a value.
  Value(Null) {}
  Value(bool v) : data_(v) {}
  Value(std::string v) : data_(std::move(v)) {}
  Value(std::string_view v) : data_(std::string(v)) {}
  Value(const char* v) : data_(std::string(v)) {}
  Value(Number v) : data_(std::move(v)) {}
  Value(Array v) : data_(std::move(v)) {}
  Value(Object v) : data_(std::move(v)) {}
  template <class T>
    requires(std::is_integral_v<T> && !std::is_same_v<T, bool>)
  Value(T v) : data_(Number{std::to_string(v)}) {}

  [[nodiscard]] bool is_null() const { return data_.index() == 0; }
  [[nodiscard]] const bool* as_bool() const { return std::get_if<bool>(&data_); }
  [[nodiscard]] const std::string* as_string() const { return std::get_if<std::string>(&data_); }
  [[nodiscard]] const Number* as_number() const { return std::get_if<Number>(&data_); }
  [[nodiscard]] const Array* as_array() const { return std::get_if<Array>(&data_); }
  [[nodiscard]] const Object* as_object() const { return std::get_if<Object>(&data_); }
  [[nodiscard]] Array* as_array() { return std::get_if<Array>(&data_); }
  [[nodiscard]] Object* as_object() { return std::get_if<Object>(&data_); }
  // Whole numbers only: "1.0" and "1e3" give nothing.
  [[nodiscard]] std::optional<std::int64_t> as_int() const;
  [[nodiscard]] std::optional<std::uint64_t> as_uint() const;

  // Member `name` when this is an object that has it, else nullptr: v.at("a") chains safely
  // through get("a.b.c")-like walks by the caller.
  [[nodiscard]] const Value* at(std::string_view name) const;
  // The string under `name`, or nullptr when this is no object, or it is absent or no string.
  [[nodiscard]] const std::string* string_at(std::string_view name) const;

  bool operator==(const Value& other) const;

 private:
  std::variant<Null, bool, Number, std::string, Array, Object> data_;
};

// Here, and not in the class, because a Member is complete only now.
inline std::size_t Object::size() const { return members_.size(); }
inline bool Object::empty() const { return members_.empty(); }
inline const Object::Member* Object::begin() const { return members_.data(); }
inline const Object::Member* Object::end() const { return members_.data() + members_.size(); }
inline Object::Member* Object::begin() { return members_.data(); }
inline Object::Member* Object::end() { return members_.data() + members_.size(); }

[[nodiscard]] Result<Value> parse(std::string_view text, const Limits& limits = {});
[[nodiscard]] Result<Value> parse(ByteView text, const Limits& limits = {});

// Compact text; members in their order; strings escaped as RFC 8259 demands and no further.
[[nodiscard]] std::string write(const Value& value);
// The same with two-space indentation, for people.
[[nodiscard]] std::string write_pretty(const Value& value);

// One required member, with an error that names it. For reading wire formats.
[[nodiscard]] Result<std::string> require_string(const Value& object, std::string_view name);
[[nodiscard]] Result<std::int64_t> require_int(const Value& object, std::string_view name);

}  // namespace apm::json
