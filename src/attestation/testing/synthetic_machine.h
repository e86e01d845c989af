#pragma once

// A confidential VM made of software keys, for tests only: AMD-like chain of any product with VCEK
// or VLEK, SNP report of any version, HCL report, AK, quote, certified login key and event log.
// Every part can be edited before it is signed, so that a test can make evidence in which exactly
// one field is wrong. Not part of any program.

#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "attestation/azure_vtpm/verify.h"
#include "attestation/identity.h"
#include "attestation/tpm/public_area.h"
#include "base/byte_reader.h"
#include "base/encoding.h"
#include "crypto/x509_build.h"

namespace apm::attestation::testing {

template <class T>
T must(Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.error().reason + ": " + result.error().message);
  return std::move(result).value();
}

inline constexpr std::int64_t kNow = 1'790'000'000;

inline void put(Bytes& out, std::size_t offset, ByteView bytes) {
  std::copy(bytes.begin(), bytes.end(), out.begin() + static_cast<std::ptrdiff_t>(offset));
}

inline Bytes tpm2b(ByteView bytes) {
  Bytes out;
  append_u16_be(out, static_cast<std::uint16_t>(bytes.size()));
  append(out, bytes);
  return out;
}

// UEFI_VARIABLE_DATA.
inline Bytes uefi_variable(ByteView guid, std::string_view name, ByteView data) {
  Bytes out = to_bytes(guid);
  append_u64_le(out, name.size());
  append_u64_le(out, data.size());
  for (const char c : name) {
    out.push_back(static_cast<std::uint8_t>(c));
    out.push_back(0);
  }
  append(out, data);
  return out;
}

struct LogEvent {
  unsigned pcr;
  std::uint32_t type;
  Bytes data;
  std::optional<Bytes> digest;  // instead of the data's own
};

inline Bytes event_log(const std::vector<LogEvent>& events) {
  Bytes spec = to_bytes(std::string_view("Spec ID Event03\0", 16));
  append_u32_le(spec, 0);
  append_u32_le(spec, 0x02000200);
  append_u32_le(spec, 1);
  append_u16_le(spec, 0x000b);
  append_u16_le(spec, 32);
  spec.push_back(0);
  Bytes out;
  append_u32_le(out, 0);
  append_u32_le(out, tpm::kEvNoAction);
  out.resize(out.size() + 20, 0);
  append_u32_le(out, static_cast<std::uint32_t>(spec.size()));
  append(out, spec);
  for (const LogEvent& event : events) {
    append_u32_le(out, event.pcr);
    append_u32_le(out, event.type);
    append_u32_le(out, 1);
    append_u16_le(out, 0x000b);
    append(out, event.digest ? *event.digest : crypto::sha256(event.data));
    append_u32_le(out, static_cast<std::uint32_t>(event.data.size()));
    append(out, event.data);
  }
  return out;
}

class SyntheticMachine {
 public:
  // ---- What a test may change before evidence() ----
  std::function<void(Bytes&)> edit_report = [](Bytes&) {};         // before it is signed
  std::function<void(Bytes&)> edit_signed_report = [](Bytes&) {};  // afterwards
  std::function<void(Bytes&)> edit_hcl = [](Bytes&) {};
  std::function<void(Bytes&)> edit_quote = [](Bytes&) {};  // before it is signed
  std::function<void(Bytes&)> edit_certify = [](Bytes&) {};
  std::map<std::string, Bytes> vcek_extensions;  // OID -> content, all of them
  std::string vcek_name = "SEV-VCEK";
  std::uint32_t request_version = 1;
  std::uint32_t key_attributes = 1U << 1 | 1U << 4 | 1U << 5 | 1U << 10 | 1U << 17;
  std::optional<Bytes> key_policy;
  std::vector<LogEvent> events;
  tpm::PcrValues pcrs;  // PCR 7 is the log's replay unless set here
  std::optional<Bytes> certified_name;
  std::optional<std::vector<unsigned>> quoted;  // selection; the login PCRs

  std::uint32_t report_version = 3;
  bool leaf_uses_pss = true;
  bool leaf_on_p256 = false;  // and not on P-384
  std::string user_data = "00FF";
  std::string secure_boot_claim = "true";
  std::string more_claims;  // members of the runtime claims, each with a comma before it

  // `now_unix_s`: the certificates begin a little before, and end a little after it.
  explicit SyntheticMachine(std::int64_t now_unix_s = kNow)
      : now_unix_s_(now_unix_s),
        ark_key_(must(crypto::PrivateKey::generate_rsa(2048))),
        ask_key_(must(crypto::PrivateKey::generate_rsa(2048))),
        vcek_key_(must(crypto::PrivateKey::generate_ec(crypto::Curve::kP384))),
        p256_key_(must(crypto::PrivateKey::generate_ec(crypto::Curve::kP256))),
        ak_(must(crypto::PrivateKey::generate_rsa(2048))),
        login_key_(must(crypto::PrivateKey::generate_rsa(2048))),
        signer_key_(must(crypto::PrivateKey::generate_rsa(2048))) {
    for (const Product product : kProducts) {
      const std::string name(snp::product_name(product));
      Authorities made{certificate("ARK-" + name, ark_key_, nullptr, ark_key_, true, {}), {}, {}};
      made.ask.emplace(certificate("SEV-" + name, ask_key_, &made.ark, ark_key_, true, {}));
      made.asvk.emplace(certificate("SEV-VLEK-" + name, ask_key_, &made.ark, ark_key_, true, {}));
      authorities_.emplace(product, std::move(made));
    }
    reset();
  }

  // The good state of an Azure machine of Milan again; keys stay.
  void reset() { become(Product::kMilan, KeyKind::kVcek); }

  // The good state of a machine of this product whose reports are signed by this kind of key.
  void become(snp::Product product, snp::KeyKind kind) {
    product_ = product;
    kind_ = kind;
    edit_report = edit_signed_report = edit_hcl = edit_quote = edit_certify = [](Bytes&) {};
    vcek_name = kind == KeyKind::kVlek ? "SEV-VLEK" : "SEV-VCEK";
    report_version = 3;
    leaf_uses_pss = true;
    leaf_on_p256 = false;
    user_data = "00FF";
    secure_boot_claim = "true";
    more_claims.clear();
    request_version = 1;
    key_attributes = 1U << 1 | 1U << 4 | 1U << 5 | 1U << 10 | 1U << 17;
    key_policy.reset();
    certified_name.reset();
    quoted.reset();
    pcrs.clear();
    vcek_extensions = leaf_extensions();
    events = {{7, tpm::kEvEfiVariableDriverConfig, secure_boot(1), {}},
              {7, tpm::kEvSeparator, Bytes(4, 0), {}},
              {7, tpm::kEvEfiVariableAuthority, authority("Example Image Signing"), {}}};
  }

  [[nodiscard]] static Bytes secure_boot(std::uint8_t value) {
    return uefi_variable(must(hex_decode("61dfe48bca93d211aa0d00e098032b8c")), "SecureBoot",
                         Bytes{value});
  }
  // EFI_SIGNATURE_DATA of a certificate for `key` (this machine's signer when null).
  [[nodiscard]] Bytes authority(const std::string& name,
                                const crypto::PrivateKey* key = nullptr) const {
    const crypto::PrivateKey& k = key == nullptr ? signer_key_ : *key;
    Bytes data(16, 0x77);
    append(data, certificate(name, k, nullptr, k, true, {}).der());
    return uefi_variable(must(hex_decode("cbb219d73a3d9645a3bcdad00e67656f")), "db", data);
  }
  [[nodiscard]] std::string signer_id() const {
    return hex_encode(crypto::sha256(must(signer_key_.public_key()).spki_der()));
  }
  [[nodiscard]] std::string ark_pem() const { return ark().pem(); }
  [[nodiscard]] const crypto::Certificate& ark() const { return authorities_.at(product_).ark; }
  [[nodiscard]] const crypto::Certificate& intermediate() const {
    const Authorities& of = authorities_.at(product_);
    return kind_ == KeyKind::kVlek ? *of.asvk : *of.ask;
  }
  [[nodiscard]] const crypto::PrivateKey& ark_key() const { return ark_key_; }
  // Roots of every product.
  [[nodiscard]] snp::Anchors anchors() const {
    snp::Anchors out = snp::Anchors::none();
    for (const Product product : kProducts) {
      const Status added = out.add_named("synthetic", authorities_.at(product).ark.pem());
      if (!added.ok()) throw std::runtime_error(added.error().message);
    }
    return out;
  }
  [[nodiscard]] crypto::Certificate leaf() const {
    std::vector<std::pair<std::string, Bytes>> list(vcek_extensions.begin(), vcek_extensions.end());
    return certificate(vcek_name, leaf_on_p256 ? p256_key_ : vcek_key_, &intermediate(), ask_key_,
                       false, std::move(list), leaf_uses_pss);
  }
  [[nodiscard]] std::string chain_pem() const {
    return leaf().pem() + intermediate().pem() + ark().pem();
  }
  // Direct SNP evidence, for REPORT_DATA as the HCL report has it.
  [[nodiscard]] snp::Evidence snp_evidence() const { return {report(), {chain_pem(), {}, {}}, {}}; }
  [[nodiscard]] Bytes report_data() const {
    Bytes data = crypto::sha256(runtime_claims());
    data.resize(64, 0);
    return data;
  }
  [[nodiscard]] const crypto::PrivateKey& login_key() const { return login_key_; }
  [[nodiscard]] const crypto::PrivateKey& ak() const { return ak_; }

  using Binding = std::function<Bytes(ByteView key_public)>;
  [[nodiscard]] azure_vtpm::AzureVtpmEvidence evidence(const Binding& bind) const {
    azure_vtpm::AzureVtpmEvidence out;
    out.quote.pcrs = pcr_values();
    out.event_log = event_log(events);
    out.key_public = key_public(out.quote.pcrs);
    const Bytes binding = bind(out.key_public);
    out.platform.endorsements.chain_pem = chain_pem();
    out.platform.hcl_report = hcl();
    out.quote.attest = quote(out.quote.pcrs, binding);
    out.quote.signature = must(ak_.sign_rsa_pkcs1(crypto::Hash::kSha256, out.quote.attest));
    out.certify_attest = certify(out.key_public, binding);
    out.certify_signature = must(ak_.sign_rsa_pkcs1(crypto::Hash::kSha256, out.certify_attest));
    return out;
  }

 private:
  using Product = snp::Product;
  using KeyKind = snp::KeyKind;
  static constexpr Product kProducts[] = {Product::kMilan, Product::kGenoa, Product::kTurin};
  struct Authorities {
    crypto::Certificate ark;
    std::optional<crypto::Certificate> ask, asvk;
  };

  [[nodiscard]] crypto::Certificate certificate(
      const std::string& name, const crypto::PrivateKey& key, const crypto::Certificate* issuer,
      const crypto::PrivateKey& issuer_key, bool is_ca,
      std::vector<std::pair<std::string, Bytes>> extensions, bool pss = true) const {
    crypto::CertificateSpec spec;
    spec.common_name = name;
    spec.not_before_s = now_unix_s_ - 1000;
    spec.not_after_s = now_unix_s_ + 1000;
    spec.is_ca = is_ca;
    spec.pss_sha384 = pss;
    spec.add_key_identifiers = is_ca;
    spec.extensions = std::move(extensions);
    return must(crypto::build_certificate(spec, must(key.public_key()), issuer, issuer_key));
  }

  [[nodiscard]] bool is_turin() const { return product_ == Product::kTurin; }
  [[nodiscard]] Bytes chip_id() const {
    Bytes id(is_turin() ? 8 : 64, 0xc1);
    if (kind_ == KeyKind::kVlek) id.assign(64, 0);  // as a cloud hides it
    return id;
  }

  [[nodiscard]] std::map<std::string, Bytes> leaf_extensions() const {
    const std::string oid = "1.3.6.1.4.1.3704.1";
    const std::string name(snp::product_name(product_));
    Bytes product{0x16, static_cast<std::uint8_t>(name.size())};
    append(product, name);
    std::map<std::string, Bytes> out = {
        {oid + ".1", {2, 1, static_cast<std::uint8_t>(is_turin() ? 1 : 0)}},
        {oid + ".2", product},
        {oid + ".3.1", {2, 1, 4}},
        {oid + ".3.2", {2, 1, 0}},
        {oid + ".3.3", {2, 1, 22}},
        {oid + ".3.8", {2, 2, 0, 213}}};
    if (is_turin()) out[oid + ".3.9"] = Bytes{2, 1, 1};
    if (kind_ == KeyKind::kVlek) {
      Bytes cloud{0x16, 10};
      append(cloud, "CN=example");
      out[oid + ".5"] = cloud;
    } else {
      out[oid + ".4"] = chip_id();
    }
    return out;
  }

  [[nodiscard]] tpm::PcrValues pcr_values() const {
    tpm::PcrValues values = pcrs;
    const tpm::EventLog log = must(tpm::parse_event_log(event_log(events)));
    values.try_emplace(7, tpm::replay(log, 7));
    for (const unsigned index : login_pcrs()) {
      values.try_emplace(index, crypto::sha256(as_bytes("pcr " + std::to_string(index))));
    }
    return values;
  }

  [[nodiscard]] Bytes runtime_claims() const {
    const crypto::PublicKey ak = must(ak_.public_key());
    return to_bytes(
        "{\"keys\":[{\"kid\":\"HCLAkPub\",\"key_ops\":[\"sign\"],\"kty\":\"RSA\","
        "\"e\":\"AQAB\",\"n\":\"" +
        base64url_encode(must(ak.rsa_modulus())) +
        "\"}],\"vm-configuration\":{\"vmUniqueId\":\"VM-1\",\"secure-boot\":" + secure_boot_claim +
        "},\"user-data\":\"" + user_data + "\"" + more_claims + "}");
  }

  [[nodiscard]] Bytes report() const {
    Bytes r(snp::kReportSize, 0);
    r[0] = static_cast<std::uint8_t>(report_version);
    put(r, 0x008, Bytes{0x1f, 0, 3, 0});
    r[0x034] = 1;
    r[0x048] = kind_ == KeyKind::kVlek ? 1U << 2 : 0;
    put(r, 0x050, report_data());
    put(r, 0x090, Bytes(48, 0x3e));
    const Bytes tcb =
        is_turin() ? Bytes{1, 4, 0, 22, 0, 0, 0, 213} : Bytes{4, 0, 0, 0, 0, 0, 22, 213};
    for (const std::size_t offset : {0x038U, 0x180U, 0x1E0U, 0x1F0U}) put(r, offset, tcb);
    if (report_version >= 3) {
      const auto model = static_cast<std::uint8_t>(product_ == Product::kMilan ? 0x01
                                                   : is_turin()                ? 0x02
                                                                               : 0x11);
      put(r, 0x188, Bytes{static_cast<std::uint8_t>(is_turin() ? 0x1a : 0x19), model, 0x01});
    }
    put(r, 0x1A0, chip_id());
    put(r, 0x1E8, Bytes{21, 55, 1, 0, 20, 55, 1, 0});
    if (report_version >= 5) r[0x1F8] = r[0x200] = 0x0b;
    edit_report(r);
    const auto signature =
        must(vcek_key_.sign_ecdsa(crypto::Hash::kSha384, ByteView(r).first(snp::kSignedSize)));
    put(r, 0x2A0, Bytes(signature.r.rbegin(), signature.r.rend()));
    put(r, 0x2A0 + 72, Bytes(signature.s.rbegin(), signature.s.rend()));
    edit_signed_report(r);
    return r;
  }

  [[nodiscard]] Bytes hcl() const {
    const Bytes claims = runtime_claims();
    const auto prefix = request_version >= 2 ? 24U : 20U;
    const auto data_size = prefix + static_cast<std::uint32_t>(claims.size());
    Bytes out = to_bytes(std::string_view("HCLA"));
    for (const std::uint32_t v : {2U, 32 + 1184 + data_size, 2U, 0U, 0U, 0U, 0U}) {
      append_u32_le(out, v);
    }
    append(out, report());
    for (const std::uint32_t v :
         {data_size, request_version, 2U, 1U, static_cast<std::uint32_t>(claims.size())}) {
      append_u32_le(out, v);
    }
    if (request_version >= 2) append_u32_le(out, 1);
    append(out, claims);
    out.resize(2600, 0);
    edit_hcl(out);
    return out;
  }

  [[nodiscard]] static Bytes attest_header(std::uint16_t type, ByteView binding) {
    Bytes out;
    append_u32_be(out, 0xff544347);
    append_u16_be(out, type);
    append(out, tpm2b(Bytes(34, 0x0b)));
    append(out, tpm2b(binding));
    append_u64_be(out, 1234);
    append_u32_be(out, 1);
    append_u32_be(out, 0);
    out.push_back(1);
    append_u64_be(out, 0x2024);
    return out;
  }

  [[nodiscard]] Bytes quote(const tpm::PcrValues& values, ByteView binding) const {
    Bytes out = attest_header(0x8018, binding);
    append_u32_be(out, 1);
    append_u16_be(out, 0x000b);
    out.push_back(3);
    Bytes bitmap(3, 0);
    tpm::PcrValues covered;
    for (const unsigned index : quoted ? *quoted : login_pcrs()) {
      bitmap[index / 8] = static_cast<std::uint8_t>(bitmap[index / 8] | 1U << (index % 8));
      if (values.contains(index)) covered[index] = values.at(index);
    }
    append(out, bitmap);
    append(out, tpm2b(tpm::pcr_digest(covered)));
    edit_quote(out);
    return out;
  }

  [[nodiscard]] Bytes certify(ByteView key, ByteView binding) const {
    Bytes out = attest_header(0x8017, binding);
    append(out, tpm2b(certified_name ? *certified_name : tpm::object_name(key)));
    append(out, tpm2b(Bytes(34, 0x0c)));
    edit_certify(out);
    return out;
  }

  [[nodiscard]] Bytes key_public(const tpm::PcrValues& values) const {
    Bytes out;
    append_u16_be(out, 0x0001);
    append_u16_be(out, 0x000b);
    append_u32_be(out, key_attributes);
    append(out, tpm2b(key_policy ? *key_policy : tpm::policy_pcr_digest(values)));
    append_u16_be(out, 0x0010);
    append_u16_be(out, 0x0010);
    append_u16_be(out, 2048);
    append_u32_be(out, 0);
    append(out, tpm2b(must(must(login_key_.public_key()).rsa_modulus())));
    return out;
  }

  std::int64_t now_unix_s_;
  crypto::PrivateKey ark_key_, ask_key_, vcek_key_, p256_key_, ak_, login_key_, signer_key_;
  std::map<Product, Authorities> authorities_;
  Product product_ = Product::kMilan;
  KeyKind kind_ = KeyKind::kVcek;
};

}  // namespace apm::attestation::testing
