#include "storage/names.h"

#include "base/text.h"
#include "storage/limits.h"

namespace apm::storage {

Result<std::vector<std::string>> names_below(const std::map<std::string, Bytes>& values,
                                             const std::string& prefix) {
  std::vector<std::string> names;
  auto at = values.lower_bound(prefix);
  while (at != values.end() && at->first.starts_with(prefix)) {
    if (names.size() == kListNamesMax) {
      return Error(Code::kTooLarge, "storage_list",
                   concat(prefix, " has more than ", kListNamesMax, " names"));
    }
    const std::size_t slash = at->first.find('/', prefix.size());
    if (slash == std::string::npos) {
      names.push_back(at->first.substr(prefix.size()));
      ++at;
      continue;
    }
    names.push_back(at->first.substr(prefix.size(), slash + 1 - prefix.size()));
    // '0' follows '/' in ASCII: the first key that is not below this name.
    at = values.lower_bound(at->first.substr(0, slash) + '0');
  }
  return names;
}

}  // namespace apm::storage
