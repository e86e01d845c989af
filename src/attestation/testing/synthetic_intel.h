#pragma once

// A platform with an Intel-like certificate authority of its own: quotes of every version and the
// collateral that fits them, for tests. Everything is right until a test changes a field. Not part
// of any program.

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "attestation/dcap/collateral.h"
#include "attestation/dcap/quote.h"
#include "attestation/testing/intel_certificates.h"
#include "base/byte_reader.h"
#include "base/clock.h"
#include "base/encoding.h"
#include "base/text.h"
#include "crypto/digest.h"

namespace apm::attestation::testing {

class SyntheticIntel {
 public:
  SyntheticIntel(std::uint16_t version, dcap::Tee tee, dcap::BodyType type) {
    const bool tdx = tee == dcap::Tee::kTdx;
    header = Bytes(48);
    header[0] = static_cast<std::uint8_t>(version);
    header[2] = 2;
    if (tdx) header[4] = 0x81;
    const Bytes vendor = *hex_decode("939a7233f79c4ca9940a0db3957f0607");
    std::copy(vendor.begin(), vendor.end(), header.begin() + 12);
    if (version == 5) {
      append_u16_le(body_descriptor, static_cast<std::uint16_t>(type));
      append_u32_le(body_descriptor, type == dcap::BodyType::kSgx    ? 384
                                     : type == dcap::BodyType::kTd10 ? 584
                                                                     : 648);
    }
    body = type == dcap::BodyType::kSgx ? enclave_body() : td_body(type);
    qe_report = quoting_enclave(tdx);
    make_documents(tdx);
  }

  // ---- The quote: change parts, then sign ----
  Bytes header, body_descriptor, body, qe_report;
  Bytes qe_authentication = Bytes(32, 0x5a);
  std::uint16_t outer_certification = 6, certification = 5;
  const crypto::PrivateKey* qe_signer = &IntelKeys::get().pck;
  const crypto::PrivateKey* quote_signer = &IntelKeys::get().attestation;
  Bytes attestation_key = point_of(IntelKeys::get().attestation);
  bool bind_key = true;  // the QE report's REPORTDATA
  Bytes trailing;
  std::string chain_end{"\n\0", 2};

  // ---- Certificates ----
  IntelPck pck;
  IntelCertificate root{.name = "Intel SGX Root CA",
                        .key = &IntelKeys::get().root,
                        .signer = &IntelKeys::get().root,
                        .is_ca = true,
                        .path_length = 1,
                        .key_usage = {},
                        .extensions = {}};
  IntelCertificate authority{.name = "Intel SGX PCK Platform CA",
                             .key = &IntelKeys::get().authority,
                             .signer = &IntelKeys::get().root,
                             .is_ca = true,
                             .path_length = 0,
                             .key_usage = {},
                             .extensions = {}};
  IntelCertificate leaf{.name = "Intel SGX PCK Certificate",
                        .key = &IntelKeys::get().pck,
                        .signer = &IntelKeys::get().authority,
                        .key_usage = {},
                        .extensions = {}};
  IntelCertificate tcb_signing{.name = "Intel SGX TCB Signing",
                               .key = &IntelKeys::get().tcb_signing,
                               .signer = &IntelKeys::get().root,
                               .key_usage = {},
                               .extensions = {}};
  bool with_extension = true;
  // The order of PCK, CA and root in the quote.
  std::vector<int> chain_order = {0, 1, 2};

  // ---- Collateral: change the texts or the lists, then sign ----
  std::string tcb_info, qe_identity;
  const crypto::PrivateKey* tcb_info_signer = &IntelKeys::get().tcb_signing;
  const crypto::PrivateKey* qe_identity_signer = &IntelKeys::get().tcb_signing;
  crypto::CrlSpec pck_crl{.this_update_s = kIntelNow - kIntelDay,
                          .next_update_s = kIntelNow + kIntelDay,
                          .serials = {},
                          .critical_extension = {}};
  crypto::CrlSpec root_crl = pck_crl;
  const crypto::PrivateKey* pck_crl_signer = &IntelKeys::get().authority;
  const crypto::PrivateKey* root_crl_signer = &IntelKeys::get().root;

  // The certificates are made on first use and then stay: change fields before, or of a copy.
  struct Made {
    crypto::Certificate root, authority, leaf, tcb_signing;
  };
  [[nodiscard]] const Made& certificates() {
    if (made_.value) return *made_.value;
    crypto::Certificate top = root.build(nullptr);
    crypto::Certificate middle = authority.build(&top);
    IntelCertificate platform = leaf;
    if (with_extension) {
      platform.extensions.emplace_back("1.2.840.113741.1.13.1", pck.extension());
    }
    crypto::Certificate bottom = platform.build(&middle);
    crypto::Certificate signing = tcb_signing.build(&top);
    made_.value = std::make_unique<Made>(
        Made{std::move(top), std::move(middle), std::move(bottom), std::move(signing)});
    return *made_.value;
  }

  [[nodiscard]] std::string chain_pem() {
    const Made& made = certificates();
    const crypto::Certificate* all[] = {&made.leaf, &made.authority, &made.root};
    std::string out;
    for (const int i : chain_order) out += all[i]->pem();
    if (out.ends_with('\n')) out.pop_back();
    return out + chain_end;
  }

  [[nodiscard]] Bytes quote() {
    Bytes signed_part = header;
    append(signed_part, body_descriptor);
    append(signed_part, body);
    Bytes data = sign(*quote_signer, signed_part);
    append(data, attestation_key);
    const Bytes rest = qe_part();
    if (header[0] > 3) {
      append_u16_le(data, outer_certification);
      append_u32_le(data, static_cast<std::uint32_t>(rest.size()));
    }
    append(data, rest);
    Bytes out = signed_part;
    append_u32_le(out, static_cast<std::uint32_t>(data.size()));
    append(out, data);
    append(out, trailing);
    return out;
  }

  [[nodiscard]] dcap::Collateral collateral() {
    const Made& made = certificates();
    const std::string chain = std::string(trim(made.tcb_signing.pem() + made.root.pem()));
    return {.tcb_info = {tcb_info, sign(*tcb_info_signer, as_bytes(tcb_info)), chain},
            .qe_identity = {qe_identity, sign(*qe_identity_signer, as_bytes(qe_identity)), chain},
            .pck_crl = *crypto::build_crl(pck_crl, made.authority, *pck_crl_signer),
            .root_crl = *crypto::build_crl(root_crl, made.root, *root_crl_signer)};
  }

  static void put(Bytes& where, std::size_t offset, ByteView what) {
    std::copy(what.begin(), what.end(), where.begin() + static_cast<std::ptrdiff_t>(offset));
  }
  // Replaces the first occurrence; the text must be there.
  static void replace(std::string& text, std::string_view from, std::string_view to) {
    const std::size_t at = text.find(from);
    if (at == std::string::npos) std::abort();
    text.replace(at, from.size(), to);
  }
  static Bytes point_of(const crypto::PrivateKey& key) {
    const Bytes spki = key.public_key()->spki_der();  // ends in 04 X Y
    return to_bytes(ByteView(spki).last(64));
  }
  static Bytes sign(const crypto::PrivateKey& key, ByteView message) {
    const auto signature = *key.sign_ecdsa(crypto::Hash::kSha256, message);
    Bytes out = signature.r;
    append(out, signature.s);
    return out;
  }

 private:
  static Bytes enclave_body() {
    Bytes out(384);
    out[48] = 0x05;  // ATTRIBUTES: INIT, MODE64
    out[56] = 0x07;
    put(out, 64, Bytes(32, 0xe1));   // MRENCLAVE
    put(out, 128, Bytes(32, 0x51));  // MRSIGNER
    out[256] = 3;                    // ISVPRODID
    out[258] = 4;                    // ISVSVN
    put(out, 320, Bytes(64, 0xd0));  // REPORTDATA
    return out;
  }
  static Bytes td_body(dcap::BodyType type) {
    Bytes out(type == dcap::BodyType::kTd10 ? 584 : 648);
    put(out, 0, Bytes{5, 1, 3});  // TEE_TCB_SVN: module version 1, SVN 5
    put(out, 16, Bytes(48, 0x5e));
    out[123] = 0x10;                        // TDATTRIBUTES: SEPT_VE_DISABLE
    put(out, 128, Bytes{0xe7, 2, 6});       // XFAM
    for (std::uint8_t i = 0; i < 8; ++i) {  // MRTD to RTMR3
      put(out, 136 + std::size_t{48} * i, Bytes(48, static_cast<std::uint8_t>(0xa0 + i)));
    }
    put(out, 520, Bytes(64, 0xd0));  // REPORTDATA
    if (type == dcap::BodyType::kTd15) {
      put(out, 584, Bytes{5, 1, 3});
      put(out, 600, Bytes(48, 0xb0));
    }
    return out;
  }
  static Bytes quoting_enclave(bool tdx) {
    Bytes out(384);
    out[48] = 0x15;
    put(out, 128, Bytes(32, 0x9e));  // MRSIGNER
    out[256] = tdx ? 2 : 1;          // ISVPRODID
    out[258] = 6;                    // ISVSVN
    return out;
  }
  [[nodiscard]] Bytes qe_part() {
    Bytes report = qe_report;
    if (bind_key) {
      put(report, 320, crypto::digest(crypto::Hash::kSha256, {attestation_key, qe_authentication}));
    }
    Bytes out = report;
    append(out, sign(*qe_signer, report));
    append_u16_le(out, static_cast<std::uint16_t>(qe_authentication.size()));
    append(out, qe_authentication);
    append_u16_le(out, certification);
    const std::string chain = chain_pem();
    append_u32_le(out, static_cast<std::uint32_t>(chain.size()));
    append(out, chain);
    return out;
  }
  static std::string components_text(const std::vector<int>& svns) {
    std::string out;
    for (std::size_t i = 0; i < 16; ++i) {
      out += concat(i == 0 ? "" : ",", R"({"svn":)", i < svns.size() ? svns[i] : 0, "}");
    }
    return "[" + out + "]";
  }
  static std::string level_text(int svn, const char* status, bool tdx) {
    return concat(R"({"tcb":{"sgxtcbcomponents":)", components_text({svn, svn, 2, 2, 3, 1, 0, 3}),
                  R"(,"pcesvn":11)",
                  tdx ? R"(,"tdxtcbcomponents":)" + components_text({5, 0, 3}) : std::string(),
                  R"(},"tcbDate":"2026-01-01T00:00:00Z","tcbStatus":")", status,
                  R"(","advisoryIDs":["INTEL-SA-0000)", svn, R"("]})");
  }
  void make_documents(bool tdx) {
    const std::string dates = concat(R"("issueDate":")", rfc3339(kIntelNow - kIntelDay),
                                     R"(","nextUpdate":")", rfc3339(kIntelNow + kIntelDay), "\"");
    const std::string module =
        concat(R"("mrsigner":")", std::string(96, '0'), R"(","attributes":"0000000000000000")",
               R"(,"attributesMask":"FFFFFFFFFFFFFFFF")");
    const std::string modules = concat(
        R"("tdxModule":{)", module, R"(},"tdxModuleIdentities":[{"id":"TDX_01",)", module,
        R"(,"tcbLevels":[{"tcb":{"isvsvn":5},"tcbStatus":"UpToDate"},)",
        R"({"tcb":{"isvsvn":2},"tcbStatus":"OutOfDate","advisoryIDs":["INTEL-SA-00900"]}]}],)");
    tcb_info = concat(R"({"id":")", tdx ? "TDX" : "SGX", R"(","version":3,)", dates,
                      R"(,"fmspc":"90C06F000000","pceId":"0000","tcbType":0,)",
                      R"("tcbEvaluationDataNumber":18,)", tdx ? modules : std::string(),
                      R"("tcbLevels":[)", level_text(5, "UpToDate", tdx), ",",
                      level_text(4, "SWHardeningNeeded", tdx), ",", level_text(3, "OutOfDate", tdx),
                      ",", level_text(2, "Revoked", tdx), "]}");
    qe_identity = concat(R"({"id":")", tdx ? "TD_QE" : "QE", R"(","version":2,)", dates,
                         R"(,"tcbEvaluationDataNumber":18,"miscselect":"00000000",)",
                         R"("miscselectMask":"FFFFFFFF",)",
                         R"("attributes":"11000000000000000000000000000000",)",
                         R"("attributesMask":"FBFFFFFFFFFFFFFF0000000000000000","mrsigner":")",
                         hex_encode(Bytes(32, 0x9e)), R"(","isvprodid":)", tdx ? 2 : 1,
                         R"(,"tcbLevels":[{"tcb":{"isvsvn":6},"tcbStatus":"UpToDate"},)",
                         R"({"tcb":{"isvsvn":4},"tcbStatus":"OutOfDate"},)",
                         R"({"tcb":{"isvsvn":3},"tcbStatus":"Revoked"}]})");
  }

  // A copy makes its own, so that it can be changed.
  struct Cache {
    Cache() = default;
    Cache(const Cache&) {}
    Cache(Cache&&) noexcept = default;
    Cache& operator=(const Cache&) = delete;
    Cache& operator=(Cache&&) = delete;
    ~Cache() = default;
    std::unique_ptr<Made> value;
  };
  Cache made_;
};

}  // namespace apm::attestation::testing
