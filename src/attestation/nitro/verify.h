#pragma once

// From an AWS Nitro attestation document, pinned anchors and a time to claims. Rules in the order
// of trying (docs/formats/nitro.md): format and algorithm, cabundle[0] is a pinned root, the
// bundle's order and what its certificates may do, the path from the pinned root at the given time,
// the signature, then policy and binding. Pure; any thread.
//
// Errors: those of parse_document, and kRefused with reason
//   nitro_certificate_malformed                a certificate of the document is not DER
//   nitro_root_not_pinned, nitro_cabundle_order, nitro_ca_constraints, nitro_path_length,
//   nitro_leaf_usage, nitro_leaf_key, nitro_chain_untrusted, nitro_chain_invalid
//   nitro_chain_expired, nitro_chain_not_yet_valid
//   nitro_signature_invalid
//   nitro_too_old, nitro_from_the_future       the timestamp and the relying party's clock
//   nitro_nonce, nitro_user_data, nitro_public_key
//   nitro_debug, nitro_pcr_not_pinned

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "attestation/appraisal.h"
#include "attestation/claims.h"
#include "attestation/nitro/anchors.h"
#include "attestation/nitro/document.h"

namespace apm::attestation::nitro {

inline constexpr std::int64_t kAgeSMax = 300;    // a document's age when it is shown
inline constexpr std::int64_t kClockSkewS = 60;  // how far ahead the hypervisor's clock may be

// What the relying party asks for. The defaults are the safe ones.
struct Floor {
  bool allow_debug = false;
  // Index -> the values that are accepted there, 96 lower-case hex digits. A PCR that is pinned
  // and not in the document fails, as does one without values.
  std::map<unsigned, std::set<std::string>> pcrs;
  std::int64_t age_s_max = kAgeSMax;
};

// Which time the certificates must be valid at.
enum class ValidAt {
  kNow,       // the relying party's clock, and the timestamp must be close to it
  kTimestamp  // the document's own timestamp: for archived documents, proves nothing about today
};

struct Expectation {
  const Anchors* anchors = nullptr;
  std::int64_t now_unix_s = 0;
  ValidAt valid_at = ValidAt::kNow;
  // Where given: the document's field must be there and have exactly these bytes; no bytes at all
  // never match.
  std::optional<Bytes> nonce, user_data, public_key;
  Floor floor;
};

struct Verified {
  EvidenceResult evidence;  // family "aws-nitro"; enclave_id "" for a debug enclave
  Document document;
};

[[nodiscard]] Result<Verified> verify(ByteView raw, const Expectation& expected,
                                      Appraisal& appraisal);

}  // namespace apm::attestation::nitro
