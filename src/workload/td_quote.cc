#include "workload/td_quote.h"

#include "attestation/appraisal.h"
#include "attestation/azure_vtpm/hcl_report.h"
#include "attestation/limits.h"
#include "base/encoding.h"
#include "base/json.h"
#include "base/text.h"
#include "workload/limits.h"

namespace apm::workload {
namespace {

namespace azure = attestation::azure_vtpm;

Error malformed(std::string_view what) {
  return Error(Code::kUnavailable, "td_quote_malformed",
               concat("IMDS, TD quote: ", what,
                      ". Is the metadata address Azure's, and this machine one of its TDX sizes?"));
}

// The TDREPORT, as the paravisor put it into the HCL report.
Result<Bytes> td_report_of(ByteView hcl_report) {
  attestation::Appraisal appraisal;
  APM_TRY(azure::HclReport hcl, azure::parse_hcl_report(hcl_report, appraisal));
  if (hcl.hardware == azure::Hardware::kTdx) return std::move(hcl.hardware_report);
  return Error(Code::kPrecondition, "td_quote_not_tdx",
               "the vTPM's HCL report is not of a TDX machine: there is no TD quote to ask for");
}

}  // namespace

Result<Bytes> fetch_td_quote(net::HttpClient& client, const std::string& imds_endpoint,
                             ByteView hcl_report) {
  APM_TRY(const Bytes td_report, td_report_of(hcl_report));
  net::Request request;
  request.method = "POST";
  request.url = concat(imds_endpoint, "/acc/tdquote");
  request.what = "IMDS: this machine's TD quote";
  request.headers.emplace_back("Content-Type", "application/json");
  request.headers.emplace_back("Metadata", "true");
  request.body = json::write(json::Object{{"report", base64url_encode(td_report)}});
  request.retry.attempts_max = kAttemptsMax;
  request.response_bytes_max = kTdQuoteAnswerBytesMax;
  APM_TRY(const net::Response answer, client.send(request, Deadline::after(kImdsTimeout)));
  if (answer.status != 200) {
    return Error(Code::kUnavailable, "td_quote_unavailable",
                 concat("IMDS gives no TD quote: HTTP ", answer.status,
                        ". Try again; if it stays so, ask Azure about this machine's host"));
  }
  const auto body = json::parse(answer.body);
  const std::string* text = body.ok() ? body->string_at("quote") : nullptr;
  if (text == nullptr) return malformed("the answer is not JSON with a quote");
  auto quote = base64_decode_any(*text);  // nothing is compared with this text
  if (!quote.ok() || quote->empty()) return malformed("the quote is not base64");
  if (quote->size() > attestation::kQuoteBytesMax) return malformed("the quote is too long");
  return quote;
}

}  // namespace apm::workload
