#pragma once

// What SGX and TDX verification share: the signatures of a quote up to a pinned root, Intel's
// judgement of the platform by collateral, and the relying party's rules about the platform. sgx/
// and tdx/ put the body's rules between; callers start there (sgx::verify, tdx::verify). Pure:
// bytes, collateral and a time in, an appraisal out; any thread.
//
// Stages: certificates and revocation lists count as kChain and kValidity, the collateral's
// signatures as kChain (they lead to the same root), agreement of id, FMSPC and PCEID as kBinding,
// levels and statuses as kTcb. Missing collateral is a failed rule of kTcb.
//
// Reasons: docs/formats/dcap.md has the list with what each means.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "attestation/appraisal.h"
#include "attestation/dcap/chain.h"
#include "attestation/dcap/collateral.h"
#include "attestation/dcap/floor.h"
#include "attestation/dcap/pck.h"
#include "attestation/dcap/quote.h"
#include "attestation/dcap/tcb.h"

namespace apm::attestation::dcap {

struct Expectation {
  const Anchors* anchors = nullptr;
  std::int64_t now_unix_s = 0;
  Bytes report_data;  // all 64 bytes
};

// A quote whose signatures lead to a pinned root. `pck` and `anchor` are set when the appraisal
// covers Stage::kChain.
struct Evidence {
  Quote quote;
  std::optional<Pck> pck;
  std::optional<TrustedChain> chain;
  // Of the collateral, when all of it was there and the appraisal covers Stage::kTcb.
  std::optional<TcbVerdict> tcb;
  std::uint64_t evaluation_number = 0;  // the lower of the two documents'
};

[[nodiscard]] Result<Quote> read_quote(ByteView raw, Tee tee, const Floor& floor,
                                       Appraisal& appraisal);
[[nodiscard]] Result<Evidence> verify_signatures(Quote quote, const Expectation& expectation,
                                                 Appraisal& appraisal);
// REPORTDATA, and the lists of platforms.
void expect_platform(const Evidence& evidence, const Expectation& expectation, const Floor& floor,
                     Appraisal& appraisal);
// `collateral` nullptr: there is none. `tdx` nullptr for SGX.
[[nodiscard]] Status verify_tcb(Evidence& evidence, const Collateral* collateral, const TdxTcb* tdx,
                                const Expectation& expectation, const Floor& floor,
                                Appraisal& appraisal);

// Whether the rule of this reason is one that a relying party may sensibly waive (Floor): statuses
// that ask for configuration or hardening by the workload, and unsigned bytes behind a quote.
[[nodiscard]] bool is_choice(std::string_view reason);

}  // namespace apm::attestation::dcap
