#pragma once

// Collateral for a piece of evidence, or a reason why there is none: fetched from the configured
// sources, kept in one bounded cache. It stands outside the verifier, and what it gives is as
// untrusted there as if the caller of a login had sent it. Any thread may call; borrows the clock.
//
// Errors: kUnavailable and kRefused with the reasons of source.h, cache.h, document.h, amd.h,
// intel.h, maa.h (docs/operations/endorsements.md); those of reading a report or quote.

#include <memory>
#include <string>

#include "attestation/dcap/collateral.h"
#include "attestation/snp/anchors.h"
#include "base/clock.h"
#include "endorsements/cache.h"
#include "endorsements/source.h"

namespace apm::endorsements {

struct SnpCollateral {
  Bytes vcek;  // DER; the keys above it are built into the verifier
  Bytes crl;   // DER
};

class Collector {
 public:
  Collector(Sources sources, std::unique_ptr<Fetcher> fetcher, const Clock& clock,
            CacheLimits limits = {});

  // For an SNP report (1184 bytes). `asker`: whoever shows it without any proof, see cache.h.
  [[nodiscard]] Result<SnpCollateral> for_snp_report(ByteView report, const Deadline& deadline,
                                                     const std::string& asker = "");
  // The list alone, for evidence that brings its certificates.
  [[nodiscard]] Result<Bytes> amd_crl(attestation::snp::Product product, const Deadline& deadline);
  // For an SGX or TDX quote; every part is there.
  [[nodiscard]] Result<attestation::dcap::CollateralFiles> for_quote(ByteView quote,
                                                                     const Deadline& deadline);
  // The JWK Set of a configured issuer, as attestation::maa::Jwks reads it; asked for again when it
  // does not name `kid`.
  [[nodiscard]] Result<std::string> maa_keys(const std::string& issuer, const std::string& kid,
                                             const Deadline& deadline);
  // Azure's own answer for the machine that this runs on.
  [[nodiscard]] Result<std::string> thim(const Deadline& deadline);

 private:
  using Read = std::function<Result<Document>(const net::Response& answer, std::int64_t now_s)>;
  struct Wanted {
    std::string source;  // "amd"
    Ask ask;
    Read read;
    FetchTerms terms;
  };
  [[nodiscard]] Result<SharedDocument> get(const Wanted& wanted, const Deadline& deadline);
  [[nodiscard]] Result<SharedDocument> keys_of(const std::string& issuer, std::int64_t not_before_s,
                                               const Deadline& deadline);

  Sources sources_;
  std::unique_ptr<Fetcher> fetcher_;
  const Clock& clock_;
  Cache cache_;
};

}  // namespace apm::endorsements
