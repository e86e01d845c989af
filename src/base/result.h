#pragma once

// Result<T>: a value or an Error. Ignoring one is a compile-time warning, and warnings are errors.
//
//   Result<Bytes> r = decode(text);
//   if (!r.ok()) return r.error();
//   use(*r);
//
// APM_TRY does the same in one line:  APM_TRY(const Bytes raw, decode(text));
// APM_CHECK_OK(status) returns early from a Status.

#include <cstdlib>
#include <optional>
#include <utility>
#include <variant>

#include "base/error.h"

namespace apm {

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: meant to convert
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: likewise

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // Asking for what is not there is a bug: the process stops rather than go on.
  [[nodiscard]] T& value() & { return ok() ? *std::get_if<0>(&state_) : fail<T&>(); }
  [[nodiscard]] const T& value() const& {
    return ok() ? *std::get_if<0>(&state_) : fail<const T&>();
  }
  [[nodiscard]] T&& value() && { return ok() ? std::move(*std::get_if<0>(&state_)) : fail<T&&>(); }
  [[nodiscard]] T& operator*() & { return value(); }
  [[nodiscard]] const T& operator*() const& { return value(); }
  [[nodiscard]] T&& operator*() && { return std::move(*this).value(); }
  [[nodiscard]] T* operator->() { return &value(); }
  [[nodiscard]] const T* operator->() const { return &value(); }

  [[nodiscard]] const Error& error() const {
    if (ok()) std::abort();
    return *std::get_if<1>(&state_);
  }

 private:
  template <class R>
  [[noreturn]] static R fail() {
    std::abort();
  }
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: meant to convert

  [[nodiscard]] bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  [[nodiscard]] const Error& error() const {
    if (ok()) std::abort();
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace apm

#define APM_CONCAT_INNER(a, b) a##b
#define APM_CONCAT(a, b) APM_CONCAT_INNER(a, b)

// Declares `decl` from the value of `expr`, or returns its error.
#define APM_TRY(decl, expr) APM_TRY_IMPL(APM_CONCAT(apm_result_, __LINE__), decl, expr)
#define APM_TRY_IMPL(tmp, decl, expr) \
  auto tmp = (expr);                  \
  if (!tmp.ok()) return tmp.error();  \
  decl = std::move(tmp).value()

// Returns the error of a Status (or of a Result whose value is not wanted).
#define APM_CHECK_OK(expr)                                                     \
  do {                                                                         \
    if (auto apm_status = (expr); !apm_status.ok()) return apm_status.error(); \
  } while (false)
