#include "auth/apm/config_settings.h"

#include "base/text.h"

namespace apm::auth_apm {

void Settings::flag(std::string name, bool& value) {
  add({std::move(name),
       [&value](const ConfigMember& member) -> Status {
         APM_TRY(value, read_flag(member));
         return {};
       },
       [&value] { return json::Value(value); }});
}

void Settings::bits(std::string name, Bits bits) {
  add({std::move(name),
       [bits](const ConfigMember& member) -> Status {
         APM_TRY(const std::uint64_t read, read_bits(member));
         if ((read & bits.forbidden) != 0) return invalid_config(member.name, bits.why);
         bits.value = read;
         return {};
       },
       [bits] { return json::Value(write_bits(bits.value)); }});
}

void Settings::ids(std::string name, std::set<std::string>& values, std::size_t id_size) {
  add({std::move(name),
       [&values, id_size](const ConfigMember& member) -> Status {
         APM_TRY(values, read_ids(member, id_size));
         return {};
       },
       [&values] { return json::Value(write_texts(values)); }});
}

void Settings::texts(std::string name, std::set<std::string>& values, Check check) {
  add({std::move(name),
       [&values, check = std::move(check)](const ConfigMember& member) -> Status {
         APM_TRY(const std::vector<std::string> read, read_texts(member));
         for (const std::string& text : read) {
           const std::string why = check(text);
           if (!why.empty()) return invalid_config(member.name, why);
         }
         values = {read.begin(), read.end()};
         return {};
       },
       [&values] { return json::Value(write_texts(values)); }});
}

void Settings::registers(std::string name, RegisterLists& values, RegisterKind kind) {
  add({std::move(name),
       [&values, kind](const ConfigMember& member) -> Status {
         APM_TRY(values, read_registers(member, kind));
         return {};
       },
       [&values] { return json::Value(write_registers(values)); }});
}

Result<bool> Settings::apply(const ConfigMember& member) const {
  for (const Setting& setting : settings_) {
    if (setting.name != member.name) continue;
    APM_CHECK_OK(setting.read(member));
    return true;
  }
  return false;
}

void Settings::write_to(json::Object& out) const {
  for (const Setting& setting : settings_) out.set(setting.name, setting.write());
}

}  // namespace apm::auth_apm
