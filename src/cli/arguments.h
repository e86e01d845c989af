#pragma once

// Command-line arguments as Vault's clients write them: "-name=value", "-name value", "--name", in
// any order with the positional ones; "--" ends the flags. A flag that is not declared is an error.
// Of a flag that is given several times the last counts, unless the command asks for all().

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"

namespace apm::cli {

struct FlagSet {
  std::set<std::string> with_value;
  std::set<std::string> plain;
};

class Arguments {
 public:
  [[nodiscard]] static Result<Arguments> parse(const std::vector<std::string>& words,
                                               const FlagSet& flags);
  [[nodiscard]] const std::vector<std::string>& positional() const { return positional_; }
  // The flag was given; a plain one not as "-name=false".
  [[nodiscard]] bool has(const std::string& flag) const;
  // Of a plain flag: what was said, if anything.
  [[nodiscard]] std::optional<bool> said(const std::string& flag) const;
  [[nodiscard]] std::string get(const std::string& flag, const std::string& otherwise = "") const;
  [[nodiscard]] std::vector<std::string> all(const std::string& flag) const;
  [[nodiscard]] const std::vector<std::string>& after_dashes() const { return after_dashes_; }

 private:
  [[nodiscard]] Status take_plain(const std::string& name, const std::string& value);

  std::map<std::string, std::vector<std::string>> flags_;
  std::map<std::string, bool> plain_;
  std::vector<std::string> positional_;
  std::vector<std::string> after_dashes_;
};

}  // namespace apm::cli
