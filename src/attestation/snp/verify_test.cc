// Direct SNP evidence of software keys: the good one is accepted in every version, product and kind
// of key, and each single wrong field has its own reason.

#include "attestation/snp/verify.h"

#include <gtest/gtest.h>

#include "attestation/limits.h"
#include "attestation/testing/synthetic_machine.h"

namespace apm::attestation::snp {
namespace {

using testing::kNow;
using testing::must;
using testing::put;
using testing::SyntheticMachine;

const std::string kOid = "1.3.6.1.4.1.3704.1";
constexpr std::uint8_t kVmplOffset = 0x030;

class SnpVerify : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { machine_ = new SyntheticMachine(); }
  static void TearDownTestSuite() {
    delete machine_;
    machine_ = nullptr;
  }
  void SetUp() override {
    become(Product::kMilan, KeyKind::kVcek);
    expected_ = {};
    expected_.anchors = &anchors_;
    expected_.now_unix_s = kNow;
    expected_.report_data = m().report_data();
  }

  static SyntheticMachine& m() { return *machine_; }
  void become(Product product, KeyKind kind) {
    m().become(product, kind);
    anchors_ = m().anchors();
  }
  void reset() { become(Product::kMilan, KeyKind::kVcek); }

  [[nodiscard]] std::string reason_of(const Evidence& evidence) const {
    Appraisal appraisal;
    const auto claims = verify(evidence, expected_, appraisal);
    EXPECT_EQ(claims.ok(), appraisal.verdict().ok());
    if (claims.ok()) return "accepted";
    EXPECT_EQ(claims.error().code, Code::kRefused);
    EXPECT_FALSE(claims.error().message.empty());
    return claims.error().reason;
  }
  [[nodiscard]] std::string reason() const { return reason_of(m().snp_evidence()); }
  [[nodiscard]] Claims accepted() const {
    Appraisal appraisal;
    return must(verify(m().snp_evidence(), expected_, appraisal));
  }
  // With the byte at this offset of the report, before it is signed.
  [[nodiscard]] std::string with(std::size_t offset, std::uint8_t value) const {
    m().edit_report = [=](Bytes& r) { r[offset] = value; };
    const std::string result = reason();
    m().edit_report = [](Bytes&) {};
    return result;
  }
  [[nodiscard]] std::string with_extension(const std::string& suffix, const Bytes& value) const {
    const auto before = m().vcek_extensions;
    m().vcek_extensions[kOid + suffix] = value;
    const std::string result = reason();
    m().vcek_extensions = before;
    return result;
  }
  [[nodiscard]] std::string without_extension(const std::string& suffix) const {
    const auto before = m().vcek_extensions;
    m().vcek_extensions.erase(kOid + suffix);
    const std::string result = reason();
    m().vcek_extensions = before;
    return result;
  }

  Anchors anchors_ = Anchors::none();
  Expectation expected_;

 private:
  static SyntheticMachine* machine_;
};
SyntheticMachine* SnpVerify::machine_ = nullptr;

// ---- What is accepted ----

TEST_F(SnpVerify, EveryVersionProductAndKindOfKey) {
  expected_.floor.allow_vlek = true;
  for (const Product product : {Product::kMilan, Product::kGenoa, Product::kTurin}) {
    for (const KeyKind kind : {KeyKind::kVcek, KeyKind::kVlek}) {
      for (const unsigned version : {2U, 3U, 5U}) {
        become(product, kind);
        m().report_version = version;
        ASSERT_EQ(reason(), "accepted") << product_name(product) << key_kind_name(kind) << version;
        const Claims claims = accepted();
        EXPECT_EQ(claims.product, product);
        EXPECT_EQ(claims.key_kind, kind);
        EXPECT_EQ(claims.reported,
                  (Tcb{static_cast<std::uint8_t>(product == Product::kTurin), 4, 0, 22, 213}));
        EXPECT_EQ(claims.csp_id, kind == KeyKind::kVlek ? "CN=example" : "");
        EXPECT_EQ(claims.anchor, "synthetic");
        EXPECT_FALSE(claims.vendor_anchor);
        EXPECT_EQ(claims.report.cpuid.has_value(), version >= 3);
        EXPECT_EQ(claims.report.launch_mitigations, version >= 5 ? 0x0bU : 0U);
      }
    }
  }
}

TEST_F(SnpVerify, CpuModelsOfEachProduct) {
  struct Case {
    const char* result;
    std::uint8_t family, model;
  };
  const Case cases[] = {{"Milan", 0x19, 0x00}, {"Milan", 0x19, 0x0f}, {"Genoa", 0x19, 0x10},
                        {"Genoa", 0x19, 0x1f}, {"", 0x19, 0x20},      {"", 0x19, 0x9f},
                        {"Genoa", 0x19, 0xa0}, {"Genoa", 0x19, 0xaf}, {"", 0x19, 0xb0},
                        {"Turin", 0x1a, 0x00}, {"Turin", 0x1a, 0x11}, {"", 0x1a, 0x12},
                        {"", 0x17, 0x01},      {"", 0x1b, 0x00}};
  for (const Case& c : cases) {
    const auto product = product_of({c.family, c.model, 0});
    EXPECT_EQ(product ? product_name(*product) : "", c.result) << int{c.model};
  }
}

// ---- The report ----

TEST_F(SnpVerify, EachWrongReportFieldHasItsReason) {
  struct Case {
    const char* reason;
    std::size_t offset;
    std::uint8_t value;
  };
  const Case cases[] = {
      {"snp_report_version", 0x000, 0},       {"snp_report_version", 0x000, 1},
      {"snp_report_version", 0x000, 4},       {"snp_report_version", 0x000, 6},
      {"snp_report_version", 0x001, 1},       {"snp_policy_reserved", 0x00A, 0x01},
      {"snp_migration_allowed", 0x00A, 0x07}, {"snp_debug_allowed", 0x00A, 0x0b},
      {"snp_vmpl", kVmplOffset, 1},           {"snp_vmpl_range", kVmplOffset, 4},
      {"snp_signature_algorithm", 0x034, 2},  {"snp_signature_algorithm", 0x034, 0},
      {"snp_key_info_reserved", 0x048, 0x20}, {"snp_signing_key", 0x048, 0x1c},
      {"snp_signing_key", 0x048, 0x08},       {"snp_chip_id_masked", 0x048, 0x02},
      {"snp_leaf_kind", 0x048, 0x04},  // says VLEK, brings a VCEK
      {"snp_reserved_not_zero", 0x04C, 1},    {"snp_report_data", 0x050, 0},
      {"snp_report_data", 0x08F, 1},          {"snp_tcb_mismatch", 0x180, 3},
      {"snp_tcb_mismatch", 0x180, 5},         {"snp_tcb_mismatch", 0x182, 1},
      {"snp_product_mismatch", 0x189, 0x11},  {"snp_product_unknown", 0x189, 0xff},
      {"snp_reserved_not_zero", 0x18B, 1},    {"snp_reserved_not_zero", 0x19F, 1},
      {"snp_chip_mismatch", 0x1A0, 0},        {"snp_chip_mismatch", 0x1DF, 0},
      {"snp_reserved_not_zero", 0x1EB, 1},    {"snp_reserved_not_zero", 0x1EF, 1},
      {"snp_reserved_not_zero", 0x1F8, 1},  // mitigations before version 5
      {"snp_reserved_not_zero", 0x207, 1},    {"snp_reserved_not_zero", 0x208, 1},
      {"snp_reserved_not_zero", 0x29F, 1}};
  for (const Case& c : cases) {
    EXPECT_EQ(with(c.offset, c.value), c.reason) << "offset " << c.offset;
  }
}

TEST_F(SnpVerify, WhatDependsOnTheVersion) {
  m().report_version = 2;
  EXPECT_EQ(with(0x188, 0x19), "snp_reserved_not_zero");  // no CPUID yet
  m().report_version = 5;
  EXPECT_EQ(with(0x1F8, 0xff), "accepted");
  EXPECT_EQ(with(0x208, 1), "snp_reserved_not_zero");
}

TEST_F(SnpVerify, BitsThatTablesCallReservedOccurAndAreShown) {
  EXPECT_EQ(with(0x040, 0x65), "accepted");  // PLATFORM_INFO bit 6, as on Turin
  EXPECT_EQ(with(0x00B, 0x02), "accepted");  // POLICY bit 25
  EXPECT_EQ(with(0x00F, 0x80), "accepted");  // POLICY bit 63
}

TEST_F(SnpVerify, EveryWrongSize) {
  auto evidence = m().snp_evidence();
  const Bytes report = evidence.report;
  for (std::size_t size = 0; size < report.size(); ++size) {
    evidence.report = to_bytes(ByteView(report).first(size));
    ASSERT_EQ(reason_of(evidence), "snp_report_size") << size;
  }
  evidence.report = report;
  evidence.report.push_back(0);
  EXPECT_EQ(reason_of(evidence), "snp_report_size");
}

TEST_F(SnpVerify, EveryFlippedBitIsRefused) {
  const auto good = m().snp_evidence();
  for (std::size_t bit = 0; bit < good.report.size() * 8; bit += 7) {
    auto evidence = good;
    evidence.report[bit / 8] =
        static_cast<std::uint8_t>(evidence.report[bit / 8] ^ 1U << (bit % 8));
    const std::string reason = reason_of(evidence);
    ASSERT_NE(reason, "accepted") << "bit " << bit;
    ASSERT_NE(reason, "") << "bit " << bit;
  }
}

TEST_F(SnpVerify, SignatureFormat) {
  m().edit_signed_report = [](Bytes& r) { r[0x2A0] ^= 1; };
  EXPECT_EQ(reason(), "snp_signature_invalid");
  for (const std::size_t offset :
       {0x2A0U + 48U, 0x2A0U + 71U, 0x2A0U + 72U + 48U, 0x2A0U + 143U, 0x2A0U + 144U, 0x49FU}) {
    m().edit_signed_report = [=](Bytes& r) { r[offset] = 1; };
    EXPECT_EQ(reason(), "snp_signature_format") << offset;
  }
  m().edit_signed_report = [](Bytes& r) { put(r, 0x2A0, Bytes(48, 0)); };
  EXPECT_EQ(reason(), "snp_signature_invalid");
  m().edit_signed_report = [](Bytes& r) { put(r, 0x2A0, Bytes(48, 0xff)); };
  EXPECT_EQ(reason(), "snp_signature_invalid");
}

TEST_F(SnpVerify, ReportDataHasAllItsBytes) {
  for (const Bytes& wrong : {Bytes{}, Bytes(32, 0), Bytes(64, 0)}) {
    expected_.report_data = wrong;
    EXPECT_EQ(reason(), "snp_report_data");
  }
  expected_.report_data = m().report_data();
  expected_.report_data.resize(63);
  EXPECT_EQ(reason(), "snp_report_data");
}

// ---- The certificates ----

TEST_F(SnpVerify, LeafKind) {
  m().vcek_name = "SEV-VLEK";
  EXPECT_EQ(reason(), "snp_leaf_kind");
  m().vcek_name = "SEV-VCEK ";
  EXPECT_EQ(reason(), "snp_leaf_kind");
  reset();
  EXPECT_EQ(without_extension(".4"), "snp_leaf_kind");
  EXPECT_EQ(with_extension(".5", Bytes{0x16, 1, 'x'}), "snp_leaf_kind");
  expected_.floor.allow_vlek = true;
  become(Product::kMilan, KeyKind::kVlek);
  EXPECT_EQ(reason(), "accepted");
  EXPECT_EQ(without_extension(".5"), "snp_leaf_kind");
  EXPECT_EQ(with_extension(".4", Bytes(64, 0xc1)), "snp_leaf_kind");
  m().vcek_name = "SEV-VCEK";
  EXPECT_EQ(reason(), "snp_leaf_kind");
  m().vcek_name = "SEV-VLEK";
  EXPECT_EQ(with(0x048, 0x00), "snp_leaf_kind");  // says VCEK, brings a VLEK
}

TEST_F(SnpVerify, LeafContents) {
  for (const char* level : {".3.1", ".3.2", ".3.3", ".3.8"}) {
    EXPECT_EQ(without_extension(level), "snp_leaf_tcb") << level;
    EXPECT_EQ(with_extension(level, Bytes{2, 1, 99}), "snp_tcb_mismatch") << level;
  }
  EXPECT_EQ(with_extension(".3.8", Bytes{2, 1, 0xd5}), "snp_leaf_tcb");  // negative, not 213
  EXPECT_EQ(with_extension(".3.8", Bytes{2, 2, 0, 0x55}), "snp_leaf_tcb");
  EXPECT_EQ(with_extension(".3.8", Bytes{2, 2, 1, 0xd5}), "snp_leaf_tcb");
  for (const Bytes& wrong :
       {Bytes{}, Bytes{2, 1}, Bytes{4, 1, 22}, Bytes{2, 2, 22}, Bytes{2, 1, 22, 0},
        Bytes{4, 2, 0, 0x96}, Bytes{2, 1, 0, 0x96}, Bytes{2, 3, 0, 0, 0x96}}) {
    EXPECT_EQ(with_extension(".3.3", wrong), "snp_leaf_tcb") << hex_encode(wrong);
  }
  for (const Bytes& wrong : {Bytes{}, Bytes{0x16}, Bytes(200, 0x16)}) {
    EXPECT_EQ(with_extension(".2", wrong), "snp_product_unknown") << hex_encode(wrong);
  }
  EXPECT_EQ(with_extension(".1", Bytes{2, 1, 2}), "snp_leaf_version");
  EXPECT_EQ(without_extension(".1"), "snp_leaf_version");
  EXPECT_EQ(with_extension(".2", Bytes{0x16, 5, 'G', 'e', 'n', 'o', 'a'}), "snp_product_mismatch");
  EXPECT_EQ(with_extension(".2", Bytes{0x16, 6, 'V', 'e', 'n', 'i', 'c', 'e'}),
            "snp_product_unknown");
  EXPECT_EQ(with_extension(".2", Bytes{0x0c, 5, 'M', 'i', 'l', 'a', 'n'}), "snp_product_unknown");
  EXPECT_EQ(with_extension(".2", Bytes{0x16, 4, 'M', 'i', 'l', 'a', 'n'}), "snp_product_unknown");
  EXPECT_EQ(with_extension(".2", Bytes{0x16, 8, 'M', 'i', 'l', 'a', 'n', '-', 'B', '1'}),
            "accepted");
  EXPECT_EQ(with_extension(".4", Bytes(64, 0xc2)), "snp_chip_mismatch");
  EXPECT_EQ(with_extension(".4", Bytes(8, 0xc1)), "snp_chip_mismatch");
  EXPECT_EQ(with_extension(".4", Bytes{}), "snp_chip_mismatch");
}

TEST_F(SnpVerify, TurinsLayout) {
  become(Product::kTurin, KeyKind::kVcek);
  EXPECT_EQ(without_extension(".3.9"), "snp_leaf_tcb");
  EXPECT_EQ(with_extension(".3.9", Bytes{2, 1, 2}), "snp_tcb_mismatch");
  EXPECT_EQ(with(0x180, 2), "snp_tcb_mismatch");      // FMC
  EXPECT_EQ(with(0x184, 1), "snp_tcb_mismatch");      // reserved there
  EXPECT_EQ(with(0x1A8, 0xc1), "snp_chip_mismatch");  // behind the 8 bytes
  EXPECT_EQ(with_extension(".4", Bytes(64, 0xc1)), "snp_chip_mismatch");
  expected_.floor.minimum.fmc = 1;
  EXPECT_EQ(reason(), "accepted");
  expected_.floor.minimum.fmc = 2;
  EXPECT_EQ(reason(), "snp_tcb_too_old");
  become(Product::kMilan, KeyKind::kVcek);
  EXPECT_EQ(reason(), "accepted");  // FMC counts on Turin only
}

TEST_F(SnpVerify, ChainDates) {
  expected_.now_unix_s = kNow + 1000;
  EXPECT_EQ(reason(), "accepted");
  expected_.now_unix_s = kNow + 1001;
  EXPECT_EQ(reason(), "snp_chain_expired");
  expected_.now_unix_s = kNow - 1000;
  EXPECT_EQ(reason(), "accepted");
  expected_.now_unix_s = kNow - 1001;
  EXPECT_EQ(reason(), "snp_chain_not_yet_valid");
}

TEST_F(SnpVerify, LeafKeyIsOnP384) {
  m().leaf_on_p256 = true;
  EXPECT_EQ(reason(), "snp_leaf_key");
}

TEST_F(SnpVerify, ChainAlgorithm) {
  m().leaf_uses_pss = false;  // PKCS#1 v1.5 with SHA-256
  EXPECT_EQ(reason(), "snp_chain_algorithm");
}

TEST_F(SnpVerify, ChainAndAnchors) {
  const auto good = m().snp_evidence();
  const auto chain = [&](const std::string& pem) {
    auto evidence = good;
    evidence.endorsements.chain_pem = pem;
    return reason_of(evidence);
  };
  const std::string leaf = m().leaf().pem();
  const std::string ask = m().intermediate().pem();
  const std::string ark = m().ark_pem();
  EXPECT_EQ(chain(leaf + ark + ask), "accepted");
  EXPECT_EQ(chain(leaf + ask), "accepted");
  EXPECT_EQ(chain(leaf), "snp_chain_untrusted");  // no built-in ASK for a named root
  EXPECT_EQ(chain(""), "snp_chain_missing");
  EXPECT_EQ(chain("no certificate"), "snp_chain_malformed");
  EXPECT_EQ(chain(leaf + ask + ask), "snp_chain_malformed");
  EXPECT_EQ(chain(leaf + ark + ark), "snp_chain_malformed");
  EXPECT_EQ(chain(leaf + ask + ark + ark), "snp_chain_malformed");
  EXPECT_EQ(chain(ask + leaf), "snp_leaf_kind");
  EXPECT_EQ(chain(std::string(kChainPemBytesMax + 1, 'x')), "snp_chain_malformed");

  const Anchors vendor = must(Anchors::vendor());
  expected_.anchors = &vendor;
  EXPECT_EQ(reason(), "snp_root_not_pinned");
  EXPECT_EQ(chain(leaf + ask), "snp_chain_untrusted");
  EXPECT_EQ(chain(leaf), "snp_chain_untrusted");  // AMD's ASK did not sign it
  const Anchors nothing = Anchors::none();
  expected_.anchors = &nothing;
  EXPECT_EQ(reason(), "snp_chain_untrusted");
  expected_.anchors = nullptr;
  EXPECT_EQ(reason(), "snp_chain_untrusted");
}

// The roots of all products stand in one store: names tie a leaf to its own.
TEST_F(SnpVerify, IntermediateOfAnotherProductOrKind) {
  const std::string leaf = m().leaf().pem();
  auto evidence = m().snp_evidence();
  become(Product::kGenoa, KeyKind::kVcek);
  evidence.endorsements.chain_pem = leaf + m().intermediate().pem();
  EXPECT_EQ(reason_of(evidence), "snp_chain_untrusted");
  become(Product::kMilan, KeyKind::kVlek);
  evidence.endorsements.chain_pem = leaf + m().intermediate().pem();
  EXPECT_EQ(reason_of(evidence), "snp_chain_untrusted");
}

TEST_F(SnpVerify, OnlyTheRootOfTheSameProduct) {
  Anchors genoa = Anchors::none();
  become(Product::kGenoa, KeyKind::kVcek);
  ASSERT_TRUE(genoa.add_named("synthetic", m().ark_pem()).ok());
  reset();
  auto evidence = m().snp_evidence();
  evidence.endorsements.chain_pem = m().leaf().pem() + m().intermediate().pem();
  expected_.anchors = &genoa;
  EXPECT_EQ(reason_of(evidence), "snp_chain_untrusted");
}

// ---- Other forms of the certificates ----

Bytes guid(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c != '-') digits += c;
  }
  return must(hex_decode(digits));
}

struct Entry {
  const char* guid;
  Bytes data;
};

constexpr const char* kVcekGuid = "63da758d-e664-4564-adc5-f4b93be8accd";
constexpr const char* kVlekGuid = "a8074bc2-a25a-483e-aae6-39c045a0b8a1";
constexpr const char* kAskGuid = "4ab7b379-bbac-4fe4-a02f-05aef327c782";
constexpr const char* kArkGuid = "c0b406a4-a803-4952-9743-3fb6014cd0ae";

Bytes table_of(const std::vector<Entry>& entries) {
  const std::size_t head = (entries.size() + 1) * 24;
  Bytes list;
  Bytes data;
  for (const Entry& entry : entries) {
    append(list, guid(entry.guid));
    append_u32_le(list, static_cast<std::uint32_t>(head + data.size()));
    append_u32_le(list, static_cast<std::uint32_t>(entry.data.size()));
    append(data, entry.data);
  }
  list.resize(head, 0);
  append(list, data);
  return list;
}

TEST_F(SnpVerify, CertificateTable) {
  auto evidence = m().snp_evidence();
  const auto table = [&](const Bytes& raw) {
    evidence.endorsements = {"", raw, ""};
    return reason_of(evidence);
  };
  const Entry leaf{kVcekGuid, m().leaf().der()};
  const Entry ask{kAskGuid, m().intermediate().der()};
  const Entry ark{kArkGuid, m().ark().der()};
  const Entry other{"00000000-0000-0000-0000-000000000001", Bytes{1, 2, 3}};
  const Bytes good = table_of({leaf, ask, ark});
  EXPECT_EQ(table(good), "accepted");
  EXPECT_EQ(table(table_of({other, ark, ask, leaf})), "accepted");
  Bytes padded = good;
  padded.resize(good.size() + 4096, 0);
  EXPECT_EQ(table(padded), "accepted");
  EXPECT_EQ(table(table_of({ask, ark})), "snp_chain_missing");
  EXPECT_EQ(table(table_of({{kVlekGuid, leaf.data}, ask, ark})), "snp_chain_missing");
  EXPECT_EQ(table(table_of({leaf, leaf})), "snp_table_malformed");
  EXPECT_EQ(table(table_of({{kVcekGuid, Bytes{1}}})), "snp_table_malformed");
  EXPECT_EQ(table(table_of({{kVcekGuid, {}}})), "snp_table_malformed");
  EXPECT_EQ(table(Bytes(kSnpTableBytesMax + 1, 0)), "snp_table_malformed");
  EXPECT_EQ(table(Bytes(24, 0)), "snp_chain_missing");  // an empty list
  EXPECT_EQ(table(Bytes(23, 0)), "snp_table_malformed");
  std::vector<Entry> many(kSnpTableEntriesMax + 1, other);
  EXPECT_EQ(table(table_of(many)), "snp_table_malformed");
  // Offset and length are the host's: into the list, behind the end, and wrapping around.
  for (const auto& [offset, value] : std::vector<std::pair<std::size_t, std::uint8_t>>{
           {16, 0}, {18, 1}, {19, 0xff}, {23, 0xff}}) {
    Bytes bad = good;
    bad[offset] = value;
    if (offset == 16) bad[17] = 0;
    EXPECT_EQ(table(bad), "snp_table_malformed") << offset;
  }
  for (std::size_t size = 1; size < good.size(); size += 13) {
    EXPECT_NE(table(to_bytes(ByteView(good).first(size))), "accepted") << size;
  }
  // A table is chosen by what the report says: the VLEK of a table that holds both.
  expected_.floor.allow_vlek = true;
  become(Product::kMilan, KeyKind::kVlek);
  evidence = m().snp_evidence();
  EXPECT_EQ(
      table(table_of({leaf, {kVlekGuid, m().leaf().der()}, {kAskGuid, m().intermediate().der()}})),
      "accepted");
}

TEST_F(SnpVerify, ExtendedReport) {
  auto evidence = m().snp_evidence();
  Bytes raw = evidence.report;
  append(raw, table_of({{kVcekGuid, m().leaf().der()}, {kAskGuid, m().intermediate().der()}}));
  const auto split = split_extended_report(raw);
  ASSERT_TRUE(split.ok());
  evidence.report = split->report;
  evidence.endorsements = {"", split->certificate_table, ""};
  EXPECT_EQ(reason_of(evidence), "accepted");
  EXPECT_EQ(split_extended_report(evidence.report).error().reason, "snp_table_malformed");
}

TEST_F(SnpVerify, ThimAnswer) {
  auto evidence = m().snp_evidence();
  const auto thim = [&](const json::Object& answer) {
    evidence.endorsements = {"", {}, json::write(json::Value(answer))};
    return reason_of(evidence);
  };
  const std::string leaf = m().leaf().pem();
  const std::string chain = m().intermediate().pem() + m().ark_pem();
  EXPECT_EQ(thim({{"vcekCert", leaf}, {"certificateChain", chain}, {"tcbm", "00"}}), "accepted");
  EXPECT_EQ(thim({{"vcekCert", leaf}}), "snp_chain_malformed");
  EXPECT_EQ(thim({{"certificateChain", chain}}), "snp_chain_malformed");
  EXPECT_EQ(thim({{"vcekCert", leaf + leaf}, {"certificateChain", chain}}), "snp_chain_malformed");
  EXPECT_EQ(thim({{"vcekCert", ""}, {"certificateChain", leaf + chain}}), "snp_chain_malformed");
  evidence.endorsements.thim_json += "x";
  EXPECT_EQ(reason_of(evidence), "snp_chain_malformed");
  evidence = m().snp_evidence();
  evidence.endorsements.thim_json = "{}";
  EXPECT_EQ(reason_of(evidence), "snp_chain_malformed");  // two forms at once
}

// ---- AMD's revocation list ----

TEST_F(SnpVerify, RevocationList) {
  auto evidence = m().snp_evidence();
  const auto with_list = [&](const crypto::CrlSpec& spec) {
    evidence.crl = must(crypto::build_crl(spec, m().ark(), m().ark_key()));
    return reason_of(evidence);
  };
  EXPECT_EQ(with_list({kNow - 10, kNow + 10, {}, ""}), "accepted");
  EXPECT_EQ(with_list({kNow, kNow, {}, ""}), "accepted");
  EXPECT_EQ(with_list({kNow - 10, kNow - 1, {}, ""}), "snp_crl_stale");
  EXPECT_EQ(with_list({kNow + 1, kNow + 10, {}, ""}), "snp_crl_stale");
  EXPECT_EQ(with_list({kNow - 10, kNow + 10, {Bytes{1, 2}}, ""}), "accepted");
  EXPECT_EQ(with_list({kNow - 10, kNow + 10, {Bytes{1, 2}, m().intermediate().serial()}, ""}),
            "snp_chain_revoked");
  EXPECT_EQ(with_list({kNow - 10, kNow + 10, {}, ""}), "accepted");
  evidence.crl.back() ^= 1;
  EXPECT_EQ(reason_of(evidence), "snp_crl_untrusted");
  evidence.crl.push_back(0);
  EXPECT_EQ(reason_of(evidence), "snp_crl_malformed");
  evidence.crl = Bytes(kCrlBytesMax + 1, 0x30);
  EXPECT_EQ(reason_of(evidence), "snp_crl_malformed");
  become(Product::kGenoa, KeyKind::kVcek);
  evidence.crl = must(crypto::build_crl({kNow - 10, kNow + 10, {}, ""}, m().ark(), m().ark_key()));
  EXPECT_EQ(reason_of(evidence), "snp_crl_untrusted");  // the same key, another product's name
  evidence.crl.clear();
  EXPECT_EQ(reason_of(evidence), "accepted");
  expected_.require_crl = true;
  EXPECT_EQ(reason_of(evidence), "snp_crl_missing");
}

// ---- The floor ----

TEST_F(SnpVerify, DefaultsAreSafe) {
  become(Product::kMilan, KeyKind::kVlek);
  EXPECT_EQ(reason(), "snp_vlek_not_allowed");
  reset();
  EXPECT_EQ(with(0x00A, 0x0b), "snp_debug_allowed");
  EXPECT_EQ(with(0x00A, 0x07), "snp_migration_allowed");
  EXPECT_EQ(with(kVmplOffset, 3), "snp_vmpl");
  m().edit_report = [](Bytes& r) { put(r, kVmplOffset, Bytes(4, 0xff)); };
  expected_.floor.vmpl_max = 3;
  EXPECT_EQ(reason(), "snp_vmpl");  // asked for by the host
  EXPECT_EQ(with(kVmplOffset, 3), "accepted");
  expected_.floor.allow_debug = true;
  EXPECT_EQ(with(0x00A, 0x0b), "accepted");
  expected_.floor.allow_migration = true;
  EXPECT_EQ(with(0x00A, 0x07), "accepted");
}

TEST_F(SnpVerify, FloorsOfPatchLevels) {
  struct Case {
    const char* reason;
    Tcb Floor::* floor;
  };
  const Case cases[] = {{"snp_tcb_too_old", &Floor::minimum},
                        {"snp_committed_tcb_too_old", &Floor::minimum_committed},
                        {"snp_launch_tcb_too_old", &Floor::minimum_launch}};
  for (const Case& c : cases) {
    for (std::uint8_t Tcb::* level : {&Tcb::bootloader, &Tcb::tee, &Tcb::snp, &Tcb::microcode}) {
      expected_.floor = {};
      Tcb& floor = expected_.floor.*c.floor;
      floor = Tcb{0, 4, 0, 22, 213};
      EXPECT_EQ(reason(), "accepted");
      ++(floor.*level);
      EXPECT_EQ(reason(), c.reason);
    }
    expected_.floor = {};
    (expected_.floor.*c.floor).fmc = 9;
    EXPECT_EQ(reason(), "accepted");
  }
  // Each floor is held against its own TCB.
  expected_.floor = {};
  expected_.floor.minimum_committed.snp = 23;
  EXPECT_EQ(with(0x1E6, 23), "accepted");
  expected_.floor = {};
  expected_.floor.minimum_launch.snp = 23;
  EXPECT_EQ(with(0x1F6, 23), "accepted");
  EXPECT_EQ(with(0x1F2, 1), "snp_launch_tcb_too_old");  // a reserved byte: no known layout
}

TEST_F(SnpVerify, FloorOfTheFirmware) {
  expected_.floor.minimum_firmware = {1, 55, 20};
  EXPECT_EQ(reason(), "accepted");
  expected_.floor.minimum_firmware = {1, 55, 21};  // current, but not committed
  EXPECT_EQ(reason(), "snp_firmware_too_old");
  expected_.floor.minimum_firmware = {1, 54, 255};
  EXPECT_EQ(reason(), "accepted");
  expected_.floor.minimum_firmware = {2, 0, 0};
  EXPECT_EQ(reason(), "snp_firmware_too_old");
}

TEST_F(SnpVerify, FloorOfThePlatform) {
  expected_.floor.require_alias_check = true;
  EXPECT_EQ(reason(), "snp_alias_check_missing");
  EXPECT_EQ(with(0x040, 0x20), "accepted");
  expected_.floor = {};
  expected_.floor.required_platform_info = 0x24;
  EXPECT_EQ(with(0x040, 0x20), "snp_platform_bits");
  EXPECT_EQ(with(0x040, 0x25), "accepted");
  expected_.floor = {};
  expected_.floor.required_mitigations = 0x09;
  EXPECT_EQ(reason(), "snp_mitigations_missing");  // version 3 knows none
  m().report_version = 5;
  EXPECT_EQ(reason(), "accepted");
  EXPECT_EQ(with(0x1F8, 0x08), "snp_mitigations_missing");
  EXPECT_EQ(with(0x200, 0x08), "snp_mitigations_missing");
}

TEST_F(SnpVerify, FloorOfChips) {
  const std::string chip = hex_encode(Bytes(64, 0xc1));
  const std::string other = hex_encode(Bytes(64, 0xc2));
  expected_.floor.allowed_chips = {chip, other};
  EXPECT_EQ(reason(), "accepted");
  expected_.floor.allowed_chips = {other};
  EXPECT_EQ(reason(), "snp_chip_not_allowed");
  expected_.floor = {};
  expected_.floor.denied_chips = {other};
  EXPECT_EQ(reason(), "accepted");
  expected_.floor.denied_chips = {chip};
  EXPECT_EQ(reason(), "snp_chip_denied");
  // A cloud that hides its chips can pass neither list.
  become(Product::kMilan, KeyKind::kVlek);
  expected_.floor = {};
  expected_.floor.allow_vlek = true;
  expected_.floor.denied_chips = {other};
  EXPECT_EQ(reason(), "snp_chip_denied");
  expected_.floor.denied_chips.clear();
  expected_.floor.allowed_chips = {hex_encode(Bytes(64, 0))};
  EXPECT_EQ(reason(), "snp_chip_not_allowed");
}

TEST_F(SnpVerify, FloorOfTheGuest) {
  expected_.floor.minimum_guest_svn = 2;
  EXPECT_EQ(reason(), "snp_guest_svn");
  EXPECT_EQ(with(0x004, 2), "accepted");
  struct Case {
    const char* reason;
    HexSet Floor::* list;
    std::size_t size;
    std::uint8_t value;
  };
  const Case cases[] = {{"snp_measurement_not_allowed", &Floor::allowed_measurements, 48, 0x3e},
                        {"snp_host_data_not_allowed", &Floor::allowed_host_data, 32, 0},
                        {"snp_id_key_not_allowed", &Floor::allowed_id_keys, 48, 0}};
  for (const Case& c : cases) {
    expected_.floor = {};
    expected_.floor.*c.list = {hex_encode(Bytes(c.size, c.value))};
    EXPECT_EQ(reason(), "accepted") << c.reason;
    expected_.floor.*c.list = {hex_encode(Bytes(c.size, 0x77))};
    EXPECT_EQ(reason(), c.reason);
  }
  expected_.floor = {};
  expected_.floor.allowed_author_keys = {hex_encode(Bytes(48, 0))};
  EXPECT_EQ(reason(), "snp_author_key_not_allowed");  // AUTHOR_KEY_EN is off
  EXPECT_EQ(with(0x048, 0x01), "accepted");
}

// ---- Stages ----

TEST_F(SnpVerify, AStageEndsTheAppraisal) {
  auto evidence = m().snp_evidence();
  const auto until = [&](Stage last) {
    Appraisal appraisal(last);
    const auto claims = verify(evidence, expected_, appraisal);
    return claims.ok() ? std::string("accepted") : claims.error().reason;
  };
  m().edit_report = [](Bytes& r) { r[0x00A] = 0x0b; };
  evidence = m().snp_evidence();
  EXPECT_EQ(until(Stage::kTcb), "accepted");
  EXPECT_EQ(until(Stage::kPolicy), "snp_debug_allowed");
  expected_.report_data.clear();
  EXPECT_EQ(until(Stage::kBinding), "accepted");
  EXPECT_EQ(until(Stage::kFreshness), "snp_report_data");
  evidence.report[0x1A0] ^= 1;
  EXPECT_EQ(until(Stage::kValidity), "accepted");
  EXPECT_EQ(until(Stage::kSignature), "snp_signature_invalid");
  expected_.now_unix_s = 0;
  EXPECT_EQ(until(Stage::kChain), "accepted");
  EXPECT_EQ(until(Stage::kValidity), "snp_chain_not_yet_valid");
  expected_.anchors = nullptr;
  EXPECT_EQ(until(Stage::kAlgorithm), "accepted");
  EXPECT_EQ(until(Stage::kChain), "snp_chain_untrusted");
  evidence.report.pop_back();
  EXPECT_EQ(until(Stage::kFormat), "snp_report_size");
}

TEST_F(SnpVerify, AcceptanceListsEveryRule) {
  Appraisal appraisal;
  ASSERT_TRUE(verify(m().snp_evidence(), expected_, appraisal).ok());
  std::set<std::string> tried;
  for (const Appraisal::Entry& entry : appraisal.entries()) {
    EXPECT_TRUE(entry.holds);
    EXPECT_FALSE(entry.rule.found.empty()) << entry.rule.reason;
    tried.insert(entry.rule.reason);
  }
  for (const char* rule :
       {"snp_report_version", "snp_leaf_kind", "snp_chain_untrusted", "snp_chain_expired",
        "snp_signature_invalid", "snp_tcb_mismatch", "snp_chip_mismatch", "snp_report_data",
        "snp_debug_allowed", "snp_vmpl", "snp_vlek_not_allowed", "snp_tcb_too_old"}) {
    EXPECT_TRUE(tried.contains(rule)) << rule;
  }
}

// ---- Identity and claims ----

TEST_F(SnpVerify, IdentityOfADirectGuest) {
  const EvidenceResult unsigned_guest = to_result(accepted());
  EXPECT_EQ(unsigned_guest.signer.reason, "snp_signer_missing");
  m().edit_report = [](Bytes& r) { put(r, 0x0E0, Bytes(48, 0x1d)); };
  const EvidenceResult id_key = to_result(accepted());
  m().edit_report = [](Bytes& r) {
    put(r, 0x0E0, Bytes(48, 0x1d));
    put(r, 0x110, Bytes(48, 0xa0));
    r[0x048] = 1;
  };
  const EvidenceResult author_key = to_result(accepted());
  m().edit_report = [](Bytes& r) {
    put(r, 0x0E0, Bytes(48, 0x1d));
    put(r, 0x110, Bytes(48, 0xa0));  // means nothing: AUTHOR_KEY_EN is off
  };
  EXPECT_EQ(to_result(accepted()).signer.signer_id, id_key.signer.signer_id);
  EXPECT_EQ(id_key.signer.signer_id.size(), 64U);
  EXPECT_NE(id_key.signer.signer_id, author_key.signer.signer_id);
  EXPECT_EQ(id_key.enclave_id, unsigned_guest.enclave_id);  // the signer is no part of it
  m().edit_report = [](Bytes& r) { r[0x090] = 0; };
  const std::string measurement = to_result(accepted()).enclave_id;
  m().edit_report = [](Bytes& r) { r[0x0C0] = 1; };
  const std::string host_data = to_result(accepted()).enclave_id;
  EXPECT_NE(measurement, unsigned_guest.enclave_id);
  EXPECT_NE(host_data, unsigned_guest.enclave_id);
  EXPECT_NE(host_data, measurement);
}

// SHA-256 over the encoding of docs/identity.md, computed independently.
TEST_F(SnpVerify, IdentityOfZeros) {
  Report report;
  report.measurement = Bytes(48, 0);
  report.host_data = Bytes(32, 0);
  report.id_key_digest = report.author_key_digest = Bytes(48, 1);
  EXPECT_EQ(enclave_id(report), "05831cf00d14d18b8bc326f8bfaa74e263bd35c04ff2ce5b5376b43b19c1ee0e");
  EXPECT_EQ(signer(report).signer_id,
            "0f96197d1d5e201172cbf9817d28fff248ab200359bce9ddc8037f8bcedcd6e2");
  report.key_info.raw = 1;
  EXPECT_EQ(signer(report).signer_id,
            "00c47d143db910213e10aafe017ba37036bd75bb5d8ad7c979e170275d1c86a2");
}

TEST_F(SnpVerify, ClaimsInCommonWords) {
  const EvidenceResult result = to_result(accepted());
  const json::Value claims(result.claims);
  EXPECT_EQ(result.family, "snp");
  EXPECT_EQ(*claims.string_at("eat_profile"), kClaimsProfile);
  EXPECT_EQ(*claims.string_at("eat_nonce"), base64url_encode(m().report_data()));
  EXPECT_EQ(claims.at("oemid")->as_int(), 3704);
  EXPECT_EQ(*claims.string_at("hwmodel"), base64url_encode(as_bytes("Milan")));
  EXPECT_EQ(*claims.string_at("dbgstat"), "disabled-since-boot");
  const json::Value& snp = *claims.at("sevsnp");
  EXPECT_EQ(snp.at("reported_tcb")->at("microcode")->as_int(), 213);
  EXPECT_EQ(*snp.string_at("committed_firmware"), "1.55.20");
  EXPECT_EQ(*snp.string_at("chip_id"), hex_encode(Bytes(64, 0xc1)));
  EXPECT_EQ(*snp.string_at("signing_key"), "VCEK");
  expected_.floor.allow_debug = true;
  m().edit_report = [](Bytes& r) { r[0x00A] = 0x0b; };
  const EvidenceResult debug = to_result(accepted());
  EXPECT_EQ(*debug.claims.find("dbgstat")->as_string(), "enabled");
}

}  // namespace
}  // namespace apm::attestation::snp
