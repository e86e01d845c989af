#pragma once

// One fetched document and how long it may be used, by its own dates. A value.

#include <cstdint>
#include <string>

#include "base/result.h"

namespace apm::endorsements {

struct Document {
  std::string body;
  std::string issuer_chain_pem;  // Intel's, from the answer's header; else empty
  std::int64_t fetched_at_s = 0;
  std::int64_t refresh_at_s = 0;   // better asked for again from then on
  std::int64_t valid_until_s = 0;  // never used from then on
};

// The dates of what has just been read. "endorsement_expired", "endorsement_not_yet_valid" when
// `now_s` is not between them; `what` names the document.
struct Dates {
  std::int64_t from_s = 0;
  std::int64_t until_s = 0;
};
[[nodiscard]] Result<Document> dated(std::string body, const Dates& dates, std::int64_t now_s,
                                     std::string_view what);

// What came is not what was asked for: "endorsement_malformed".
[[nodiscard]] Error malformed(std::string_view what, std::string_view why);

}  // namespace apm::endorsements
