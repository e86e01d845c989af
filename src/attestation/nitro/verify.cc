#include "attestation/nitro/verify.h"

#include "attestation/nitro/identity.h"
#include "base/encoding.h"
#include "base/text.h"
#include "crypto/x509_constraints.h"

namespace apm::attestation::nitro {
namespace {

using crypto::Certificate;

constexpr std::string_view kFamily = "aws-nitro";
constexpr std::int64_t kMsPerS = 1000;

struct Chain {
  std::vector<Certificate> authorities;  // [0] is the root
  std::optional<Certificate> leaf;
};

Error refused(std::string reason, std::string message) {
  return Error(Code::kRefused, std::move(reason), std::move(message));
}

// ---- Format ----

Result<Chain> read_chain(const Document& document) {
  Chain chain;
  for (const Bytes& der : document.cabundle) {
    auto certificate = Certificate::from_der(der);
    if (!certificate.ok()) {
      return refused("nitro_certificate_malformed",
                     concat("certificate ", chain.authorities.size(),
                            " of the cabundle: ", certificate.error().message));
    }
    chain.authorities.push_back(std::move(*certificate));
  }
  auto leaf = Certificate::from_der(document.certificate);
  if (!leaf.ok()) {
    return refused("nitro_certificate_malformed",
                   concat("the document's certificate: ", leaf.error().message));
  }
  chain.leaf.emplace(std::move(*leaf));
  return chain;
}

// ---- Chain ----

// Each certificate names the one before it as its issuer: root first, the leaf's issuer last.
Status check_order(const Chain& chain) {
  const std::size_t count = chain.authorities.size();
  for (std::size_t i = 1; i <= count; ++i) {
    const Certificate& below = i < count ? chain.authorities[i] : *chain.leaf;
    if (!crypto::names_as_issuer(below, chain.authorities[i - 1])) {
      return refused("nitro_cabundle_order",
                     concat("'", below.subject_common_name(), "' is not issued by '",
                            chain.authorities[i - 1].subject_common_name(),
                            "', which stands before it; the cabundle goes from the root to the "
                            "leaf's issuer"));
    }
  }
  return {};
}

Status check_authorities(const Chain& chain) {
  const std::size_t count = chain.authorities.size();
  for (std::size_t i = 0; i < count; ++i) {
    const crypto::Constraints may = crypto::constraints_of(chain.authorities[i]);
    const std::string name = chain.authorities[i].subject_common_name();
    if (!may.authority || !may.may_sign_certificates) {
      return refused("nitro_ca_constraints",
                     concat("'", name,
                            "' is used as a certificate authority, but its "
                            "basicConstraints or keyUsage do not allow that"));
    }
    const auto below = static_cast<std::int64_t>(count - 1 - i);  // authorities under this one
    // The genuine root has no limit; every authority under it has.
    const bool long_enough = may.path_length ? *may.path_length >= below : i == 0;
    if (!long_enough) {
      return refused("nitro_path_length",
                     concat("'", name, "' must limit its path, and to at least ", below,
                            " authorities below it"));
    }
  }
  return {};
}

Status check_leaf(const Certificate& leaf) {
  const crypto::Constraints may = crypto::constraints_of(leaf);
  if (may.authority || !may.may_sign_data) {
    return refused("nitro_leaf_usage",
                   "the document's certificate is a certificate authority, or its keyUsage does "
                   "not allow digital signatures");
  }
  const auto key = leaf.public_key();
  if (key.ok() && key->curve() == crypto::Curve::kP384) return {};
  return refused("nitro_leaf_key", "the document's certificate has no key on P-384");
}

std::int64_t validity_time(const Document& document, const Expectation& expected,
                           const Appraisal& appraisal) {
  const bool now = expected.valid_at == ValidAt::kNow && appraisal.covers(Stage::kValidity);
  return now ? expected.now_unix_s : document.timestamp_ms / kMsPerS;
}

Status path_from(const Anchor& anchor, const Chain& chain, std::int64_t at_unix_s) {
  crypto::PathInput path;
  path.leaf = &*chain.leaf;
  path.anchors = {&anchor.root};
  path.at_unix_s = at_unix_s;
  path.depth_max = static_cast<int>(chain.authorities.size());
  for (std::size_t i = 1; i < chain.authorities.size(); ++i) {
    path.intermediates.push_back(&chain.authorities[i]);
  }
  const Status status = crypto::verify_path(path);
  if (status.ok()) return {};
  return Error(status.error().code, concat("nitro_", status.error().reason),
               concat("Nitro certificates: ", status.error().message));
}

Stage stage_of_path(const Status& path) {
  if (path.ok()) return Stage::kChain;
  const std::string& reason = path.error().reason;
  const bool dates = reason == "nitro_chain_expired" || reason == "nitro_chain_not_yet_valid";
  return dates ? Stage::kValidity : Stage::kChain;
}

Result<const Anchor*> check_chain(const Document& document, const Chain& chain,
                                  const Expectation& expected, Appraisal& appraisal) {
  const Anchor* anchor =
      expected.anchors == nullptr ? nullptr : expected.anchors->find(document.cabundle.front());
  APM_CHECK_OK(appraisal.require(
      anchor != nullptr, {Stage::kChain, "nitro_root_not_pinned",
                          concat("root '", chain.authorities.front().subject_common_name(), "'"),
                          "cabundle[0] is a pinned root, byte by byte"}));
  APM_CHECK_OK(appraisal.require(check_order(chain), Stage::kChain, "nitro_cabundle_order"));
  APM_CHECK_OK(appraisal.require(check_authorities(chain), Stage::kChain, "nitro_ca_constraints"));
  APM_CHECK_OK(appraisal.require(check_leaf(*chain.leaf), Stage::kChain, "nitro_leaf_usage"));
  const Status path = path_from(*anchor, chain, validity_time(document, expected, appraisal));
  APM_CHECK_OK(appraisal.require(path, stage_of_path(path), "nitro_chain_untrusted"));
  return anchor;
}

// ---- Signature ----

Status check_signature(const Document& document, const Certificate& leaf) {
  APM_TRY(const crypto::PublicKey key, leaf.public_key());
  if (key.verify_ecdsa(crypto::Hash::kSha384, document.to_be_signed, document.r, document.s).ok()) {
    return {};
  }
  return refused("nitro_signature_invalid",
                 "the Nitro document's signature does not verify under its certificate");
}

// ---- Freshness and binding ----

void check_age(const Document& document, const Expectation& expected, Appraisal& appraisal) {
  const std::int64_t age_s = expected.now_unix_s - document.timestamp_ms / kMsPerS;
  appraisal.expect(age_s <= expected.floor.age_s_max,
                   {Stage::kFreshness, "nitro_too_old", concat("made ", age_s, " s ago"),
                    concat("at most ", expected.floor.age_s_max, " s")});
  appraisal.expect(age_s >= -kClockSkewS,
                   {Stage::kFreshness, "nitro_from_the_future", concat("made ", age_s, " s ago"),
                    concat("at most ", kClockSkewS, " s ahead of this clock")});
}

void check_bound(const std::optional<Bytes>& wanted, const std::optional<Bytes>& found, Rule rule,
                 Appraisal& appraisal) {
  if (!wanted) return;
  rule.found = found ? hex_encode(*found) : "absent";
  rule.wanted = wanted->empty() ? "a value to compare with" : hex_encode(*wanted);
  const bool holds = found && !wanted->empty() && equal(*found, *wanted);
  appraisal.expect(holds, std::move(rule));
}

void check_freshness(const Document& document, const Expectation& expected, Appraisal& appraisal) {
  if (expected.valid_at == ValidAt::kNow) check_age(document, expected, appraisal);
  check_bound(expected.nonce, document.nonce, {Stage::kFreshness, "nitro_nonce", "", ""},
              appraisal);
}

void check_binding(const Document& document, const Expectation& expected, Appraisal& appraisal) {
  check_bound(expected.user_data, document.user_data, {Stage::kBinding, "nitro_user_data", "", ""},
              appraisal);
  check_bound(expected.public_key, document.public_key,
              {Stage::kBinding, "nitro_public_key", "", ""}, appraisal);
}

// ---- Policy ----

void check_pinned(const Document& document, unsigned index, const std::set<std::string>& accepted,
                  Appraisal& appraisal) {
  const auto pcr = document.pcrs.find(index);
  const std::string found = pcr == document.pcrs.end() ? "absent" : hex_encode(pcr->second);
  std::string wanted = concat("PCR ", index, " is one of:");
  for (const std::string& value : accepted) wanted += concat(" ", value);
  appraisal.expect(pcr != document.pcrs.end() && accepted.contains(found),
                   {Stage::kPolicy, "nitro_pcr_not_pinned", found, std::move(wanted)});
}

void check_policy(const Document& document, const Floor& floor, Appraisal& appraisal) {
  appraisal.expect(floor.allow_debug || !document.debug(),
                   {Stage::kPolicy, "nitro_debug",
                    document.debug() ? "PCR 0, 1 or 2 is zero" : "PCR 0, 1 and 2 are not zero",
                    "an enclave that is not in debug mode"});
  for (const auto& [index, accepted] : floor.pcrs) {
    check_pinned(document, index, accepted, appraisal);
  }
}

// ---- Claims ----

json::Value hex_or_null(const std::optional<Bytes>& bytes) {
  return bytes ? json::Value(hex_encode(*bytes)) : json::Value();
}

json::Object claims_of(const Document& document) {
  json::Object pcrs;
  for (const auto& [index, value] : document.pcrs) {
    pcrs.set(std::to_string(index), hex_encode(value));
  }
  json::Object nitro{{"module_id", document.module_id},
                     {"timestamp_ms", document.timestamp_ms},
                     {"pcrs", std::move(pcrs)},
                     {"nonce", hex_or_null(document.nonce)},
                     {"user_data", hex_or_null(document.user_data)},
                     {"public_key", hex_or_null(document.public_key)},
                     {"debug", document.debug()}};
  json::Object claims{
      {std::string(kEatProfile), kClaimsProfile},
      {std::string(kDebugStatus), document.debug() ? kDebugEnabled : kDebugDisabled}};
  if (document.nonce && !document.nonce->empty()) {
    claims.set(std::string(kEatNonce), base64url_encode(*document.nonce));
  }
  claims.set("nitro", std::move(nitro));
  return claims;
}

EvidenceResult result_of(const Document& document, const Anchor* anchor) {
  EvidenceResult result;
  result.family = kFamily;
  result.claims = claims_of(document);
  if (anchor != nullptr) {
    result.trust_anchor = anchor->name;
    result.vendor_anchor = anchor->name == kVendorAnchorName;
  }
  const auto id = enclave_id(document.pcrs);
  if (id.ok()) result.enclave_id = *id;
  result.signer = signer_of(document.pcrs);
  return result;
}

}  // namespace

Result<Verified> verify(ByteView raw, const Expectation& expected, Appraisal& appraisal) {
  auto document = parse_document(raw);
  const Status parsed = document.ok() ? Status() : Status(document.error());
  const bool algorithm = !parsed.ok() && parsed.error().reason == "nitro_algorithm";
  APM_CHECK_OK(
      appraisal.require(parsed, algorithm ? Stage::kAlgorithm : Stage::kFormat, "nitro_malformed"));
  auto chain = read_chain(*document);
  APM_CHECK_OK(appraisal.require(chain.ok() ? Status() : Status(chain.error()), Stage::kFormat,
                                 "nitro_certificate_malformed"));
  const Anchor* anchor = nullptr;
  if (appraisal.covers(Stage::kChain)) {
    APM_TRY(anchor, check_chain(*document, *chain, expected, appraisal));
  }
  if (appraisal.covers(Stage::kSignature)) {
    APM_CHECK_OK(appraisal.require(check_signature(*document, *chain->leaf), Stage::kSignature,
                                   "nitro_signature_invalid"));
  }
  if (appraisal.covers(Stage::kBinding)) check_binding(*document, expected, appraisal);
  if (appraisal.covers(Stage::kFreshness)) check_freshness(*document, expected, appraisal);
  if (appraisal.covers(Stage::kPolicy)) check_policy(*document, expected.floor, appraisal);
  APM_CHECK_OK(appraisal.verdict());
  EvidenceResult evidence = result_of(*document, anchor);
  return Verified{std::move(evidence), std::move(*document)};
}

}  // namespace apm::attestation::nitro
