#include "attestation/snp/vek.h"

#include <algorithm>

#include "attestation/limits.h"
#include "base/clock.h"
#include "base/text.h"
#include "crypto/crl.h"

namespace apm::attestation::snp {
namespace {

using crypto::Certificate;

constexpr std::string_view kOid = "1.3.6.1.4.1.3704.1.";
constexpr std::uint8_t kDerInteger = 0x02;
constexpr std::uint8_t kDerIa5String = 0x16;
constexpr std::uint8_t kStructVersionMax = 1;

// ---- What is in the certificate ----

std::optional<Bytes> extension(const Certificate& leaf, std::string_view suffix) {
  return leaf.extension(concat(kOid, suffix));
}

// A DER INTEGER of 0..255 in its only encoding.
std::optional<std::uint8_t> small_integer(const Certificate& leaf, std::string_view suffix) {
  const std::optional<Bytes> der = extension(leaf, suffix);
  if (!der) return std::nullopt;
  const Bytes& d = *der;
  if (d.size() == 3 && d[0] == kDerInteger && d[1] == 1 && d[2] < 0x80) return d[2];
  if (d.size() == 4 && d[0] == kDerInteger && d[1] == 2 && d[2] == 0 && d[3] >= 0x80) return d[3];
  return std::nullopt;
}

std::optional<std::string> ia5_text(const Certificate& leaf, std::string_view suffix) {
  const std::optional<Bytes> der = extension(leaf, suffix);
  if (!der || der->size() < 2 || der->size() > 2 + 0x7f) return std::nullopt;
  if ((*der)[0] != kDerIa5String || (*der)[1] != der->size() - 2) return std::nullopt;
  return std::string(as_text(ByteView(*der).subspan(2)));
}

// productName: "Milan-B0", "Genoa", "Turin". Bergamo and Siena carry Genoa's.
std::optional<Product> product_of_leaf(const Certificate& leaf) {
  const std::optional<std::string> name = ia5_text(leaf, "2");
  if (!name) return std::nullopt;
  const std::string line = name->substr(0, name->find('-'));
  for (const Product product : {Product::kMilan, Product::kGenoa, Product::kTurin}) {
    if (line == product_name(product)) return product;
  }
  return std::nullopt;
}

std::optional<Tcb> tcb_of_leaf(const Certificate& leaf, Product product) {
  bool complete = true;
  const auto level = [&](std::string_view suffix) {
    const std::optional<std::uint8_t> value = small_integer(leaf, suffix);
    complete = complete && value.has_value();
    return value.value_or(0);
  };
  Tcb tcb;
  tcb.bootloader = level("3.1");
  tcb.tee = level("3.2");
  tcb.snp = level("3.3");
  tcb.microcode = level("3.8");
  if (product == Product::kTurin) tcb.fmc = level("3.9");
  if (!complete) return std::nullopt;
  return tcb;
}

std::string intermediate_name(KeyKind kind, Product product) {
  return concat(kind == KeyKind::kVlek ? "SEV-VLEK-" : "SEV-", product_name(product));
}

// hwID stands in VCEKs only, cspID in VLEKs only.
Status check_kind(const Certificate& leaf, KeyKind kind, Appraisal& appraisal) {
  const bool vlek = kind == KeyKind::kVlek;
  const bool has_chip = extension(leaf, "4").has_value();
  const bool has_cloud = extension(leaf, "5").has_value();
  const std::string wanted = concat("SEV-", key_kind_name(kind));
  const bool holds = leaf.subject_common_name() == wanted && has_chip != vlek &&
                     has_cloud == vlek && !leaf.is_authority();
  return appraisal.require(
      holds,
      {Stage::kChain, "snp_leaf_kind",
       concat("first certificate '", leaf.subject_common_name(), "', hardware id ",
              has_chip ? "present" : "absent", ", CSP id ", has_cloud ? "present" : "absent"),
       concat("'", wanted, vlek ? "' with a CSP id alone" : "' with a hardware id alone",
              ", not an authority")});
}

Result<Product> check_product(const Certificate& leaf, KeyKind kind, Appraisal& appraisal) {
  const std::optional<Product> product = product_of_leaf(leaf);
  APM_CHECK_OK(appraisal.require(
      product.has_value(),
      {Stage::kChain, "snp_product_unknown",
       concat("productName '", ia5_text(leaf, "2").value_or("none"), "' in the certificate"),
       "Milan, Genoa or Turin"}));
  APM_CHECK_OK(appraisal.require(
      leaf.issuer_common_name() == intermediate_name(kind, *product),
      {Stage::kChain, "snp_product_mismatch", concat("issuer '", leaf.issuer_common_name(), "'"),
       concat("'", intermediate_name(kind, *product), "', by the certificate's productName")}));
  return *product;
}

Result<Vek> read_leaf(const Certificate& leaf, KeyKind kind, Appraisal& appraisal) {
  APM_CHECK_OK(check_kind(leaf, kind, appraisal));
  APM_TRY(const Product product, check_product(leaf, kind, appraisal));
  const std::optional<std::uint8_t> version = small_integer(leaf, "1");
  APM_CHECK_OK(appraisal.require(
      version && *version <= kStructVersionMax,
      {Stage::kChain, "snp_leaf_version",
       version ? concat("structVersion ", unsigned{*version}) : "no structVersion", "0 or 1"}));
  const std::optional<Tcb> tcb = tcb_of_leaf(leaf, product);
  APM_CHECK_OK(appraisal.require(
      tcb.has_value(),
      {Stage::kChain, "snp_leaf_tcb", tcb ? to_text(*tcb) : "patch levels absent or malformed",
       "each patch level of the product, 0 to 255"}));
  auto key = leaf.public_key();
  APM_CHECK_OK(appraisal.require(key.ok() && key->curve() == crypto::Curve::kP384,
                                 {Stage::kAlgorithm, "snp_leaf_key",
                                  concat("a key of the ", key_kind_name(kind)), "on P-384"}));
  return Vek{kind,
             product,
             *tcb,
             extension(leaf, "4").value_or(Bytes{}),
             ia5_text(leaf, "5").value_or(""),
             std::move(*key),
             "",
             false};
}

// ---- The path to a pinned key ----

struct Path {
  const Certificate* leaf = nullptr;
  const Certificate* intermediate = nullptr;
  const Anchor* anchor = nullptr;
};

Error untrusted(std::string message) {
  return Error(Code::kRefused, "snp_chain_untrusted", std::move(message));
}

bool same_key(const Certificate& a, const Certificate& b) {
  const auto left = a.public_key();
  const auto right = b.public_key();
  return left.ok() && right.ok() && left->same_as(*right);
}

// The intermediate that came along, or else the built-in one. One that came along and is not the
// leaf's issuer is not passed over: the evidence contradicts itself.
Result<const Certificate*> intermediate_of(const Anchor& anchor, const Chain& chain,
                                           const Vek& vek) {
  const std::string wanted = intermediate_name(vek.kind, vek.product);
  if (chain.intermediate) {
    if (chain.intermediate->subject_common_name() == wanted) return &*chain.intermediate;
    return untrusted(concat("the intermediate certificate '",
                            chain.intermediate->subject_common_name(), "' is not '", wanted,
                            "', which issued the ", key_kind_name(vek.kind)));
  }
  const auto& built_in = vek.kind == KeyKind::kVlek ? anchor.asvk : anchor.ask;
  if (built_in) return &*built_in;
  return untrusted(concat("no certificate of '", wanted, "' came with the evidence"));
}

// At a moment when all three have begun, so that dates are a rule of their own.
Status signatures_hold(const Path& path) {
  crypto::PathInput input;
  input.leaf = path.leaf;
  input.intermediates = {path.intermediate};
  input.anchors = {&path.anchor->ark};
  input.depth_max = 2;
  input.at_unix_s = std::max({path.leaf->not_before_s(), path.intermediate->not_before_s(),
                              path.anchor->ark.not_before_s()});
  const Status status = crypto::verify_path(input);
  if (status.ok()) return {};
  return Error(status.error().code, concat("snp_", status.error().reason), status.error().message);
}

Result<Path> path_to(const Anchor& anchor, const Chain& chain, const Vek& vek) {
  // A root that came along is only compared; the pinned certificate is the one that is used.
  if (chain.root && !same_key(*chain.root, anchor.ark)) {
    return Error(Code::kRefused, "snp_root_not_pinned",
                 concat("the root that came with the evidence ('",
                        chain.root->subject_common_name(), "') does not have the pinned key"));
  }
  Path path{&chain.leaf, nullptr, &anchor};
  APM_TRY(path.intermediate, intermediate_of(anchor, chain, vek));
  APM_CHECK_OK(signatures_hold(path));
  if (anchor.ark.subject_common_name() != concat("ARK-", product_name(vek.product))) {
    return untrusted(concat("the root '", anchor.ark.subject_common_name(), "' is not that of ",
                            product_name(vek.product)));
  }
  return path;
}

Result<Path> find_path(const Chain& chain, const Vek& vek, const Anchors* anchors) {
  Error last = untrusted(concat("no AMD root is trusted here for ", product_name(vek.product)));
  if (anchors == nullptr) return last;
  for (const Anchor& anchor : anchors->list()) {
    if (anchor.product && *anchor.product != vek.product) continue;
    const Result<Path> path = path_to(anchor, chain, vek);
    if (path.ok()) return path;
    // With several candidates, the vendor's own answer says most.
    if (anchor.is_vendor() || last.reason == "snp_chain_untrusted") last = path.error();
  }
  return last;
}

Status check_algorithms(const Path& path, Appraisal& appraisal) {
  for (const Certificate* certificate : {path.leaf, path.intermediate}) {
    APM_CHECK_OK(
        appraisal.require(certificate->uses_rsa_pss(crypto::Hash::kSha384),
                          {Stage::kAlgorithm, "snp_chain_algorithm",
                           concat("the signature on '", certificate->subject_common_name(), "'"),
                           "RSASSA-PSS with SHA-384"}));
  }
  return {};
}

Status check_dates(const Path& path, std::int64_t now, Appraisal& appraisal) {
  for (const Certificate* certificate : {path.leaf, path.intermediate, &path.anchor->ark}) {
    const std::string found =
        concat("'", certificate->subject_common_name(), "', valid from ",
               rfc3339(certificate->not_before_s()), " to ", rfc3339(certificate->not_after_s()));
    const std::string wanted = concat("valid at ", rfc3339(now));
    APM_CHECK_OK(appraisal.require(now >= certificate->not_before_s(),
                                   {Stage::kValidity, "snp_chain_not_yet_valid", found, wanted}));
    APM_CHECK_OK(appraisal.require(now <= certificate->not_after_s(),
                                   {Stage::kValidity, "snp_chain_expired", found, wanted}));
  }
  return {};
}

// ---- AMD's revocation list: signed by the ARK, so it speaks of ASK and ASVK ----

Status check_crl(const Path& path, const VekExpectation& expected, Appraisal& appraisal) {
  if (expected.crl.empty()) {
    if (!expected.require_crl) return {};
    return appraisal.require(false, {Stage::kValidity, "snp_crl_missing",
                                     "no revocation list of AMD came with the evidence", "one"});
  }
  const auto crl = expected.crl.size() > kCrlBytesMax
                       ? Result<crypto::Crl>(Error(Code::kTooLarge, "it is too large"))
                       : crypto::Crl::from_der_or_pem(expected.crl);
  APM_CHECK_OK(appraisal.require(
      crl.ok(), {Stage::kFormat, "snp_crl_malformed", crl.ok() ? "readable" : crl.error().message,
                 "one revocation list of AMD"}));
  const auto ark = path.anchor->ark.public_key();
  APM_CHECK_OK(
      appraisal.require(ark.ok() && crl->issued_by(path.anchor->ark) && crl->signed_by(*ark),
                        {Stage::kChain, "snp_crl_untrusted",
                         concat("a revocation list of '", crl->issuer_common_name(), "'"),
                         concat("signed by '", path.anchor->ark.subject_common_name(), "'")}));
  const std::int64_t now = expected.now_unix_s;
  if (appraisal.covers(Stage::kValidity)) {
    APM_CHECK_OK(appraisal.require(now >= crl->this_update_s() && now <= crl->next_update_s(),
                                   {Stage::kValidity, "snp_crl_stale",
                                    concat("a revocation list from ", rfc3339(crl->this_update_s()),
                                           " to ", rfc3339(crl->next_update_s())),
                                    concat("current at ", rfc3339(now))}));
  }
  return appraisal.require(
      !crl->revoked(*path.intermediate),
      {Stage::kChain, "snp_chain_revoked",
       concat("'", path.intermediate->subject_common_name(), "' under AMD's revocation list"),
       "not revoked"});
}

}  // namespace

Result<Vek> verify_vek(const Endorsements& endorsements, KeyKind kind,
                       const VekExpectation& expectation, Appraisal& appraisal) {
  auto chain = read_chain(endorsements, kind);
  APM_CHECK_OK(appraisal.require(chain.ok() ? Status() : Status(chain.error()), Stage::kFormat,
                                 "snp_chain_malformed"));
  APM_TRY(Vek vek, read_leaf(chain->leaf, kind, appraisal));
  const Result<Path> path = find_path(*chain, vek, expectation.anchors);
  APM_CHECK_OK(appraisal.require(path.ok() ? Status() : Status(path.error()), Stage::kChain,
                                 "snp_chain_untrusted"));
  APM_CHECK_OK(check_algorithms(*path, appraisal));
  if (appraisal.covers(Stage::kValidity)) {
    APM_CHECK_OK(check_dates(*path, expectation.now_unix_s, appraisal));
  }
  APM_CHECK_OK(check_crl(*path, expectation, appraisal));
  vek.anchor = path->anchor->name;
  vek.vendor_anchor = path->anchor->is_vendor();
  return vek;
}

}  // namespace apm::attestation::snp
