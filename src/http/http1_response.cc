#include "http/http1_response.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "base/json.h"
#include "base/text.h"

namespace apm::http {
namespace {

// RFC 9110, section 15. A status without a phrase is sent with an empty one.
std::string_view phrase(int status) {
  struct Entry {
    int status;
    std::string_view text;
  };
  static constexpr std::array<Entry, 30> kPhrases = {{{200, "OK"},
                                                      {201, "Created"},
                                                      {202, "Accepted"},
                                                      {204, "No Content"},
                                                      {301, "Moved Permanently"},
                                                      {302, "Found"},
                                                      {304, "Not Modified"},
                                                      {307, "Temporary Redirect"},
                                                      {308, "Permanent Redirect"},
                                                      {400, "Bad Request"},
                                                      {401, "Unauthorized"},
                                                      {403, "Forbidden"},
                                                      {404, "Not Found"},
                                                      {405, "Method Not Allowed"},
                                                      {408, "Request Timeout"},
                                                      {409, "Conflict"},
                                                      {411, "Length Required"},
                                                      {412, "Precondition Failed"},
                                                      {413, "Content Too Large"},
                                                      {414, "URI Too Long"},
                                                      {415, "Unsupported Media Type"},
                                                      {417, "Expectation Failed"},
                                                      {429, "Too Many Requests"},
                                                      {431, "Request Header Fields Too Large"},
                                                      {500, "Internal Server Error"},
                                                      {501, "Not Implemented"},
                                                      {502, "Bad Gateway"},
                                                      {503, "Service Unavailable"},
                                                      {504, "Gateway Timeout"},
                                                      {505, "HTTP Version Not Supported"}}};
  for (const Entry& entry : kPhrases) {
    if (entry.status == status) return entry.text;
  }
  return "";
}

bool is_name_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
         c == '_';
}

bool is_safe(const Header& header) {
  return !header.name.empty() &&
         std::all_of(header.name.begin(), header.name.end(), is_name_char) &&
         std::all_of(header.value.begin(), header.value.end(), [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return (byte >= 0x20 && byte != 0x7f) || c == '\t';
         });
}

bool is_ours(std::string_view name) {
  const std::string lower = to_lower(name);
  return lower == "content-length" || lower == "date" || lower == "connection" ||
         lower == "transfer-encoding";
}

}  // namespace

std::string encode_response(const Response& response, const ResponseContext& context) {
  if (response.status < 200 || response.status > 599 ||
      !std::all_of(response.headers.begin(), response.headers.end(), is_safe)) {
    return encode_response(error_response(500, "internal error"), context);
  }
  // RFC 9110, sections 15.3.5 and 15.4.5: these never have a body.
  const bool bodiless = response.status == 204 || response.status == 304;
  std::string out = concat("HTTP/1.1 ", response.status, ' ', phrase(response.status),
                           "\r\nDate: ", http_date(context.unix_s), "\r\n");
  for (const Header& header : response.headers) {
    if (!is_ours(header.name)) out += concat(header.name, ": ", header.value, "\r\n");
  }
  if (!bodiless) out += concat("Content-Length: ", response.body.size(), "\r\n");
  out += context.keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
  if (!bodiless && !context.head_request) out += response.body;
  return out;
}

Response error_response(int status, std::string_view message) {
  Response out;
  out.status = status;
  out.headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}};
  out.body = json::write(json::Object{{"errors", json::Array{json::Value(message)}}}) + "\n";
  return out;
}

std::string http_date(std::int64_t unix_s) {
  // Not strftime: its names follow the locale.
  static constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed",
                                                       "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto t = static_cast<std::time_t>(unix_s);
  std::tm parts{};
  gmtime_r(&t, &parts);
  std::array<char, 64> text{};
  const int n = std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                              kDays.at(static_cast<std::size_t>(parts.tm_wday)), parts.tm_mday,
                              kMonths.at(static_cast<std::size_t>(parts.tm_mon)),
                              parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
  return {text.data(), static_cast<std::size_t>(std::max(n, 0))};
}

}  // namespace apm::http
