#pragma once

// Reading single members of the login's configuration: values arrive as JSON, or as text from a
// command line. kInvalidArgument "config_value" names the member. Pure; any thread.

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "attestation/snp/report.h"
#include "base/json.h"
#include "base/result.h"
#include "crypto/secret_bytes.h"

namespace apm::auth_apm {

struct ConfigMember {
  std::string_view name;
  const json::Value& value;
};

[[nodiscard]] Error invalid_config(std::string_view name, std::string_view why);

[[nodiscard]] Result<std::uint64_t> read_number(const ConfigMember& member, std::uint64_t max);
[[nodiscard]] Result<bool> read_flag(const ConfigMember& member);
// A number, or "0x..." of up to 64 bits.
[[nodiscard]] Result<std::uint64_t> read_bits(const ConfigMember& member);
[[nodiscard]] Result<std::uint64_t> read_ttl(const ConfigMember& member);
[[nodiscard]] Result<crypto::SecretBytes> read_api_key(const ConfigMember& member);
// "major.minor.build", each 0 to 255.
[[nodiscard]] Result<attestation::snp::FirmwareVersion> read_firmware(const ConfigMember& member);
// A list, or one text with commas. Each write replaces the whole list.
[[nodiscard]] Result<std::vector<std::string>> read_texts(const ConfigMember& member);
// The same of hexadecimal ids of `size` bytes, in lower case.
[[nodiscard]] Result<std::set<std::string>> read_ids(const ConfigMember& member, std::size_t size);

// Register -> allowed values, lower-case hexadecimal; written "7:<digits>", several per register.
using RegisterLists = std::map<unsigned, std::set<std::string>>;
struct RegisterKind {
  unsigned count = 0;    // registers are 0 to count - 1
  std::size_t size = 0;  // bytes of a value
};
[[nodiscard]] Result<RegisterLists> read_registers(const ConfigMember& member, RegisterKind kind);
[[nodiscard]] json::Array write_registers(const RegisterLists& lists);

[[nodiscard]] json::Array write_texts(const std::set<std::string>& texts);
[[nodiscard]] std::string write_bits(std::uint64_t bits);

}  // namespace apm::auth_apm
