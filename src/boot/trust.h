#pragma once

// The trust anchors of a server: the vendors', and those that its configuration file's test stanza
// names beside them. There is no other way in: the API has none. A set is made at start and then
// only read; any thread may.
//
// An anchor that is not a vendor's has a fixed name, which status, the log and every verdict that
// it supports show.
//
// Errors: those of reading the file, and of attestation/named_anchor.h with the file's name.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "attestation/dcap/anchors.h"
#include "attestation/nitro/anchors.h"
#include "attestation/snp/anchors.h"
#include "base/log.h"
#include "boot/config.h"

namespace apm::boot {

inline constexpr const char* kAmdTestAnchor = "simulator";
inline constexpr const char* kIntelTestAnchor = "test-intel";
inline constexpr const char* kAwsTestAnchor = "test-aws";

struct Trust {
  std::shared_ptr<const attestation::snp::Anchors> amd;
  std::shared_ptr<const attestation::dcap::Anchors> intel;
  std::shared_ptr<const attestation::nitro::Anchors> aws;
  std::vector<std::string> named;  // of those that are not a vendor's
};

// `test`: the configuration's stanza; a production store has none.
[[nodiscard]] Result<Trust> load_trust(const std::optional<TestConfig>& test, Log& log);

}  // namespace apm::boot
