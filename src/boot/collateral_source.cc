#include "boot/collateral_source.h"

#include "crypto/x509.h"

namespace apm::boot {
namespace {

Error told(Error error) {
  if (error.reason == "endorsement_not_found") error.code = Code::kRefused;
  return error;
}

}  // namespace

EndorsementSource::EndorsementSource(const EndorsementsConfig& config,
                                     std::unique_ptr<endorsements::Fetcher> fetcher,
                                     const Clock& clock)
    : amd_(config.amd),
      intel_(config.intel),
      deadline_(config.deadline),
      collector_(config.sources, std::move(fetcher), clock, config.limits) {}

bool EndorsementSource::gives(Vendor vendor) const {
  return vendor == Vendor::kAmd ? amd_ : intel_;
}

Result<EndorsementSource::Amd> EndorsementSource::of_snp_report(ByteView report,
                                                                const std::string& asker) {
  const auto got = collector_.for_snp_report(report, deadline(), asker);
  if (!got.ok()) return told(got.error());
  APM_TRY(const crypto::Certificate vcek, crypto::Certificate::from_der(got->vcek));
  return Amd{vcek.pem(), got->crl};
}

Result<Bytes> EndorsementSource::amd_crl(attestation::snp::Product product) {
  auto crl = collector_.amd_crl(product, deadline());
  if (!crl.ok()) return told(crl.error());
  return crl;
}

Result<attestation::dcap::Collateral> EndorsementSource::of_quote(ByteView quote) {
  const auto files = collector_.for_quote(quote, deadline());
  if (!files.ok()) return told(files.error());
  return attestation::dcap::collateral_from_files(*files);
}

std::shared_ptr<auth_apm::CollateralSource> make_collateral_source(
    const std::optional<EndorsementsConfig>& config, const Clock& clock, Log& log) {
  if (!config) return nullptr;
  for (const std::string& source : config->describe()) {
    log.info("endorsements", "asked for collateral that a login lacks", {{"source", source}});
  }
  return std::make_shared<EndorsementSource>(
      *config, endorsements::http_fetcher(config->sources.ca_file), clock);
}

}  // namespace apm::boot
