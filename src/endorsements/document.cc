#include "endorsements/document.h"

#include <algorithm>

#include "base/clock.h"
#include "base/text.h"
#include "endorsements/limits.h"

namespace apm::endorsements {

Result<Document> dated(std::string body, const Dates& dates, std::int64_t now_s,
                       std::string_view what) {
  if (now_s >= dates.until_s) {
    return Error(Code::kUnavailable, "endorsement_expired",
                 concat(what, ": the source still gives one that ended at ", rfc3339(dates.until_s),
                        ". If this machine's clock is right, the source is ",
                        "a mirror that has stopped: have it refreshed"));
  }
  if (now_s < dates.from_s) {
    return Error(
        Code::kUnavailable, "endorsement_not_yet_valid",
        concat(what, ": it begins at ", rfc3339(dates.from_s), ". Look at this machine's clock"));
  }
  Document out;
  out.body = std::move(body);
  out.fetched_at_s = now_s;
  out.valid_until_s = dates.until_s;
  out.refresh_at_s = std::min(now_s + kRefreshS, dates.until_s);
  return out;
}

Error malformed(std::string_view what, std::string_view why) {
  return Error(Code::kUnavailable, "endorsement_malformed",
               concat(what, ": ", why,
                      ". Check that the configured address is such a service, not a proxy's page"));
}

}  // namespace apm::endorsements
