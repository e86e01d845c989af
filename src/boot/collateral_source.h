#pragma once

// Where the logins of a server get the collateral that they lack: the configured services, behind
// the bounds of endorsements/. Everything that one login lacks has one deadline, and only so many
// logins are held up at a time, so that workers are left for all other requests. Any thread may
// call; borrows the clock.
//
// Errors: those of endorsements/collateral.h. What the vendor does not know is a refusal of the
// evidence ("endorsement_not_found", kRefused); every other failure is kUnavailable.

#include <memory>

#include "auth/apm/collateral.h"
#include "base/log.h"
#include "boot/endorsements_config.h"
#include "endorsements/collateral.h"

namespace apm::boot {

class EndorsementSource final : public auth_apm::CollateralSource {
 public:
  EndorsementSource(const EndorsementsConfig& config,
                    std::unique_ptr<endorsements::Fetcher> fetcher, const Clock& clock);

  [[nodiscard]] bool gives(Vendor vendor) const override;
  [[nodiscard]] Result<Amd> of_snp_report(ByteView report, const std::string& asker) override;
  [[nodiscard]] Result<Bytes> amd_crl(attestation::snp::Product product) override;
  [[nodiscard]] Result<attestation::dcap::Collateral> of_quote(ByteView quote) override;

 private:
  [[nodiscard]] Deadline deadline() const { return Deadline::after(deadline_); }

  bool amd_;
  bool intel_;
  std::chrono::seconds deadline_;
  endorsements::Collector collector_;
};

// Null when the configuration has no stanza. The log says what may be asked.
[[nodiscard]] std::shared_ptr<auth_apm::CollateralSource> make_collateral_source(
    const std::optional<EndorsementsConfig>& config, const Clock& clock, Log& log);

}  // namespace apm::boot
