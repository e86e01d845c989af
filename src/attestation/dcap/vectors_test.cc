// Captured SGX and TDX quotes, with and without collateral, and their expected verdicts.

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <set>

#include "attestation/dcap/collateral_check.h"
#include "attestation/dcap/pem_chain.h"
#include "attestation/sgx/verify.h"
#include "attestation/tdx/ccel.h"
#include "attestation/tdx/verify.h"
#include "attestation/testing/vector_cases.h"
#include "base/text.h"
#include "crypto/digest.h"

namespace apm::attestation::dcap {
namespace {

using testing::vector_cases;
using testing::vector_file;
using testing::VectorCase;

std::string text_of(const Bytes& raw) { return std::string(as_text(raw)); }

std::optional<Collateral> collateral_of(const VectorCase& c) {
  if (c.has("collateral")) return *collateral_from_json(as_text(c.input("collateral")));
  if (!c.has("tcb_info")) return std::nullopt;
  return *collateral_from_files({.tcb_info = text_of(c.input("tcb_info")),
                                 .tcb_info_chain_pem = text_of(c.input("tcb_chain")),
                                 .qe_identity = text_of(c.input("qe_identity")),
                                 .qe_identity_chain_pem = text_of(c.input("qe_chain")),
                                 .pck_crl = c.input("pck_crl"),
                                 .root_crl = c.input("root_crl")});
}

// The case's root is the only anchor, as the case says; without one, the built-in.
Anchors anchors_of(const VectorCase& c) {
  if (!c.has("root")) return *Anchors::vendor();
  Anchors anchors = Anchors::none();
  EXPECT_TRUE(
      anchors.add_named("case", crypto::Certificate::from_der(c.input("root"))->pem()).ok());
  return anchors;
}

struct Outcome {
  std::set<std::string> failed;  // reasons
  std::optional<Evidence> evidence;
};

struct Replay {
  Bytes quote;
  Tee tee = Tee::kTdx;
  std::optional<Collateral> collateral;
  Anchors anchors;
  std::int64_t now_unix_s = 0;
  Bytes report_data;
  Floor platform;
};

Replay replay_of(const VectorCase& c) {
  Replay run{.quote = c.input("quote"),
             .tee = c.text("family") == "sgx" ? Tee::kSgx : Tee::kTdx,
             .collateral = collateral_of(c),
             .anchors = anchors_of(c),
             .now_unix_s = c.time(),
             .report_data = {},
             .platform = {}};
  if (c.has("report_data_preimage")) {
    run.report_data = crypto::sha256(c.input("report_data_preimage"));
    run.report_data.resize(64);
  } else {
    run.report_data = report_data_of(*parse_quote(run.quote));
  }
  return run;
}

Outcome verify(const Replay& run, Appraisal appraisal) {
  const Expectation expectation{&run.anchors, run.now_unix_s, run.report_data};
  const Collateral* collateral = run.collateral ? &*run.collateral : nullptr;
  Outcome out;
  const auto keep = [&](auto result) {
    if (result.ok()) out.evidence = std::move(result->evidence);
    if (!result.ok()) out.failed.insert(result.error().reason);
  };
  if (run.tee == Tee::kSgx) {
    sgx::Floor floor;
    floor.platform = run.platform;
    keep(sgx::verify(run.quote, collateral, expectation, floor, appraisal));
  } else {
    tdx::Floor floor;
    floor.platform = run.platform;
    keep(tdx::verify(run.quote, collateral, expectation, floor, appraisal));
  }
  for (const Appraisal::Entry& entry : appraisal.entries()) {
    if (!entry.holds) out.failed.insert(entry.rule.reason);
  }
  return out;
}

Appraisal appraisal_of(const VectorCase& c) {
  const auto stage = stage_of(c.text("stage"));
  return stage ? Appraisal(*stage) : Appraisal();
}

std::string verdict(const Outcome& outcome) {
  bool choices = true;
  for (const std::string& reason : outcome.failed) choices &= is_choice(reason);
  if (outcome.failed.empty()) return "accept";
  return choices ? "policy" : "reject";
}

// Every rule that fails in the cases that are not accepted.
const std::map<std::string, std::set<std::string>>& reasons() {
  static const std::map<std::string, std::set<std::string>> map = {
      {"tdx/v4-spr-e4", {"dcap_trailing_bytes"}},
      {"tdx/v4-debug-trustee", {"tdx_debug", "dcap_collateral_missing"}},
      {"tdx/neg-collateral-expired", {"dcap_tcb_info_expired"}},
      {"tdx/tcb-neg-v5-alibaba", {"dcap_tcb_out_of_date"}},
      {"tdx/tcb-neg-v5-azure", {"dcap_tcb_level_none"}},
      {"tdx/tcb-neg-spr-e4", {"dcap_trailing_bytes", "dcap_tcb_level_none"}},
      {"sgx/ms-oe-debug", {"sgx_debug", "dcap_collateral_missing"}},
      {"sgx/fortanix-chain-order-debug", {"sgx_debug", "dcap_collateral_missing"}},
      {"sgx/ravl-icelake-debug", {"sgx_debug", "dcap_collateral_missing"}},
      {"sgx/neg-fortanix-corrupt", {"dcap_quote_signature"}},
      {"sgx/dcapqvl-tcb", {"dcap_tcb_configuration_and_sw_hardening_needed"}},
  };
  return map;
}

std::vector<VectorCase> all_cases() {
  std::vector<VectorCase> out = vector_cases("sgx");
  for (const VectorCase& c : vector_cases("tdx")) out.push_back(c);
  return out;
}

TEST(DcapVectors, EveryCaseReachesItsVerdict) {
  const auto cases = all_cases();
  if (cases.empty()) GTEST_SKIP() << "no hardware vectors at " << testing::vectors_directory();
  std::size_t refused = 0;
  for (const VectorCase& c : cases) {
    const std::string id = c.text("id");
    const Outcome outcome = verify(replay_of(c), appraisal_of(c));
    EXPECT_EQ(verdict(outcome), c.text("expect")) << id << ": " << c.text("why");
    const auto known = reasons().find(id);
    EXPECT_EQ(outcome.failed, known == reasons().end() ? std::set<std::string>() : known->second)
        << id;
    if (!outcome.failed.empty()) ++refused;
  }
  EXPECT_EQ(cases.size(), 25U);
  EXPECT_EQ(refused, reasons().size());
}

// ---- Facts: every field of a case is compared; one that nobody knows is a failure ----

json::Value hex(ByteView bytes) { return hex_encode(bytes); }

json::Object quote_facts(const Quote& quote) {
  json::Object out;
  out.set("version", quote.version);
  out.set("tee_type", quote.tee == Tee::kTdx ? "0x81" : "0x00");
  out.set("report_data", hex(report_data_of(quote)));
  out.set("qe_isvsvn", quote.qe_report.isv_svn);
  out.set("qe_isvprodid", quote.qe_report.isv_prod_id);
  out.set("trailing_bytes", quote.trailing_bytes);
  out.set("cert_data_type", quote.certification_type);
  if (quote.version == 5) {
    out.set("body_type", static_cast<int>(quote.body_type));
    out.set("body_size", quote.body.size());
  }
  Bytes bound =
      crypto::digest(crypto::Hash::kSha256, {quote.key_x, quote.key_y, quote.qe_authentication});
  bound.resize(64);
  out.set("qe_auth_ok", equal(bound, quote.qe_report.report_data));
  return out;
}

void add_body_facts(const Quote& quote, json::Object& out) {
  if (quote.tee == Tee::kSgx) {
    const EnclaveReport report = *parse_enclave_report(quote.body);
    out.set("debug", report.debug());
    out.set("mrenclave", hex(report.mr_enclave));
    out.set("mrsigner", hex(report.mr_signer));
    out.set("attributes", hex(report.attributes));
    out.set("isvprodid", report.isv_prod_id);
    out.set("isvsvn", report.isv_svn);
    return;
  }
  // By the names of the family's own claims, which these facts share.
  const tdx::TdReport report = *tdx::parse_td_report(quote);
  const json::Object own =
      tdx::own_claims({Evidence{.quote = quote, .pck = {}, .chain = {}, .tcb = {}}, report});
  for (const auto& [name, value] : own) {
    if (out.find(name) == nullptr) out.set(name, value);
  }
}

void add_chain_facts(const Quote& quote, json::Object& out) {
  const auto chain = *read_pem_chain(as_text(quote.certification_data));
  const Pck pck = *read_pck(chain.at(0));
  json::Array svns;
  for (const std::uint8_t svn : pck.tcb_components) svns.emplace_back(unsigned{svn});
  out.set("fmspc", hex(pck.fmspc));
  out.set("pceid", hex(pck.pce_id));
  out.set("pck_svns", std::move(svns));
  out.set("pcesvn", pck.pce_svn);
  out.set("pck_valid", json::Array{rfc3339(chain.at(0).not_before_s()).substr(0, 10),
                                   rfc3339(chain.at(0).not_after_s()).substr(0, 10)});
  // By position, as the facts were written.
  out.set("pck_ca", chain.at(1).subject_common_name());
  out.set("root_sha256", hex(crypto::sha256(chain.at(2).der())));
}

json::Object tcb_facts(const Replay& run) {
  json::Object out;
  Appraisal appraisal;
  const Expectation expectation{&run.anchors, run.now_unix_s, run.report_data};
  const Evidence evidence = *verify_signatures(*parse_quote(run.quote), expectation, appraisal);
  const auto checked = *check_collateral(*run.collateral, evidence, expectation, appraisal);
  std::optional<TdxTcb> module;
  if (evidence.quote.tee == Tee::kTdx) {
    const tdx::TdReport r = *tdx::parse_td_report(evidence.quote);
    module = TdxTcb{r.tee_tcb_svn, r.tee_tcb_svn2, r.mr_signer_seam, r.seam_attributes};
  }
  const TcbVerdict tcb = evaluate_tcb({&*checked.tcb_info, &*checked.qe_identity, &*evidence.pck,
                                       &evidence.quote.qe_report, module ? &*module : nullptr});
  const auto set = [&](const char* name, std::optional<TcbStatus> status) {
    out.set(name, status ? json::Value(tcb_status_name(*status)) : json::Value());
  };
  set("platform_tcb_status", tcb.platform);
  set("tdx_module_status", tcb.module);
  set("qe_tcb_status", tcb.qe);
  json::Array advisories;
  for (const std::string& id : tcb.advisories) advisories.emplace_back(id);
  out.set("advisories", advisories.empty() ? json::Value() : json::Value(std::move(advisories)));
  return out;
}

TEST(DcapVectors, EveryFactIsParsed) {
  const auto cases = all_cases();
  if (cases.empty()) GTEST_SKIP() << "no hardware vectors at " << testing::vectors_directory();
  std::size_t compared = 0;
  for (const VectorCase& c : cases) {
    if (c.facts().empty()) continue;
    const Replay run = replay_of(c);
    const Quote quote = *parse_quote(run.quote);
    json::Object have = quote_facts(quote);
    add_body_facts(quote, have);
    add_chain_facts(quote, have);
    if (run.collateral) {
      for (const auto& [name, value] : tcb_facts(run)) have.set(name, value);
    }
    have.set("ehd_sha256_is_report_data", equal(run.report_data, report_data_of(quote)));
    for (const auto& [name, value] : c.facts()) {
      const json::Value* found = have.find(name);
      ASSERT_NE(found, nullptr) << c.text("id") << ": nobody reads the fact " << name;
      EXPECT_TRUE(*found == value) << c.text("id") << " " << name << ": " << json::write(*found)
                                   << " instead of " << json::write(value);
      ++compared;
    }
  }
  EXPECT_GT(compared, 400U);
}

// A relying party may allow a status by name, and then the case is accepted.
TEST(DcapVectors, AllowedStatusIsAccepted) {
  for (const VectorCase& c : all_cases()) {
    if (c.text("id") != "sgx/dcapqvl-tcb") continue;
    Replay run = replay_of(c);
    run.platform.allowed_statuses.insert(TcbStatus::kConfigurationAndSwHardeningNeeded);
    EXPECT_EQ(verify(run, Appraisal()).failed, std::set<std::string>());
    run.platform.refused_advisories = {"INTEL-SA-00615"};
    EXPECT_EQ(verify(run, Appraisal()).failed, std::set<std::string>{"dcap_advisory_refused"});
    return;
  }
  GTEST_SKIP() << "no hardware vectors at " << testing::vectors_directory();
}

// Whoever runs every stage gets no verdict without collateral.
TEST(DcapVectors, CapturesWithoutCollateralAreRefusedByName) {
  std::size_t count = 0;
  for (const VectorCase& c : all_cases()) {
    Replay run = replay_of(c);
    if (c.text("expect") == "reject") continue;
    run.collateral.reset();
    const Outcome outcome = verify(run, Appraisal());
    EXPECT_TRUE(outcome.failed.contains("dcap_collateral_missing")) << c.text("id");
    EXPECT_FALSE(outcome.evidence) << c.text("id");
    ++count;
  }
  if (count == 0) GTEST_SKIP() << "no hardware vectors at " << testing::vectors_directory();
  EXPECT_GE(count, 15U);
}

// One bit of every byte of genuine quotes, bytes behind them included; every bit of every byte when
// APM_EXHAUSTIVE is set. None is accepted: all of a quote is signed, or has one spelling.
TEST(DcapVectors, NoBitOfAGenuineQuoteIsFree) {
  const bool exhaustive = std::getenv("APM_EXHAUSTIVE") != nullptr;
  std::size_t flips = 0;
  for (const VectorCase& c : all_cases()) {
    const std::set<std::string> wanted{"sgx/ms-oe-release", "tdx/v4-dcapqvl"};
    if (!wanted.contains(c.text("id"))) continue;
    Replay replay = replay_of(c);
    ASSERT_TRUE(verify(replay, Appraisal(Stage::kFreshness)).failed.empty()) << c.text("id");
    for (std::size_t bit = 0; bit < replay.quote.size() * 8; ++bit) {
      if (!exhaustive && bit % 8 != bit / 8 % 8) continue;
      const auto mask = static_cast<std::uint8_t>(1U << (bit % 8));
      replay.quote[bit / 8] ^= mask;
      EXPECT_FALSE(verify(replay, Appraisal(Stage::kFreshness)).failed.empty())
          << c.text("id") << " bit " << bit;
      replay.quote[bit / 8] ^= mask;
      ++flips;
    }
  }
  if (flips == 0) GTEST_SKIP() << "no hardware vectors at " << testing::vectors_directory();
  EXPECT_GE(flips, 9'000U);
}

// Of the collateral nothing is free either: the signatures, and every 23rd byte of the texts.
TEST(DcapVectors, NoByteOfGenuineCollateralIsFree) {
  std::size_t flips = 0;
  for (const VectorCase& c : all_cases()) {
    if (c.text("id") != "tdx/tcb-v4-dstack-report") continue;
    Replay replay = replay_of(c);
    ASSERT_TRUE(verify(replay, Appraisal()).failed.empty());
    Bytes* const parts[] = {&replay.collateral->tcb_info.signature,
                            &replay.collateral->qe_identity.signature,
                            &replay.collateral->root_crl};
    for (Bytes* part : parts) {
      for (std::size_t at = 0; at < part->size(); ++at, ++flips) {
        (*part)[at] ^= 1;
        EXPECT_FALSE(verify(replay, Appraisal()).failed.empty()) << at;
        (*part)[at] ^= 1;
      }
    }
    for (std::string* body :
         {&replay.collateral->tcb_info.body, &replay.collateral->qe_identity.body}) {
      for (std::size_t at = 0; at < body->size(); at += 23, ++flips) {
        (*body)[at] = static_cast<char>((*body)[at] ^ 1);
        EXPECT_FALSE(verify(replay, Appraisal()).failed.empty()) << at;
        (*body)[at] = static_cast<char>((*body)[at] ^ 1);
      }
    }
  }
  if (flips == 0) GTEST_SKIP() << "no hardware vectors at " << testing::vectors_directory();
  EXPECT_GE(flips, 450U);
}

// The TD quote beside an Azure VM's HCL report: genuine, and bound to that report.
TEST(DcapVectors, QuoteOfAnAzureVm) {
  const auto raw = vector_file("azure/tdx-a-trustee.td-quote.bin");
  if (!raw.ok()) GTEST_SKIP() << "no hardware vectors at " << testing::vectors_directory();
  const Bytes hcl = *vector_file("azure/tdx-a-trustee.hcl.bin");
  constexpr std::size_t kReportDataOfTdReport = 160;
  const Replay replay{.quote = *raw,
                      .tee = Tee::kTdx,
                      .collateral = std::nullopt,
                      .anchors = *Anchors::vendor(),
                      .now_unix_s = *parse_rfc3339_s("2026-11-01T00:00:00Z"),
                      .report_data = to_bytes(ByteView(hcl).subspan(kReportDataOfTdReport, 64)),
                      .platform = {}};
  const Outcome outcome = verify(replay, Appraisal(Stage::kFreshness));
  EXPECT_EQ(outcome.failed, std::set<std::string>());
  EXPECT_EQ(outcome.evidence->quote.trailing_bytes, 70U);
}

TEST(DcapVectors, CcelReplaysToTheRegisters) {
  const auto raw = vector_file("tdx/v4-cos113.ccel.bin");
  if (!raw.ok()) GTEST_SKIP() << "no hardware vectors at " << testing::vectors_directory();
  const tdx::TdReport report =
      *tdx::parse_td_report(*parse_quote(*vector_file("tdx/v4-cos113.quote.bin")));
  const auto log = tdx::parse_ccel(*raw);
  ASSERT_TRUE(log.ok()) << log.error().message;
  EXPECT_EQ(log->events.size(), 43U);
  EXPECT_TRUE(tdx::check_ccel(*log, report, {0, 1, 2, 3}).ok());
  tdx::Ccel shorter = *log;
  shorter.events.pop_back();
  EXPECT_EQ(tdx::check_ccel(shorter, report, {0, 1, 2}).error().reason, "ccel_mismatch");
  const tdx::TdReport other =
      *tdx::parse_td_report(*parse_quote(*vector_file("tdx/v4-dcapqvl.quote.bin")));
  EXPECT_EQ(tdx::check_ccel(*log, other, {0}).error().reason, "ccel_mismatch");
}

}  // namespace
}  // namespace apm::attestation::dcap
