#pragma once

// Command-line arguments as Vault's clients write them: "-name=value", "-name value", "--name", in
// any order with the positional ones; "--" ends the flags. A flag that is not declared is an error.

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
  [[nodiscard]] bool has(const std::string& flag) const { return flags_.contains(flag); }
  [[nodiscard]] std::string get(const std::string& flag, const std::string& otherwise = "") const;
  [[nodiscard]] const std::vector<std::string>& after_dashes() const { return after_dashes_; }

 private:
  std::map<std::string, std::string> flags_;
  std::vector<std::string> positional_;
  std::vector<std::string> after_dashes_;
};

}  // namespace apm::cli
