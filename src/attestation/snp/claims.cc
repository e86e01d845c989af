// What an accepted SNP report says, in the words of docs/claims.md, and whose guest it is
// (docs/identity.md).

#include <algorithm>

#include "attestation/snp/verify.h"
#include "base/byte_reader.h"
#include "base/encoding.h"
#include "base/text.h"
#include "crypto/digest.h"

namespace apm::attestation::snp {
namespace {

constexpr std::uint32_t kAmdEnterpriseNumber = 3704;
constexpr std::string_view kEnclaveDomain("apm-enclave-id-v1\0snp\0", 22);
constexpr std::string_view kSignerDomain("apm-signer-id-v1\0snp\0", 21);
constexpr std::string_view kAuthorKey("author-key\0", 11);
constexpr std::string_view kIdKey("id-key\0", 7);

// ID keys that sign for everybody who rents from their owner, as their digests stand in captured
// reports of Azure's confidential VMs and containers: the images behind them belong to no tenant.
constexpr std::string_view kPublicIdKeys[] = {
    // NOLINTNEXTLINE(bugprone-suspicious-missing-comma): a key is two literals
    "0356215882a825279a85b300b0b742931d113bf7e32dde2e50ffde7ec743ca491ecdd7f336dc28a6e0b2bb57af7a"
    "44a3",
    "942fd93ebde6ea7a96efadeafc60f1c6b3d10e703b1dafd7555b92f7f3d32d0e006767648cba5b102af3d65756af"
    "4177",
    "0ad79ceb0b648b0e6a90d8aa9f6ea24c33a968b6632085353145e8b19a4741a2dab9ba342e13be4fc0d225e889cc"
    "1a58",
    "4068e9ae4b315aa4b33938ce0ed01a3d5d8e80eb98eab479a0558cd7de9d4d40d6d80d328d90732688a42b13a0cd"
    "6405",
    "d3ed82823f890b10087105c472e2957541ede92fda7bbb6bbf8660c411c78fec8128955bc6e0efbb24c0c4a781bf"
    "ee59"};

std::string hex(std::uint64_t value) {
  Bytes big_endian;
  append_u64_be(big_endian, value);
  return concat("0x", hex_encode(big_endian));
}

bool all_zero(ByteView bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t b) { return b == 0; });
}

// All levels of one TCB, or its raw bytes when they do not follow the product's layout.
json::Value tcb_claim(const TcbBytes& raw, Product product) {
  const std::optional<Tcb> tcb = decode_tcb(raw, product);
  if (!tcb) return hex_encode(raw);
  json::Object out{{"bootloader", unsigned{tcb->bootloader}},
                   {"tee", unsigned{tcb->tee}},
                   {"snp", unsigned{tcb->snp}},
                   {"microcode", unsigned{tcb->microcode}}};
  if (product == Product::kTurin) out.set("fmc", unsigned{tcb->fmc});
  return out;
}

json::Object policy_claim(const Policy& policy) {
  return json::Object{
      {"raw", hex(policy.raw)},  {"abi", concat(policy.abi_major(), ".", policy.abi_minor())},
      {"smt", policy.smt()},     {"migrate_ma", policy.migrate_ma()},
      {"debug", policy.debug()}, {"single_socket", policy.single_socket()}};
}

void add_platform(const Claims& claims, json::Object& out) {
  const Report& report = claims.report;
  out.set("product", product_name(claims.product));
  out.set("signing_key", key_kind_name(claims.key_kind));
  if (claims.key_kind == KeyKind::kVlek) out.set("csp_id", claims.csp_id);
  if (!report.chip_id_masked()) out.set("chip_id", hex_encode(report.chip_id));
  out.set("reported_tcb", tcb_claim(report.reported_tcb, claims.product));
  out.set("committed_tcb", tcb_claim(report.committed_tcb, claims.product));
  out.set("current_tcb", tcb_claim(report.current_tcb, claims.product));
  out.set("launch_tcb", tcb_claim(report.launch_tcb, claims.product));
  out.set("current_firmware", to_text(report.current_firmware));
  out.set("committed_firmware", to_text(report.committed_firmware));
  out.set("platform_info", hex(report.platform_info));
  out.set("alias_check", (report.platform_info >> kPlatformAliasCheck & 1) != 0);
  if (report.version >= 5) {
    out.set("launch_mitigations", hex(report.launch_mitigations));
    out.set("current_mitigations", hex(report.current_mitigations));
  }
}

// Author key over ID key: it is the one that vouches for ID keys, and lives longer.
struct SigningDigest {
  std::string_view kind;
  ByteView digest;
};
SigningDigest signing_digest(const Report& report) {
  if (report.key_info.author_key() && !all_zero(report.author_key_digest)) {
    return {kAuthorKey, report.author_key_digest};
  }
  return {kIdKey, report.id_key_digest};
}

}  // namespace

json::Object sevsnp_claims(const Claims& claims) {
  const Report& report = claims.report;
  json::Object out{{"report_version", report.version},
                   {"measurement", hex_encode(report.measurement)},
                   {"host_data", hex_encode(report.host_data)},
                   {"report_data", hex_encode(report.report_data)},
                   {"report_id", hex_encode(report.report_id)},
                   {"id_key_digest", hex_encode(report.id_key_digest)},
                   {"guest_svn", report.guest_svn},
                   {"family_id", hex_encode(report.family_id)},
                   {"image_id", hex_encode(report.image_id)},
                   {"vmpl", report.vmpl},
                   {"policy", policy_claim(report.policy)}};
  if (report.key_info.author_key()) {
    out.set("author_key_digest", hex_encode(report.author_key_digest));
  }
  add_platform(claims, out);
  return out;
}

void add_eat_claims(const Claims& claims, json::Object& out) {
  const Report& report = claims.report;
  out.set(std::string(kOemId), kAmdEnterpriseNumber);
  out.set(std::string(kHwModel), base64url_encode(as_bytes(product_name(claims.product))));
  if (report.cpuid) {
    out.set(std::string(kHwVersion),
            json::Array{concat(unsigned{report.cpuid->family}, ".", unsigned{report.cpuid->model},
                               ".", unsigned{report.cpuid->stepping})});
  }
  out.set(std::string(kDebugStatus), report.policy.debug() ? kDebugEnabled : kDebugDisabled);
}

EvidenceResult to_result(const Claims& claims, const HexSet& allowed_public_signers) {
  EvidenceResult result;
  result.family = kFamily;
  result.claims.set(std::string(kEatProfile), kClaimsProfile);
  result.claims.set(std::string(kEatNonce), base64url_encode(claims.report.report_data));
  add_eat_claims(claims, result.claims);
  result.claims.set("sevsnp", sevsnp_claims(claims));
  result.trust_anchor = claims.anchor;
  result.vendor_anchor = claims.vendor_anchor;
  result.enclave_id = enclave_id(claims.report);
  result.signer = signer(claims.report, allowed_public_signers);
  return result;
}

std::string enclave_id(const Report& report) {
  Bytes message = to_bytes(kEnclaveDomain);
  for (const Bytes* part : {&report.measurement, &report.host_data}) {
    append_u32_be(message, static_cast<std::uint32_t>(part->size()));
    append(message, *part);
  }
  return hex_encode(crypto::sha256(message));
}

SignerVerdict signer(const Report& report, const HexSet& allowed_public) {
  const SigningDigest key = signing_digest(report);
  SignerVerdict verdict;
  if (all_zero(key.digest)) {
    verdict.reason = "snp_signer_missing";
    verdict.message = "the guest was launched without an ID block: nobody signed its image";
    return verdict;
  }
  Bytes message = to_bytes(kSignerDomain);
  append(message, key.kind);
  append_u32_be(message, static_cast<std::uint32_t>(key.digest.size()));
  append(message, key.digest);
  const std::string id = hex_encode(crypto::sha256(message));
  const std::string digest = hex_encode(key.digest);
  const bool is_public = std::find(std::begin(kPublicIdKeys), std::end(kPublicIdKeys), digest) !=
                         std::end(kPublicIdKeys);
  if (is_public && !allowed_public.contains(id)) {
    verdict.reason = "signer_is_public";
    verdict.message =
        concat("the guest is signed under the ID key ", digest.substr(0, 16),
               "..., which signs for everybody; allow Signer ID ", id, " if that is what you want");
    return verdict;
  }
  verdict.signer_id = id;
  return verdict;
}

}  // namespace apm::attestation::snp
