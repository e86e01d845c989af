#pragma once

// Members of the login's configuration, each bound to the place where its value is kept: one entry
// serves the reading of a write, the answer to a read, and the stored form. The families' files
// (config_snp.h ...) list theirs. Values are bound by reference: the Config must outlive this.
// kInvalidArgument "config_value" names the member. One thread.

#include <concepts>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "auth/apm/config_values.h"

namespace apm::auth_apm {

struct Setting {
  std::string name;
  std::function<Status(const ConfigMember& member)> read;
  std::function<json::Value()> write;
};

class Settings {
 public:
  void add(Setting setting) { settings_.push_back(std::move(setting)); }
  void flag(std::string name, bool& value);
  template <std::integral T>
  void number(std::string name, T& value, std::uint64_t max) {
    add({name,
         [&value, max](const ConfigMember& member) -> Status {
           APM_TRY(const std::uint64_t read, read_number(member, max));
           value = static_cast<T>(read);
           return {};
         },
         [&value] { return json::Value(std::uint64_t{static_cast<std::uint64_t>(value)}); }});
  }
  // "0x..."; bits of `forbidden` are refused, because `why`.
  struct Bits {
    std::uint64_t& value;
    std::uint64_t forbidden = 0;
    std::string_view why;
  };
  void bits(std::string name, Bits bits);
  // Hexadecimal ids of `id_size` bytes.
  void ids(std::string name, std::set<std::string>& values, std::size_t id_size);
  // Texts that `known` accepts; it gives the reason when it does not.
  using Check = std::function<std::string(const std::string& text)>;
  void texts(std::string name, std::set<std::string>& values, Check check);
  // "<register>:<hexadecimal value>", several of a register.
  void registers(std::string name, RegisterLists& values, RegisterKind kind);

  // Whether `member` is one of these; then it has been read, or refused.
  [[nodiscard]] Result<bool> apply(const ConfigMember& member) const;
  void write_to(json::Object& out) const;

 private:
  std::vector<Setting> settings_;
};

}  // namespace apm::auth_apm
