#include <arpa/inet.h>

#include <array>

#include "base/encoding.h"
#include "base/text.h"
#include "net/http_client.h"

namespace apm::net {
namespace {

Error bad_url(std::string_view why) {
  return {Code::kInvalidArgument, "url",
          concat("the URL is not usable: ", why,
                 ". Expected http(s)://host[:port]/path without user name or fragment")};
}

bool printable(std::string_view text) {
  for (const char c : text) {
    if (c <= 0x20 || c >= 0x7f) return false;
  }
  return true;
}

// "host", "host:port" or "[v6]:port" into host and the text of the port.
bool split_authority(std::string_view authority, std::string& host, std::string_view& port) {
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return false;
    host = to_lower(authority.substr(1, end - 1));
    std::string_view rest = authority.substr(end + 1);
    if (!rest.empty() && !rest.starts_with(':')) return false;
    port = rest.empty() ? rest : rest.substr(1);
    return rest.empty() || !port.empty();
  }
  const std::size_t colon = authority.find(':');
  host = to_lower(authority.substr(0, colon));
  if (colon == std::string_view::npos) return true;
  port = authority.substr(colon + 1);
  return !port.empty();
}

}  // namespace

std::string url_encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
      continue;
    }
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[byte >> 4U];
    out += kDigits[byte & 15U];
  }
  return out;
}

Result<Url> parse_url(std::string_view text) {
  if (!printable(text)) return bad_url("it holds blanks, control characters or non-ASCII bytes");
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) return bad_url("it has no scheme");
  Url url;
  url.scheme = to_lower(text.substr(0, colon));
  if (url.scheme != "http" && url.scheme != "https") return bad_url("its scheme is not http(s)");
  std::string_view rest = text.substr(colon + 3);
  if (rest.find('#') != std::string_view::npos) return bad_url("it has a fragment");
  const std::size_t end = rest.find_first_of("/?\\");
  const std::string_view authority = rest.substr(0, end);
  if (end != std::string_view::npos) {
    if (rest[end] != '/') return bad_url("its host is not followed by a slash");
    url.target = std::string(rest.substr(end));
  } else {
    url.target = "/";
  }
  if (authority.find('@') != std::string_view::npos) return bad_url("it names a user");
  std::string_view port;
  if (!split_authority(authority, url.host, port) || url.host.empty()) {
    return bad_url("its host is malformed");
  }
  url.port = url.scheme == "https" ? 443 : 80;
  if (!port.empty()) {
    const auto number = parse_u64(port);
    if (!number || *number == 0 || *number > 65535) return bad_url("its port is out of range");
    url.port = static_cast<unsigned>(*number);
  }
  return url;
}

bool is_loopback(std::string_view host) {
  if (host == "localhost") return true;
  const std::string name(host);
  in_addr v4{};
  if (::inet_pton(AF_INET, name.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24U) == 127;
  in6_addr v6{};
  if (::inet_pton(AF_INET6, name.c_str(), &v6) != 1) return false;
  return IN6_IS_ADDR_LOOPBACK(&v6) != 0;
}

}  // namespace apm::net
