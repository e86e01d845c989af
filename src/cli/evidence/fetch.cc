#include "cli/evidence/fetch.h"

#include <array>

#include "attestation/snp/report.h"
#include "base/clock.h"
#include "base/encoding.h"
#include "base/text.h"
#include "cli/evidence/case.h"
#include "cli/evidence/limits.h"
#include "endorsements/collateral.h"

namespace apm::cli::evidence {
namespace {

namespace snp = attestation::snp;
using endorsements::Collector;

constexpr std::size_t kHclReportAt = 32;  // the hardware's report in an HCL report
constexpr std::array kIntelInputs = {"collateral", "tcb_info", "tcb_chain", "qe_identity",
                                     "qe_chain",   "pck_crl",  "root_crl"};

Error usage(std::string message) {
  return Error(Code::kInvalidArgument, "usage", std::move(message));
}

// The case's own time for the documents' dates, real time for deadlines.
class CaseClock final : public Clock {
 public:
  explicit CaseClock(std::int64_t now_unix_s) : now_unix_s_(now_unix_s) {}
  [[nodiscard]] std::int64_t unix_ns() const override { return now_unix_s_ * 1'000'000'000; }
  [[nodiscard]] SteadyTime steady() const override { return std::chrono::steady_clock::now(); }

 private:
  std::int64_t now_unix_s_;
};

template <class Names>
Status none_given(const json::Object& inputs, const Names& names) {
  for (const char* name : names) {
    if (inputs.find(name) != nullptr) {
      return usage(concat(name, " is given, and --fetch-collateral would fetch it: leave one out"));
    }
  }
  return {};
}

void set_bytes(json::Object& inputs, std::string name, ByteView bytes) {
  inputs.set(std::move(name), concat("hex:", hex_encode(bytes)));
}

Status add_amd(FetchRequest& request, ByteView report, Collector& collector,
               const Deadline& deadline) {
  APM_CHECK_OK(none_given(request.inputs, std::array{"vek", "thim", "crl"}));
  APM_TRY(const auto amd, collector.for_snp_report(report, deadline));
  set_bytes(request.inputs, "vek", amd.vcek);
  set_bytes(request.inputs, "crl", amd.crl);
  return {};
}

// The table brings the certificates; the list is what it cannot bring.
Status add_amd_crl(FetchRequest& request, Collector& collector, const Deadline& deadline) {
  APM_CHECK_OK(none_given(request.inputs, std::array{"crl"}));
  attestation::Appraisal appraisal;
  const ByteView report = ByteView(request.evidence).first(snp::kReportSize);
  APM_TRY(const snp::Report parsed, snp::parse_report(report, appraisal));
  const auto product = parsed.cpuid ? snp::product_of(*parsed.cpuid) : std::nullopt;
  if (!product) {
    return usage(
        "this report does not say its product, so that its list cannot be asked for: give "
        "crl=FILE");
  }
  APM_TRY(const Bytes crl, collector.amd_crl(*product, deadline));
  set_bytes(request.inputs, "crl", crl);
  return {};
}

Status add_intel(FetchRequest& request, ByteView quote, Collector& collector,
                 const Deadline& deadline) {
  APM_CHECK_OK(none_given(request.inputs, kIntelInputs));
  APM_TRY(const auto files, collector.for_quote(quote, deadline));
  set_bytes(request.inputs, "tcb_info", as_bytes(files.tcb_info));
  set_bytes(request.inputs, "tcb_chain", as_bytes(files.tcb_info_chain_pem));
  set_bytes(request.inputs, "qe_identity", as_bytes(files.qe_identity));
  set_bytes(request.inputs, "qe_chain", as_bytes(files.qe_identity_chain_pem));
  set_bytes(request.inputs, "pck_crl", files.pck_crl);
  set_bytes(request.inputs, "root_crl", files.root_crl);
  return {};
}

Status add_azure(FetchRequest& request, Collector& collector, const Deadline& deadline) {
  if (request.inputs.find("td_quote") != nullptr) {
    APM_TRY(const Case c, Case::from_words("azure", {request.kind.input, request.evidence},
                                           request.inputs, request.now_unix_s));
    APM_TRY(const Bytes quote, c.bytes("td_quote"));
    return add_intel(request, quote, collector, deadline);
  }
  if (request.evidence.size() < kHclReportAt + snp::kReportSize) {
    return usage("the HCL report is too short to hold a hardware report");
  }
  return add_amd(request, ByteView(request.evidence).subspan(kHclReportAt, snp::kReportSize),
                 collector, deadline);
}

Status add_maa(FetchRequest& request, const std::string& issuer, Collector& collector,
               const Deadline& deadline) {
  APM_CHECK_OK(none_given(request.inputs, std::array{"jwks"}));
  APM_TRY(const std::string keys, collector.maa_keys(issuer, "", deadline));
  set_bytes(request.inputs, "jwks", as_bytes(keys));
  return {};
}

Status add(FetchRequest& request, Collector& collector, const Deadline& deadline) {
  const std::string& family = request.kind.family;
  if (family == "snp" && request.kind.input == "extended") {
    return add_amd_crl(request, collector, deadline);
  }
  if (family == "snp") return add_amd(request, request.evidence, collector, deadline);
  if (family == "azure") return add_azure(request, collector, deadline);
  if (family == "sgx" || family == "tdx") {
    return add_intel(request, request.evidence, collector, deadline);
  }
  if (family == "maa") {
    return add_maa(request, request.sources.maa_issuers.front(), collector, deadline);
  }
  return usage(concat("--fetch-collateral: evidence of family ", family,
                      " brings all that it is judged by"));
}

}  // namespace

Result<json::Object> with_fetched(FetchRequest request) {
  if (request.kind.family == "maa") {
    const json::Value* issuer = request.inputs.find("expected_issuer");
    if (issuer == nullptr || issuer->as_string() == nullptr) {
      return usage("--fetch-collateral: give expected_issuer=URL, whose keys are to be fetched");
    }
    request.sources.maa_issuers = {*issuer->as_string()};
  }
  APM_CHECK_OK(endorsements::check_sources(request.sources));
  const CaseClock clock(request.now_unix_s);
  Collector collector(request.sources, endorsements::http_fetcher(request.sources.ca_file), clock);
  APM_CHECK_OK(add(request, collector, Deadline::after(kFetchTime)));
  return std::move(request.inputs);
}

}  // namespace apm::cli::evidence
