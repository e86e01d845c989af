#include "auth/apm/config_values.h"

#include "auth/apm/limits.h"
#include "base/byte_reader.h"
#include "base/encoding.h"
#include "base/text.h"

namespace apm::auth_apm {
namespace {

constexpr std::size_t kMaskDigitsMax = 16;

}  // namespace

Error invalid_config(std::string_view name, std::string_view why) {
  return Error(Code::kInvalidArgument, "config_value", concat("config: ", name, " ", why));
}

Result<std::uint64_t> read_number(const ConfigMember& member, std::uint64_t max) {
  std::optional<std::uint64_t> parsed = member.value.as_uint();
  if (!parsed && member.value.as_string() != nullptr) parsed = parse_u64(*member.value.as_string());
  if (!parsed || *parsed > max) {
    return invalid_config(member.name, concat("must be a number from 0 to ", max));
  }
  return *parsed;
}

Result<bool> read_flag(const ConfigMember& member) {
  if (member.value.as_bool() != nullptr) return *member.value.as_bool();
  const std::string* text = member.value.as_string();
  if (text != nullptr && (*text == "true" || *text == "false")) return *text == "true";
  return invalid_config(member.name, "must be true or false");
}

Result<std::uint64_t> read_bits(const ConfigMember& member) {
  const std::string* text = member.value.as_string();
  if (text == nullptr || !text->starts_with("0x")) return read_number(member, UINT64_MAX);
  std::string digits = text->substr(2);
  const bool fits = !digits.empty() && digits.size() <= kMaskDigitsMax;
  if (fits) digits.insert(0, kMaskDigitsMax - digits.size(), '0');
  const auto bytes = hex_decode(digits);
  if (!fits || !bytes.ok()) return invalid_config(member.name, "must be 0x and up to 16 digits");
  return ByteReader(*bytes).u64_be();
}

Result<std::uint64_t> read_ttl(const ConfigMember& member) {
  std::optional<std::uint64_t> seconds = member.value.as_uint();
  if (!seconds && member.value.as_string() != nullptr) {
    seconds = parse_duration_s(*member.value.as_string());
  }
  if (!seconds || *seconds > kTokenTtlSMax) {
    return invalid_config(member.name,
                          concat("must be a duration of at most ", kTokenTtlSMax, " seconds"));
  }
  return *seconds;
}

Result<crypto::SecretBytes> read_api_key(const ConfigMember& member) {
  const std::string* text = member.value.as_string();
  if (text == nullptr || text->size() > kApiKeyBytesMax) {
    return invalid_config(member.name, "must be text");
  }
  return crypto::SecretBytes::copy_of(*text);
}

Result<attestation::snp::FirmwareVersion> read_firmware(const ConfigMember& member) {
  const std::string* text = member.value.as_string();
  const std::vector<std::string_view> parts =
      text == nullptr ? std::vector<std::string_view>{} : split(*text, '.');
  std::vector<std::uint8_t> numbers;
  for (const std::string_view part : parts) {
    const std::optional<std::uint64_t> number = parse_u64(part);
    if (number && *number <= 255) numbers.push_back(static_cast<std::uint8_t>(*number));
  }
  if (parts.size() != 3 || numbers.size() != 3) {
    return invalid_config(member.name, "must be major.minor.build, each from 0 to 255");
  }
  return attestation::snp::FirmwareVersion{numbers[0], numbers[1], numbers[2]};
}

Result<std::vector<std::string>> read_texts(const ConfigMember& member) {
  std::vector<std::string> out;
  if (const std::string* text = member.value.as_string()) {
    for (const std::string_view part : split(*text, ',')) out.emplace_back(trim(part));
    if (trim(*text).empty()) out.clear();
  } else if (const json::Array* list = member.value.as_array()) {
    for (const json::Value& item : *list) {
      if (item.as_string() == nullptr) {
        return invalid_config(member.name, "must be a list of texts");
      }
      out.push_back(*item.as_string());
    }
  } else {
    return invalid_config(member.name, "must be a list of texts");
  }
  if (out.size() > kListEntriesMax) return invalid_config(member.name, "has too many entries");
  for (const std::string& text : out) {
    if (text.empty() || text.size() > kNameBytesMax) {
      return invalid_config(member.name, "has an entry that is empty or too long");
    }
  }
  return out;
}

Result<std::set<std::string>> read_ids(const ConfigMember& member, std::size_t size) {
  APM_TRY(const std::vector<std::string> ids, read_texts(member));
  std::set<std::string> result;
  for (const std::string& id : ids) {
    const auto bytes = hex_decode(id);
    if (!bytes.ok() || bytes->size() != size) {
      return invalid_config(member.name, concat("needs ids of ", size * 2, " hexadecimal digits"));
    }
    result.insert(to_lower(id));
  }
  return result;
}

Result<RegisterLists> read_registers(const ConfigMember& member, RegisterKind kind) {
  APM_TRY(const std::vector<std::string> entries, read_texts(member));
  RegisterLists lists;
  for (const std::string& entry : entries) {
    const std::size_t colon = entry.find(':');
    const std::optional<std::uint64_t> index = parse_u64(entry.substr(0, colon));
    const auto value =
        colon == std::string::npos ? Result<Bytes>(Bytes{}) : hex_decode(entry.substr(colon + 1));
    if (!index || *index >= kind.count || !value.ok() || value->size() != kind.size) {
      return invalid_config(
          member.name, concat("needs entries of the form <register, 0 to ", kind.count - 1, ">:<",
                              kind.size * 2, " hexadecimal digits>"));
    }
    lists[static_cast<unsigned>(*index)].insert(hex_encode(*value));
  }
  return lists;
}

json::Array write_registers(const RegisterLists& lists) {
  json::Array out;
  for (const auto& [index, values] : lists) {
    for (const std::string& value : values) out.emplace_back(concat(index, ":", value));
  }
  return out;
}

json::Array write_texts(const std::set<std::string>& texts) {
  json::Array out;
  for (const std::string& text : texts) out.emplace_back(text);
  return out;
}

std::string write_bits(std::uint64_t bits) {
  Bytes big_endian;
  append_u64_be(big_endian, bits);
  return concat("0x", hex_encode(big_endian));
}

}  // namespace apm::auth_apm
