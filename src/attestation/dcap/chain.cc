#include "attestation/dcap/chain.h"

#include <set>

#include "attestation/dcap/fields.h"
#include "attestation/dcap/pem_chain.h"
#include "base/text.h"

namespace apm::attestation::dcap {
namespace {

using crypto::Certificate;

constexpr std::string_view kPckName = "Intel SGX PCK Certificate";
constexpr std::string_view kTcbSigningName = "Intel SGX TCB Signing";
constexpr std::string_view kPlatformCaName = "Intel SGX PCK Platform CA";
constexpr std::string_view kProcessorCaName = "Intel SGX PCK Processor CA";

// The chain by what its certificates are.
struct Sorted {
  std::optional<Certificate> leaf, authority;
  std::vector<Certificate> roots;
};

bool is_pck_authority(const std::string& name) {
  return name == kPlatformCaName || name == kProcessorCaName;
}

Result<Sorted> sort_by_kind(std::vector<Certificate> list, ChainKind kind) {
  const std::string_view leaf_name = kind == ChainKind::kPck ? kPckName : kTcbSigningName;
  Sorted out;
  for (Certificate& one : list) {
    const std::string name = one.subject_common_name();
    if (name == one.issuer_common_name()) {
      out.roots.push_back(std::move(one));
    } else if (name == leaf_name && !out.leaf) {
      out.leaf = std::move(one);
    } else if (kind == ChainKind::kPck && is_pck_authority(name) && !out.authority) {
      out.authority = std::move(one);
    } else {
      return refused("chain_kind",
                     concat("the chain holds a second or foreign certificate: '", name, "'"));
    }
  }
  if (!out.leaf || (kind == ChainKind::kPck && !out.authority)) {
    return refused("chain_kind", concat("the chain lacks '", leaf_name, "' or its authority"));
  }
  return out;
}

Status check_leaf(const Certificate& leaf) {
  if (leaf.is_authority() || !leaf.may_sign_data()) {
    return refused("chain_kind", concat("'", leaf.subject_common_name(),
                                        "' may not sign data, or is an authority itself"));
  }
  return {};
}

bool is_p256(const Certificate& certificate) {
  const auto key = certificate.public_key();
  return key.ok() && key->curve() == crypto::Curve::kP256;
}

Status check_keys(const Sorted& chain) {
  if (!is_p256(*chain.leaf) || (chain.authority && !is_p256(*chain.authority))) {
    return refused("chain_key", "a key of the chain is not on P-256");
  }
  return {};
}

// Whether every root that came along is of the pinned key, and signed by it.
bool roots_agree(const Sorted& chain, const Anchor& anchor) {
  const auto pinned = anchor.root.public_key();
  if (!pinned.ok()) return false;
  for (const Certificate& root : chain.roots) {
    const auto key = root.public_key();
    if (!key.ok() || !key->same_as(*pinned) || !root.signed_by(*pinned)) return false;
  }
  return true;
}

Status path_to(const Anchor& anchor, const Sorted& chain, std::int64_t at_unix_s) {
  crypto::PathInput path;
  path.leaf = &*chain.leaf;
  path.anchors = {&anchor.root};
  path.at_unix_s = at_unix_s;
  path.depth_max = chain.authority ? 1 : 0;
  if (chain.authority) {
    path.intermediates = {&*chain.authority};
    const auto key = chain.authority->public_key();
    if (!key.ok() || !chain.leaf->signed_by(*key)) {
      return refused("chain_untrusted", "the PCK certificate is not signed by the CA beside it");
    }
  }
  if (!is_p256(anchor.root)) return refused("chain_key", "the pinned root key is not on P-256");
  return verify_path(path);
}

Result<const Anchor*> find_anchor(const Sorted& chain, const ChainInput& input,
                                  std::int64_t at_unix_s) {
  Error failure = refused("root_not_pinned", "the chain leads to a root that is not pinned");
  if (input.anchors == nullptr) return failure;
  for (const Anchor& anchor : input.anchors->list()) {
    if (!roots_agree(chain, anchor)) continue;
    const Status path = path_to(anchor, chain, at_unix_s);
    if (path.ok()) return &anchor;
    failure = path.error();
  }
  return failure;
}

// The error with the reason of the chain that it is about, in the record.
Error record(Error error, const ChainInput& input, Appraisal& appraisal) {
  const bool dates = error.reason == "chain_expired" || error.reason == "chain_not_yet_valid";
  if (error.reason.empty()) error.reason = "chain_invalid";  // the library failed
  if (!error.reason.starts_with("dcap_")) error.reason = concat(input.prefix, "_", error.reason);
  const Stage stage = dates ? Stage::kValidity : Stage::kChain;
  return appraisal.require(error, stage, error.reason).error();
}

Result<Sorted> read(const ChainInput& input) {
  auto list = read_pem_chain(input.pem);
  if (!list.ok()) return refused("chain_malformed", list.error().message);
  APM_TRY(Sorted sorted, sort_by_kind(std::move(*list), input.kind));
  APM_CHECK_OK(check_leaf(*sorted.leaf));
  APM_CHECK_OK(check_keys(sorted));
  return sorted;
}

}  // namespace

Result<TrustedChain> trust_chain(const ChainInput& input, Appraisal& appraisal) {
  auto sorted = read(input);
  if (!sorted.ok()) return record(sorted.error(), input, appraisal);
  // Where only the path is asked for, the leaf's own first second is a time at which it held.
  const std::int64_t at =
      appraisal.covers(Stage::kValidity) ? input.now_unix_s : sorted->leaf->not_before_s();
  const auto anchor = find_anchor(*sorted, input, at);
  if (!anchor.ok()) return record(anchor.error(), input, appraisal);
  APM_CHECK_OK(appraisal.require(
      true, {Stage::kChain, concat(input.prefix, "_chain_untrusted"),
             concat("anchor '", (*anchor)->name, "'"), "a path to a pinned root key"}));
  return TrustedChain{std::move(*sorted->leaf), std::move(sorted->authority), *anchor};
}

}  // namespace apm::attestation::dcap
