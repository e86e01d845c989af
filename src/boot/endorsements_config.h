#pragma once

// The `endorsements` stanza: which of the vendors' services, or mirrors of them, a server may ask
// for collateral that a login did not bring, and within what bounds. Without the stanza none is
// asked. A value, made at start. Reference: docs/operations/endorsements.md.
//
// Errors: kInvalidArgument "config", with the key.

#include <chrono>
#include <string>
#include <vector>

#include "base/result.h"
#include "endorsements/cache.h"
#include "endorsements/source.h"

namespace apm::boot {

// As written; "" where a key is absent.
struct EndorsementsText {
  std::string amd_kds;    // "vendor", or an address
  std::string intel_pcs;  // likewise
  std::string intel_root_crl;
  std::string ca_file;
  std::string deadline;
  std::string waiting_max;
  std::string fetches_per_minute_max;
  std::string fetches_per_address_max;
  std::string documents_max;
  std::string failures_max;
};

struct EndorsementsConfig {
  bool amd = false;
  bool intel = false;
  endorsements::Sources sources;
  std::chrono::seconds deadline{0};  // of all that one login lacks
  endorsements::CacheLimits limits;

  // For status and the log: "amd https://kdsintf.amd.com".
  [[nodiscard]] std::vector<std::string> describe() const;
};

// `plain_http`: allowed to loopback, in a test store.
enum class PlainHttp { kRefused, kLoopback };
[[nodiscard]] Result<EndorsementsConfig> read_endorsements(const EndorsementsText& text,
                                                           PlainHttp plain_http);

}  // namespace apm::boot
