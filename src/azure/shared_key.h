#pragma once

// SharedKey authorisation of Azure Storage's Blob service: the canonical string of a request and
// its HMAC-SHA256. Pure; any thread. Spec: "Authorize with Shared Key", Blob service rules of
// version 2015-02-21 and newer (Content-Length is empty when it is 0).

#include <string>

#include "base/result.h"
#include "crypto/secret_bytes.h"
#include "net/http_client.h"

namespace apm::azure {

// Blanks and order of the headers do not matter; the date must be in x-ms-date. The URL must be as
// it goes on the wire. kInvalidArgument "url", or "blob_request" when x-ms-date is absent.
[[nodiscard]] Result<std::string> shared_key_string(const net::Request& request,
                                                    const std::string& account);

// The value of Authorization. `key` is the account key as raw bytes, already base64-decoded.
[[nodiscard]] Result<std::string> shared_key_authorization(const net::Request& request,
                                                           const std::string& account,
                                                           const crypto::SecretBytes& key);

// "Tue, 24 Nov 2026 12:00:00 GMT" (RFC 9110, IMF-fixdate), whatever the locale.
[[nodiscard]] std::string http_date(std::int64_t unix_s);

}  // namespace apm::azure
