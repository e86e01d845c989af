#pragma once

// One verification of a synthetic quote, and which rules failed. Not part of any program.

#include <set>
#include <string>

#include "attestation/sgx/verify.h"
#include "attestation/tdx/verify.h"
#include "attestation/testing/synthetic_intel.h"

namespace apm::attestation::testing {

struct DcapTrial {
  SyntheticIntel platform;
  sgx::Floor sgx_floor;
  tdx::Floor tdx_floor;
  std::int64_t now_unix_s = kIntelNow;
  Bytes report_data = Bytes(64, 0xd0);
  bool with_collateral = true;

  explicit DcapTrial(std::uint16_t version = 4, dcap::Tee tee = dcap::Tee::kTdx,
                     dcap::BodyType type = dcap::BodyType::kTd10)
      : platform(version, tee, type) {}
  static DcapTrial sgx() { return DcapTrial(3, dcap::Tee::kSgx, dcap::BodyType::kSgx); }
  static DcapTrial td15() { return DcapTrial(5, dcap::Tee::kTdx, dcap::BodyType::kTd15); }

  [[nodiscard]] dcap::Floor& floor() { return is_tdx() ? tdx_floor.platform : sgx_floor.platform; }
  [[nodiscard]] bool is_tdx() const { return platform.header[4] == 0x81; }

  // Anchors hold the platform's own root, whatever it signed with.
  [[nodiscard]] static const dcap::Anchors& anchors() {
    static const dcap::Anchors made = make_anchors();
    return made;
  }
  [[nodiscard]] static dcap::Anchors make_anchors() {
    dcap::Anchors out = dcap::Anchors::none();
    const IntelCertificate root{.name = "Intel SGX Root CA",
                                .key = &IntelKeys::get().root,
                                .signer = &IntelKeys::get().root,
                                .is_ca = true,
                                .key_usage = {},
                                .extensions = {}};
    if (!out.add_named("test", root.build(nullptr).pem()).ok()) std::abort();
    return out;
  }

  // The reasons of every rule that failed; none when it was accepted.
  [[nodiscard]] std::set<std::string> failures(Appraisal appraisal = Appraisal()) {
    const dcap::Collateral collateral = platform.collateral();
    return failures(platform.quote(), with_collateral ? &collateral : nullptr,
                    std::move(appraisal));
  }
  [[nodiscard]] std::set<std::string> failures(ByteView quote, const dcap::Collateral* collateral,
                                               Appraisal appraisal = Appraisal()) const {
    const dcap::Expectation expectation{&anchors(), now_unix_s, report_data};
    std::set<std::string> out;
    const auto note = [&](const auto& result) {
      if (!result.ok()) out.insert(result.error().reason);
    };
    if (is_tdx()) {
      note(tdx::verify(quote, collateral, expectation, tdx_floor, appraisal));
    } else {
      note(sgx::verify(quote, collateral, expectation, sgx_floor, appraisal));
    }
    for (const Appraisal::Entry& entry : appraisal.entries()) {
      if (!entry.holds) out.insert(entry.rule.reason);
    }
    return out;
  }
};

using Reasons = std::set<std::string>;

}  // namespace apm::attestation::testing
