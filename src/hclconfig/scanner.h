#pragma once

// Text with a place in it: what the HCL and JSON readers share.

#include <string>
#include <string_view>

#include "hclconfig/hclconfig.h"

namespace apm::hclconfig {

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  [[nodiscard]] bool done() const { return at_ >= text_.size(); }
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  char next();
  [[nodiscard]] Position position() const { return position_; }
  // White space, and comments unless `json`.
  [[nodiscard]] Status skip_blank(bool json);
  [[nodiscard]] bool take(char expected);
  [[nodiscard]] Result<std::string> quoted();   // at '"'
  [[nodiscard]] Result<std::string> heredoc();  // at "<<"
  [[nodiscard]] std::string word();             // letters, digits, '_', '-', '.'
  [[nodiscard]] Result<Number> number();

 private:
  [[nodiscard]] Status escape(std::string& out);
  [[nodiscard]] Result<unsigned> hex4(Position where);
  [[nodiscard]] std::string line();

  std::string_view text_;
  std::size_t at_ = 0;
  Position position_;
};

}  // namespace apm::hclconfig
