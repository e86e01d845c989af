#pragma once

// What `verify --fetch-collateral` adds to a case: certificates, lists and key sets that the
// evidence did not bring, from the vendors or a mirror, as inputs like any other. The verdict stays
// the verifier's. One thread.
//
// Errors: kInvalidArgument "usage" when there is nothing to fetch for this family, or the caller
// gave it already; those of endorsements/.

#include <string>

#include "base/json.h"
#include "base/result.h"
#include "cli/evidence/detect.h"
#include "endorsements/source.h"

namespace apm::cli::evidence {

struct FetchRequest {
  Kind kind;
  Bytes evidence;
  json::Object inputs;  // what the caller gave
  std::int64_t now_unix_s = 0;
  endorsements::Sources sources;
};
// The inputs with the fetched ones.
[[nodiscard]] Result<json::Object> with_fetched(FetchRequest request);

}  // namespace apm::cli::evidence
