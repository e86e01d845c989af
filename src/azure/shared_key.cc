#include "azure/shared_key.h"

#include <array>
#include <cstdio>
#include <ctime>
#include <map>
#include <set>
#include <string_view>

#include "base/encoding.h"
#include "base/text.h"
#include "crypto/digest.h"

namespace apm::azure {
namespace {

using Headers = std::map<std::string, std::string>;

// Method, these in this order, then the x-ms-* headers, then the resource.
constexpr std::array<std::string_view, 11> kSignedHeaders = {"content-encoding",
                                                             "content-language",
                                                             "content-length",
                                                             "content-md5",
                                                             "content-type",
                                                             "date",
                                                             "if-modified-since",
                                                             "if-match",
                                                             "if-none-match",
                                                             "if-unmodified-since",
                                                             "range"};

Headers lower_names(const net::Request& request) {
  Headers out;
  for (const auto& [name, value] : request.headers) {
    out[to_lower(name)] = std::string(trim(value));
  }
  out["content-length"] = request.body.empty() ? "" : std::to_string(request.body.size());
  return out;
}

Result<std::string> percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (text.size() - i < 3) return Error(Code::kInvalidArgument, "url", "a cut percent escape");
    APM_TRY(const Bytes byte, hex_decode(text.substr(i + 1, 2)));
    out += static_cast<char>(byte[0]);
    i += 2;
  }
  return out;
}

// "\nname:value" for each parameter, names sorted, values of one name sorted and comma-joined.
Result<std::string> canonical_query(std::string_view query) {
  std::map<std::string, std::multiset<std::string>> parameters;
  for (const std::string_view part : split(query, '&')) {
    if (part.empty()) continue;
    const std::size_t equals = part.find('=');
    APM_TRY(const std::string name, percent_decode(part.substr(0, equals)));
    const bool bare = equals == std::string_view::npos;
    APM_TRY(std::string value, percent_decode(bare ? "" : part.substr(equals + 1)));
    parameters[to_lower(name)].insert(std::move(value));
  }
  std::string out;
  for (const auto& [name, values] : parameters) {
    out += "\n" + name + ":";
    for (auto at = values.begin(); at != values.end(); ++at) {
      if (at != values.begin()) out += ',';
      out += *at;
    }
  }
  return out;
}

}  // namespace

Result<std::string> shared_key_string(const net::Request& request, const std::string& account) {
  APM_TRY(const net::Url url, net::parse_url(request.url));
  const Headers headers = lower_names(request);
  if (!headers.contains("x-ms-date")) {
    return Error(Code::kInvalidArgument, "blob_request", "a signed request needs x-ms-date");
  }
  std::string out = request.method + "\n";
  for (const std::string_view name : kSignedHeaders) {
    const auto found = headers.find(std::string(name));
    // The date counts once: it is in x-ms-date.
    if (found != headers.end() && name != "date") out += found->second;
    out += '\n';
  }
  for (const auto& [name, value] : headers) {
    if (name.starts_with("x-ms-")) out += concat(name, ":", value, "\n");
  }
  const std::size_t question = url.target.find('?');
  out += concat("/", account, url.target.substr(0, question));
  if (question == std::string::npos) return out;
  APM_TRY(const std::string query,
          canonical_query(std::string_view(url.target).substr(question + 1)));
  return out + query;
}

Result<std::string> shared_key_authorization(const net::Request& request,
                                             const std::string& account,
                                             const crypto::SecretBytes& key) {
  APM_TRY(const std::string text, shared_key_string(request, account));
  const Bytes mac = crypto::hmac_sha256(key.view(), as_bytes(text));
  return concat("SharedKey ", account, ":", base64_encode(mac));
}

std::string http_date(std::int64_t unix_s) {
  constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t at = unix_s;
  std::tm t{};
  ::gmtime_r(&at, &t);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                kDays.at(static_cast<std::size_t>(t.tm_wday)), t.tm_mday,
                kMonths.at(static_cast<std::size_t>(t.tm_mon)), t.tm_year + 1900, t.tm_hour,
                t.tm_min, t.tm_sec);
  return text.data();
}

}  // namespace apm::azure
