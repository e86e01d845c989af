#include "cli/arguments.h"

#include "base/text.h"

namespace apm::cli {
namespace {

Error usage(std::string text) { return Error(Code::kInvalidArgument, "usage", std::move(text)); }

}  // namespace

Result<Arguments> Arguments::parse(const std::vector<std::string>& words, const FlagSet& flags) {
  Arguments out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--") {
      out.after_dashes_.assign(words.begin() + static_cast<std::ptrdiff_t>(i) + 1, words.end());
      break;
    }
    if (word.size() < 2 || word[0] != '-') {
      out.positional_.push_back(word);
      continue;
    }
    const std::size_t start = word.starts_with("--") ? 2 : 1;
    const std::size_t equals = word.find('=');
    const std::string name =
        word.substr(start, equals == std::string::npos ? equals : equals - start);
    if (flags.plain.contains(name)) {
      APM_CHECK_OK(
          out.take_plain(name, equals == std::string::npos ? "true" : word.substr(equals + 1)));
      continue;
    }
    if (!flags.with_value.contains(name))
      return usage(concat("flag -", name, " is not known here"));
    if (equals != std::string::npos) {
      out.flags_[name].push_back(word.substr(equals + 1));
    } else if (i + 1 < words.size()) {
      out.flags_[name].push_back(words[++i]);
    } else {
      return usage(concat("flag -", name, " needs a value"));
    }
  }
  return out;
}

std::string Arguments::get(const std::string& flag, const std::string& otherwise) const {
  const auto found = flags_.find(flag);
  return found == flags_.end() ? otherwise : found->second.back();
}

std::vector<std::string> Arguments::all(const std::string& flag) const {
  const auto found = flags_.find(flag);
  return found == flags_.end() ? std::vector<std::string>() : found->second;
}

bool Arguments::has(const std::string& flag) const {
  return flags_.contains(flag) || said(flag).value_or(false);
}

std::optional<bool> Arguments::said(const std::string& flag) const {
  const auto found = plain_.find(flag);
  return found == plain_.end() ? std::nullopt : std::optional<bool>(found->second);
}

Status Arguments::take_plain(const std::string& name, const std::string& value) {
  if (value != "true" && value != "false") {
    return usage(concat("flag -", name, " is true or false, not \"", value, "\""));
  }
  plain_[name] = value == "true";
  return {};
}

}  // namespace apm::cli
