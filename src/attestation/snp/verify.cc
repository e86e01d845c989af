#include "attestation/snp/verify.h"

#include <algorithm>

#include "attestation/limits.h"
#include "base/encoding.h"
#include "base/text.h"

namespace apm::attestation::snp {
namespace {

using crypto::Certificate;

constexpr std::string_view kOid = "1.3.6.1.4.1.3704.1";

Error refused(std::string reason, std::string message) {
  return Error(Code::kRefused, std::move(reason), std::move(message));
}

// ---- The certificates that came with the report ----

struct Chain {
  std::vector<Certificate> certificates;  // the leaf first
  [[nodiscard]] const Certificate& leaf() const { return certificates.front(); }
};

Result<Chain> read_chain(std::string_view pem) {
  if (pem.size() > kChainPemBytesMax) {
    return refused("snp_chain_malformed", "the VCEK chain is too large");
  }
  auto list = Certificate::list_from_pem(pem);
  if (!list.ok()) {
    return refused("snp_chain_malformed", concat("the VCEK chain: ", list.error().message));
  }
  if (list->empty() || list->size() > kChainCertificatesMax) {
    return refused("snp_chain_malformed",
                   concat("the VCEK chain holds ", list->size(), " certificates; it needs the VCEK",
                          " first, then ASK and ARK"));
  }
  return Chain{std::move(*list)};
}

std::optional<Bytes> vek_extension(const Certificate& leaf, std::string_view suffix) {
  return leaf.extension(concat(kOid, ".", suffix));
}

// One security patch level: a DER INTEGER of 0..255 in its only encoding.
std::optional<std::uint8_t> patch_level(const Certificate& leaf, std::string_view suffix) {
  const std::optional<Bytes> der = vek_extension(leaf, suffix);
  if (!der) return std::nullopt;
  const Bytes& d = *der;
  if (d.size() == 3 && d[0] == 0x02 && d[1] == 1 && d[2] < 0x80) return d[2];
  if (d.size() == 4 && d[0] == 0x02 && d[1] == 2 && d[2] == 0 && d[3] >= 0x80) return d[3];
  return std::nullopt;
}

// productName is an IA5String such as "Milan-B0", "Genoa", "Turin".
std::optional<Product> product_of_leaf(const Certificate& leaf) {
  const std::optional<Bytes> der = vek_extension(leaf, "2");
  if (!der || der->size() < 2 || (*der)[0] != 0x16 || (*der)[1] != der->size() - 2) {
    return std::nullopt;
  }
  const std::string_view name = as_text(ByteView(*der).subspan(2));
  const std::string_view line = name.substr(0, name.find('-'));
  for (const Product product : {Product::kMilan, Product::kGenoa, Product::kTurin}) {
    if (line == product_name(product)) return product;
  }
  return std::nullopt;
}

// ---- Steps 2 and 6: the kind of key, and the product that everybody names ----

Status check_kind(const Report& report, const Certificate& leaf) {
  if (report.key_info.signing_key() == 1) {
    return refused("snp_vlek_unsupported",
                   "the SNP report is signed by a VLEK; only chip keys (VCEK) are accepted");
  }
  if (report.key_info.signing_key() != 0) {
    return refused("snp_signing_key", "the SNP report is not signed by a VCEK");
  }
  const bool is_vcek = leaf.subject_common_name() == "SEV-VCEK" && vek_extension(leaf, "4") &&
                       !vek_extension(leaf, "5");
  if (!is_vcek) {
    return refused("snp_leaf_kind", concat("the first certificate ('", leaf.subject_common_name(),
                                           "') is not a VCEK with a hardware id"));
  }
  return {};
}

Result<Product> agree_on_product(const Report& report, const Certificate& leaf) {
  const std::optional<Product> product = product_of_leaf(leaf);
  if (!product) return refused("snp_product_unknown", "the VCEK names no product that is known");
  if (leaf.issuer_common_name() != concat("SEV-", product_name(*product))) {
    return refused("snp_product_mismatch",
                   concat("the VCEK is for ", product_name(*product), " but its issuer is '",
                          leaf.issuer_common_name(), "'"));
  }
  if (report.cpuid) {
    const std::optional<Product> cpu = product_of(*report.cpuid);
    if (!cpu) return refused("snp_product_unknown", "the SNP report names a CPU that is not known");
    if (*cpu != *product) {
      return refused("snp_product_mismatch", concat("the SNP report is from ", product_name(*cpu),
                                                    ", the VCEK for ", product_name(*product)));
    }
  }
  return *product;
}

// ---- Step 3: the path to a pinned key ----

bool is_root(const Certificate& c) { return c.subject_common_name() == c.issuer_common_name(); }

bool same_key(const Certificate& a, const Certificate& b) {
  const auto left = a.public_key();
  const auto right = b.public_key();
  return left.ok() && right.ok() && left->same_as(*right);
}

Status path_to(const Anchor& anchor, const Chain& chain, std::int64_t now_unix_s) {
  crypto::PathInput path;
  path.leaf = &chain.leaf();
  path.anchors = {&anchor.ark};
  path.at_unix_s = now_unix_s;
  path.depth_max = 2;
  for (std::size_t i = 1; i < chain.certificates.size(); ++i) {
    const Certificate& c = chain.certificates[i];
    // A root that came along is only compared; the pinned certificate is the one that is used.
    if (!is_root(c)) {
      path.intermediates.push_back(&c);
    } else if (!same_key(c, anchor.ark)) {
      return refused("snp_root_not_pinned",
                     concat("the root that came with the evidence ('", c.subject_common_name(),
                            "') does not have the pinned key"));
    }
  }
  if (anchor.ask) path.intermediates.push_back(&*anchor.ask);
  const Status status = crypto::verify_path(path);
  if (status.ok()) return {};
  return Error(status.error().code, concat("snp_", status.error().reason),
               concat("VCEK chain: ", status.error().message));
}

Result<std::string> verify_chain(const Chain& chain, Product product, const Expectation& expected) {
  Error last = refused("snp_chain_untrusted",
                       concat("no AMD root is trusted here for ", product_name(product)));
  if (expected.anchors == nullptr) return last;
  for (const Anchor& anchor : expected.anchors->list()) {
    if (anchor.product && *anchor.product != product) continue;
    const Status status = path_to(anchor, chain, expected.now_unix_s);
    if (status.ok()) return anchor.name;
    // With several candidates, the vendor's own answer says most.
    if (anchor.product || last.reason == "snp_chain_untrusted") last = status.error();
  }
  return last;
}

// ---- Step 4: the signature ----

Status verify_signature(const Report& report, const Certificate& leaf) {
  auto key = leaf.public_key();
  if (!key.ok() || key->curve() != crypto::Curve::kP384) {
    return refused("snp_leaf_key", "the VCEK's key is not on P-384");
  }
  if (!key->verify_ecdsa(crypto::Hash::kSha384, report.signed_bytes, report.r, report.s).ok()) {
    return refused("snp_signature_invalid",
                   "the SNP report's signature does not verify under the VCEK that came with it");
  }
  return {};
}

// ---- Step 5: TCB and chip ----

Result<Tcb> bind_tcb(const Report& report, const Certificate& leaf, Product product) {
  const std::optional<Tcb> reported = decode_tcb(report.reported_tcb, product);
  Tcb certified;
  bool complete = true;
  const auto level = [&](std::string_view suffix) {
    const std::optional<std::uint8_t> value = patch_level(leaf, suffix);
    if (!value) complete = false;
    return value.value_or(0);
  };
  certified.bootloader = level("3.1");
  certified.tee = level("3.2");
  certified.snp = level("3.3");
  certified.microcode = level("3.8");
  if (product == Product::kTurin) certified.fmc = level("3.9");
  if (!complete || !reported || !(*reported == certified)) {
    return refused("snp_tcb_mismatch",
                   "REPORTED_TCB of the SNP report is not the TCB that the VCEK was made for");
  }
  return *reported;
}

Status bind_chip(const Report& report, const Certificate& leaf, Product product) {
  const std::size_t size = product == Product::kTurin ? 8 : 64;
  const ByteView chip = report.chip_id;
  const auto zero = [](std::uint8_t b) { return b == 0; };
  if (report.key_info.mask_chip_key() || std::all_of(chip.begin(), chip.end(), zero)) {
    return refused("snp_chip_id_masked",
                   "the SNP report hides its CHIP_ID: it cannot be tied to "
                   "the VCEK's chip");
  }
  const std::optional<Bytes> hardware_id = vek_extension(leaf, "4");
  const bool rest_zero =
      std::all_of(chip.begin() + static_cast<std::ptrdiff_t>(size), chip.end(), zero);
  if (!hardware_id || hardware_id->size() != size || !rest_zero ||
      !equal(*hardware_id, chip.first(size))) {
    return refused("snp_chip_mismatch", "CHIP_ID of the SNP report is not the VCEK's hardware id");
  }
  return {};
}

// ---- Steps 7 and 8: policy and report data ----

Status check_floor(const Tcb& have, const Tcb& floor, Product product) {
  struct Component {
    std::string_view name;
    std::uint8_t have, floor;
  };
  const Component components[] = {
      {"fmc", have.fmc, product == Product::kTurin ? floor.fmc : std::uint8_t{0}},
      {"bootloader", have.bootloader, floor.bootloader},
      {"tee", have.tee, floor.tee},
      {"snp", have.snp, floor.snp},
      {"microcode", have.microcode, floor.microcode}};
  for (const Component& c : components) {
    if (c.have < c.floor) {
      return refused("snp_tcb_too_old",
                     concat("the host's ", c.name, " patch level is ", unsigned{c.have},
                            ", the configured floor is ", unsigned{c.floor}));
    }
  }
  return {};
}

Status check_policy(const Report& report, const Tcb& reported, Product product,
                    const Floor& floor) {
  if (report.policy.debug()) {
    return refused("snp_debug_allowed", "the guest policy lets the host debug (read) this VM");
  }
  if (report.policy.migrate_ma()) {
    return refused("snp_migration_allowed", "the guest policy allows a migration agent");
  }
  if (report.vmpl != 0) {
    return refused("snp_vmpl",
                   concat("the SNP report was requested at VMPL ", report.vmpl, " instead of 0"));
  }
  APM_CHECK_OK(check_floor(reported, floor.minimum, product));
  if (floor.require_alias_check && (report.platform_info >> 5 & 1) == 0) {
    return refused("snp_alias_check_missing",
                   "the host's firmware has not completed its memory alias check (BadRAM)");
  }
  if (floor.denied_chips.contains(hex_encode(report.chip_id))) {
    return refused("snp_chip_denied", "this chip is on the configured deny list");
  }
  return {};
}

}  // namespace

Result<Claims> verify(ByteView raw, std::string_view chain_pem, const Expectation& expectation) {
  APM_TRY(Report report, parse_report(raw));
  APM_TRY(const Chain chain, read_chain(chain_pem));
  APM_CHECK_OK(check_kind(report, chain.leaf()));
  APM_TRY(const Product product, agree_on_product(report, chain.leaf()));
  APM_TRY(std::string anchor, verify_chain(chain, product, expectation));
  APM_CHECK_OK(verify_signature(report, chain.leaf()));
  APM_TRY(const Tcb reported, bind_tcb(report, chain.leaf(), product));
  APM_CHECK_OK(bind_chip(report, chain.leaf(), product));
  APM_CHECK_OK(check_policy(report, reported, product, expectation.floor));
  if (!equal(report.report_data, expectation.report_data)) {
    return refused("snp_report_data",
                   "REPORT_DATA of the SNP report is not the expected value: "
                   "it was made for something else");
  }
  return Claims{std::move(report), product, reported, std::move(anchor)};
}

}  // namespace apm::attestation::snp
