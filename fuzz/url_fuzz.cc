// A URL that is accepted, put together from its parts, is read to the same parts; nothing in it can
// end a line or a field.

#include "net/http_client.h"

#include "base/text.h"
#include "property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using apm::fuzz::require;
  const auto url = apm::net::parse_url(apm::fuzz::text_of(data, size));
  if (!url.ok()) return 0;
  require(url->scheme == "http" || url->scheme == "https", "scheme");
  require(!url->host.empty() && url->port >= 1 && url->port <= 65535, "host or port");
  require(url->target.starts_with('/'), "target");
  for (const std::string* part : {&url->host, &url->target}) {
    for (const char c : *part) require(c > 0x20 && c < 0x7f, "a character that can end a line");
  }
  require(url->host.find_first_of("@/?#") == std::string::npos, "host holds a delimiter");
  const bool v6 = url->host.find(':') != std::string::npos;
  const std::string text = apm::concat(url->scheme, "://", v6 ? "[" : "", url->host, v6 ? "]" : "",
                                       ":", url->port, url->target);
  const auto again = apm::net::parse_url(text);
  require(again.ok() && again->scheme == url->scheme && again->host == url->host &&
              again->port == url->port && again->target == url->target,
          "the parts do not make the URL");
  return 0;
}
