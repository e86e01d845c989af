#pragma once

// Collateral that evidence does not bring, from a source of the server's own: what is lacking,
// whether it is worth asking for, and getting it. What was got is judged like what a caller sends.
//
// Whoever logs in chooses what would be asked for, so nothing is asked before everything was
// checked that can be without it:
//   Intel's documents    the whole verification, to the pinned root, with no rule failing but that
//                        they are missing: only genuine hardware that answers this challenge asks.
//                        Of an Azure TD the quote alone comes so far, which answers no challenge: a
//                        quote that somebody saw makes us ask for its model, and for no other
//   AMD's list           likewise, where `require_crl` asks for one (the chain leads to the root)
//   a VCEK               format, binding, floors, on Azure the TPM's signatures as well: all of it
//                        can be forged by anybody, so that the source bounds how often one address
//                        may ask
// Members that came are used as they came: only what is absent is asked for.
//
// Errors: kRefused of a check that failed before anything was asked; kUnavailable and kRefused
// "endorsement_..." of the source (docs/operations/endorsements.md). Any thread.

#include <optional>
#include <string>

#include "attestation/dcap/collateral.h"
#include "auth/apm/families.h"

namespace apm::auth_apm {

// Implemented where the server is wired. Any thread may call; a call has a deadline of its own.
class CollateralSource {
 public:
  virtual ~CollateralSource() = default;

  enum class Vendor { kAmd, kIntel };
  [[nodiscard]] virtual bool gives(Vendor vendor) const = 0;

  struct Amd {
    std::string vcek_pem;
    Bytes crl;
  };
  // For a report that nobody has proved. `asker`: the caller's address.
  [[nodiscard]] virtual Result<Amd> of_snp_report(ByteView report, const std::string& asker) = 0;
  [[nodiscard]] virtual Result<Bytes> amd_crl(attestation::snp::Product product) = 0;
  [[nodiscard]] virtual Result<attestation::dcap::Collateral> of_quote(ByteView quote) = 0;
};

// Nothing when the evidence lacks nothing that `source` gives, or would be refused with it too: the
// verifier then says why. `appraisal` has the rules of a refusal.
[[nodiscard]] Result<std::optional<Fetched>> fetch_lacking(const json::Object& evidence,
                                                           const Judge& judge,
                                                           CollateralSource& source,
                                                           const std::string& asker,
                                                           attestation::Appraisal& appraisal);

}  // namespace apm::auth_apm
