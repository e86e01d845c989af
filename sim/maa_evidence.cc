// The checks of azure.md section 5, in its order.

#include <algorithm>

#include "base/byte_reader.h"
#include "base/encoding.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "sim/event_log.h"
#include "sim/limits.h"
#include "sim/maa.h"
#include "sim/tpm_wire.h"

namespace apm::sim {
namespace {

using crypto::Hash;

constexpr std::size_t kSignedBytes = 0x2A0;
constexpr std::uint32_t kAttestMagic = 0xFF544347;
constexpr std::uint32_t kTransferKeyAttributes = 0x00020432;
constexpr const char* kAmdOid = "1.3.6.1.4.1.3704.1.";

Error refused(const char* reason, const std::string& text) {
  return Error(Code::kRefused, reason, text);
}

Result<Bytes> bytes_at(const json::Value& from, std::string_view name) {
  APM_TRY(const std::string text, json::require_string(from, name));
  auto out = base64_decode_any(text);
  if (!out.ok()) return refused("maa_body", concat(name, " is no base64"));
  return out;
}

// ---- SNP ----

Bytes big_endian(ByteView little) {
  Bytes out = to_bytes(little);
  std::ranges::reverse(out);
  return out;
}

Status check_tcb(const crypto::Certificate& vcek, ByteView report) {
  struct Part {
    const char* arc;
    std::size_t at;
  };
  for (const Part part : {Part{"3.1", 0x180}, {"3.2", 0x181}, {"3.3", 0x186}, {"3.8", 0x187}}) {
    const auto value = vcek.extension(std::string(kAmdOid) + part.arc);
    if (!value || value->size() < 3 || value->back() != report[part.at]) {
      return refused("maa_vcek_tcb", concat("the VCEK's ", part.arc, " is not the report's TCB"));
    }
  }
  const auto chip = vcek.extension(std::string(kAmdOid) + "4");
  if (!chip || !equal(*chip, report.subspan(0x1A0, 64))) {
    return refused("maa_vcek_tcb", "the VCEK is another chip's");
  }
  return {};
}

Status check_snp(const Hardware& hardware, ByteView report, const std::string& chain_pem,
                 std::int64_t now_s) {
  auto chain = crypto::Certificate::list_from_pem(chain_pem);
  if (report.size() != kSnpReportBytes) return refused("maa_body", "SnpReport: 1184 bytes");
  if (!chain.ok() || chain->size() < 2) return refused("maa_vcek_chain", "VCEK, ASK, ARK wanted");
  crypto::PathInput path;
  path.leaf = &chain->front();
  for (std::size_t i = 1; i < chain->size(); ++i) path.intermediates.push_back(&(*chain)[i]);
  path.anchors = {&hardware.ark.certificate};
  path.at_unix_s = now_s;
  if (const Status valid = crypto::verify_path(path); !valid.ok()) {
    return refused("maa_vcek_chain", valid.error().message);
  }
  APM_TRY(const crypto::PublicKey key, chain->front().public_key());
  const Status signature = key.verify_ecdsa(Hash::kSha384, report.first(kSignedBytes),
                                            big_endian(report.subspan(kSignedBytes, 48)),
                                            big_endian(report.subspan(kSignedBytes + 72, 48)));
  if (!signature.ok()) return refused("maa_snp_signature", "the SNP report is not signed by it");
  APM_CHECK_OK(check_tcb(chain->front(), report));
  ByteReader reader(report);
  reader.skip(8);
  if ((reader.u64_le() >> 19 & 1) != 0) return refused("maa_snp_policy", "debugging is allowed");
  return {};
}

// ---- TPM structures ----

struct RsaArea {
  std::uint32_t attributes = 0;
  Bytes policy;
  Bytes modulus;
  Bytes name;
};

Result<RsaArea> parse_area(ByteView tpm2b) {
  ByteReader outer(tpm2b);
  const ByteView area = outer.take(outer.u16_be());
  ByteReader reader(area);
  RsaArea out;
  const bool rsa = reader.u16_be() == 0x0001 && reader.u16_be() == 0x000B;
  out.attributes = reader.u32_be();
  out.policy = to_bytes(reader.take(reader.u16_be()));
  if (reader.u16_be() != 0x0010) reader.skip(4);  // symmetric: key bits and mode
  if (reader.u16_be() != 0x0010) reader.skip(2);  // scheme: its hash
  reader.skip(2 + 4);
  out.modulus = to_bytes(reader.take(reader.u16_be()));
  if (!rsa || !outer.finish() || !reader.finish() || out.modulus.size() < 256) {
    return refused("maa_body", "not a TPM2B_PUBLIC of an RSA key with a SHA-256 name");
  }
  append_u16_be(out.name, 0x000B);
  append(out.name, crypto::sha256(area));
  return out;
}

// The TPMS_ATTEST's own part, behind its common header.
Result<Bytes> attested_part(ByteView attest, std::uint16_t type, const char* reason) {
  ByteReader reader(attest);
  const bool kind = reader.u32_be() == kAttestMagic && reader.u16_be() == type;
  reader.skip(reader.u16_be());  // qualified signer
  reader.skip(reader.u16_be());  // extra data
  reader.skip(17 + 8);
  const ByteView rest = reader.take(reader.remaining());
  if (!kind || !reader.ok()) return refused(reason, "not the TPMS_ATTEST that is wanted");
  return to_bytes(rest);
}

Bytes composite(const std::map<unsigned, Bytes>& pcrs) {
  Bytes all;
  for (const auto& [index, value] : pcrs) append(all, value);
  return crypto::sha256(all);
}

Bytes selection_of(const std::map<unsigned, Bytes>& pcrs) {
  std::vector<unsigned> list;
  list.reserve(pcrs.size());
  for (const auto& [index, value] : pcrs) list.push_back(index);
  return pcr_selection(list);
}

Status check_quote(const json::Value& tpm, const crypto::PublicKey& ak,
                   const std::map<unsigned, Bytes>& pcrs) {
  APM_TRY(const Bytes quote, bytes_at(tpm, "PcrQuote"));
  APM_TRY(const Bytes signature, bytes_at(tpm, "PcrSignature"));
  if (!ak.verify_rsa_pkcs1(Hash::kSha256, quote, signature).ok()) {
    return refused("maa_quote_signature", "the quote is not signed by the AK");
  }
  APM_TRY(const Bytes part, attested_part(quote, 0x8018, "maa_quote"));
  const Bytes selection = selection_of(pcrs);
  if (part.size() < selection.size() || !equal(ByteView(part).first(selection.size()), selection)) {
    return refused("maa_quote", "the quote selects other PCRs than the request names");
  }
  ByteReader reader(ByteView(part).subspan(selection.size()));
  const ByteView digest = reader.take(reader.u16_be());
  if (!reader.finish() || !equal(digest, composite(pcrs))) {
    return refused("maa_pcr_digest", "the quoted PCR digest is not that of the given PCRs");
  }
  return {};
}

Status check_certify(const json::Value& tpm, const crypto::PublicKey& ak, const RsaArea& key) {
  APM_TRY(const Bytes attest, bytes_at(tpm, "EncKeyCertifyInfo"));
  APM_TRY(const Bytes signature, bytes_at(tpm, "EncKeyCertifyInfoSignature"));
  if (!ak.verify_rsa_pkcs1(Hash::kSha256, attest, signature).ok()) {
    return refused("maa_certify_signature", "the key's certification is not signed by the AK");
  }
  APM_TRY(const Bytes part, attested_part(attest, 0x8017, "maa_certify"));
  ByteReader reader(part);
  if (!equal(reader.take(reader.u16_be()), key.name)) {
    return refused("maa_key_name", "the certified name is not that of EncKeyPub");
  }
  if (key.attributes != kTransferKeyAttributes) {
    return refused("maa_key_attributes", "EncKeyPub has other attributes than a transfer key");
  }
  return {};
}

Bytes pcr_policy(const std::map<unsigned, Bytes>& pcrs) {
  Bytes in(32, 0);
  append_u32_be(in, 0x0000017F);
  append(in, selection_of(pcrs));
  append(in, composite(pcrs));
  return crypto::sha256(in);
}

Result<std::map<unsigned, Bytes>> parse_pcrs(const json::Value& tpm) {
  std::map<unsigned, Bytes> out;
  std::vector<unsigned> set;
  const json::Value* listed = tpm.at("PCRs");
  const json::Value* named = tpm.at("PcrSet");
  if (listed == nullptr || listed->as_array() == nullptr || named == nullptr ||
      named->as_array() == nullptr) {
    return refused("maa_body", "PCRs or PcrSet is missing");
  }
  for (const json::Value& entry : *listed->as_array()) {
    APM_TRY(const std::int64_t index, json::require_int(entry, "Index"));
    APM_TRY(Bytes digest, bytes_at(entry, "Digest"));
    if (index < 0 || index > 23 || digest.size() != 32) return refused("maa_body", "a bad PCR");
    out[static_cast<unsigned>(index)] = std::move(digest);
  }
  const bool same = named->as_array()->size() == out.size() &&
                    std::ranges::all_of(*named->as_array(), [&](const json::Value& v) {
                      return out.contains(static_cast<unsigned>(v.as_int().value_or(99)));
                    });
  if (!same) return refused("maa_quote", "PcrSet and PCRs do not agree");
  for (unsigned pcr = 0; pcr < 8; ++pcr) {
    if (!out.contains(pcr)) return refused("maa_quote", "PCRs 0 to 7 are wanted");
  }
  return out;
}

Status check_log(const json::Value& info, const std::map<unsigned, Bytes>& pcrs) {
  APM_TRY(const Bytes raw, bytes_at(info, "TcgLogs"));
  auto events = decode_event_log(raw);
  if (!events.ok()) return refused("maa_event_log", events.error().message);
  const auto replayed = replay_events(*events);
  for (const auto& [index, value] : pcrs) {
    const auto found = replayed.find(index);
    if (!equal(value, found == replayed.end() ? Bytes(32, 0) : found->second)) {
      return refused("maa_event_log", concat("the log does not replay to PCR ", index));
    }
  }
  if (!secure_boot_in(*events).value_or(false)) {
    return refused("maa_secure_boot",
                   "A Deny claim was issued, authorization failed: "
                   "[type==\"secureboot\", value==false] => deny();");
  }
  return {};
}

Result<std::string> ak_modulus_in(const json::Value& runtime) {
  const json::Value* keys = runtime.at("keys");
  if (keys != nullptr && keys->as_array() != nullptr) {
    for (const json::Value& key : *keys->as_array()) {
      const std::string* kid = key.string_at("kid");
      if (kid != nullptr && *kid == "HCLAkPub") return json::require_string(key, "n");
    }
  }
  return refused("maa_ak_mismatch", "no HCLAkPub in the runtime claims");
}

Result<crypto::PublicKey> check_ak(const Hardware& hardware, const json::Value& tpm,
                                   const json::Value& runtime) {
  APM_TRY(const Bytes area_bytes, bytes_at(tpm, "AikPub"));
  APM_TRY(const RsaArea area, parse_area(area_bytes));
  APM_TRY(Bytes der, bytes_at(tpm, "AikCert"));
  // The NV index pads the certificate with zeros; its own length says where it ends.
  if (der.size() > 4 && der[1] == 0x82) {
    der.resize(std::min(der.size(), std::size_t{der[2]} * 256 + der[3] + 4));
  }
  auto certificate = crypto::Certificate::from_der(der);
  APM_TRY(const crypto::PublicKey ca, hardware.vtpm_ca.key.public_key());
  if (!certificate.ok() || !certificate->signed_by(ca)) {
    return refused("maa_ak_certificate", "the AK certificate is not the virtual TPM CA's");
  }
  APM_TRY(crypto::PublicKey ak, crypto::PublicKey::from_rsa(area.modulus, Bytes{1, 0, 1}));
  APM_TRY(const crypto::PublicKey certified, certificate->public_key());
  APM_TRY(const std::string named, ak_modulus_in(runtime));
  if (!ak.same_as(certified) || named != base64url_encode(area.modulus)) {
    return refused("maa_ak_mismatch", "AikPub, AikCert and HCLAkPub are not one key");
  }
  return ak;
}

std::string decoded_text(const json::Value& info, std::string_view name) {
  const auto raw = bytes_at(info, name);
  return raw.ok() ? std::string(as_text(*raw)) : std::string();
}

std::int64_t number_at(const json::Value& info, std::string_view name) {
  const json::Value* value = info.at(name);
  if (value == nullptr) return 0;
  if (const std::string* text = value->as_string()) {
    return static_cast<std::int64_t>(parse_u64(*text).value_or(0));
  }
  return value->as_int().value_or(0);
}

}  // namespace

Result<GuestFacts> verify_guest(const Hardware& hardware, const json::Value& info,
                                std::int64_t now_s) {
  const json::Value* tpm = info.at("TpmInfo");
  const json::Value* isolation = info.at("IsolationInfo");
  const std::string* type = isolation == nullptr ? nullptr : isolation->string_at("Type");
  const json::Value* evidence = isolation == nullptr ? nullptr : isolation->at("Evidence");
  if (tpm == nullptr || evidence == nullptr) return refused("maa_body", "TpmInfo or Evidence");
  if (type == nullptr || *type != "SevSnp") return refused("maa_type", "SevSnp only");
  APM_TRY(const Bytes proof_text, bytes_at(*evidence, "Proof"));
  APM_TRY(const json::Value proof, json::parse(proof_text));
  GuestFacts facts;
  APM_TRY(facts.snp_report, bytes_at(proof, "SnpReport"));
  APM_TRY(const Bytes chain, bytes_at(proof, "VcekCertChain"));
  APM_CHECK_OK(check_snp(hardware, facts.snp_report, std::string(as_text(chain)), now_s));
  APM_TRY(const Bytes runtime_text, bytes_at(*evidence, "RunTimeData"));
  Bytes report_data = crypto::sha256(runtime_text);
  report_data.resize(64, 0);
  if (!equal(report_data, ByteView(facts.snp_report).subspan(0x50, 64))) {
    return refused("maa_report_data", "the report is not about these runtime claims");
  }
  APM_TRY(facts.runtime, json::parse(runtime_text));
  APM_TRY(const crypto::PublicKey ak, check_ak(hardware, *tpm, facts.runtime));
  APM_TRY(facts.pcrs, parse_pcrs(*tpm));
  APM_CHECK_OK(check_quote(*tpm, ak, facts.pcrs));
  APM_TRY(const Bytes key_bytes, bytes_at(*tpm, "EncKeyPub"));
  APM_TRY(RsaArea key, parse_area(key_bytes));
  APM_CHECK_OK(check_certify(*tpm, ak, key));
  APM_CHECK_OK(check_log(info, facts.pcrs));
  facts.key_modulus = std::move(key.modulus);
  facts.policy_matches_pcrs = equal(key.policy, pcr_policy(facts.pcrs));
  if (const json::Value* payload = info.at("ClientPayload")) facts.client_payload = *payload;
  facts.os_type = decoded_text(info, "OSType");
  facts.os_distro = decoded_text(info, "OSDistro");
  facts.os_build = decoded_text(info, "OSBuild");
  facts.os_major = number_at(info, "OSVersionMajor");
  facts.os_minor = number_at(info, "OSVersionMinor");
  const json::Value* vm_id = walk(facts.runtime, {"vm-configuration", "vmUniqueId"});
  if (vm_id != nullptr && vm_id->as_string() != nullptr) facts.vm_id = *vm_id->as_string();
  return facts;
}

}  // namespace apm::sim
