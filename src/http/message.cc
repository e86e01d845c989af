#include "http/message.h"

#include "base/text.h"

namespace apm::http {

std::optional<std::string_view> Request::header(std::string_view name) const {
  const std::string wanted = to_lower(name);
  for (const Header& header : headers) {
    if (to_lower(header.name) == wanted) return header.value;
  }
  return std::nullopt;
}

}  // namespace apm::http
