#pragma once

// From a PEM chain to a key that a pinned root vouches for. Two shapes exist: a platform's
// (PCK <- PCK Platform or Processor CA <- root) and that of Intel's TCB Signing key (<- root). The
// path is built by issuer, not by position: genuine quotes list PCK, root, CA. A root that comes
// along must be signed by the pinned key; it is not used for anything else.
//
// Reasons, with `prefix` before each (dcap, dcap_tcb_info, dcap_qe_identity):
//   _chain_malformed, _chain_kind, _chain_key, _root_not_pinned, _chain_untrusted, _chain_invalid
//   at Stage::kChain; _chain_expired, _chain_not_yet_valid at Stage::kValidity.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "attestation/appraisal.h"
#include "attestation/dcap/anchors.h"

namespace apm::attestation::dcap {

enum class ChainKind { kPck, kTcbSigning };

struct ChainInput {
  std::string_view prefix;
  std::string_view pem;
  ChainKind kind = ChainKind::kPck;
  const Anchors* anchors = nullptr;
  std::int64_t now_unix_s = 0;
};

struct TrustedChain {
  crypto::Certificate leaf;
  std::optional<crypto::Certificate> authority;  // PCK chains
  const Anchor* anchor = nullptr;                // lives in ChainInput::anchors
};

[[nodiscard]] Result<TrustedChain> trust_chain(const ChainInput& input, Appraisal& appraisal);

}  // namespace apm::attestation::dcap
