#include "attestation/dcap/claims.h"

#include "attestation/claims.h"
#include "base/encoding.h"

namespace apm::attestation::dcap {
namespace {

constexpr int kIntelEnterpriseNumber = 343;  // IANA private enterprise numbers

json::Object tcb_claims(const TcbVerdict& tcb, std::uint64_t evaluation_number) {
  json::Object out;
  const auto set = [&](const char* name, std::optional<TcbStatus> status) {
    if (status) out.set(name, tcb_status_name(*status));
  };
  set("status", tcb.status);
  set("platform", tcb.platform);
  set("tdx_module", tcb.module);
  set("qe", tcb.qe);
  json::Array advisories;
  for (const std::string& id : tcb.advisories) advisories.emplace_back(id);
  out.set("advisories", std::move(advisories));
  out.set("evaluation_number", evaluation_number);
  return out;
}

}  // namespace

json::Object hardware_claims(std::string_view model) {
  return {{std::string(kOemId), kIntelEnterpriseNumber},
          {std::string(kHwModel), base64url_encode(as_bytes(model))}};
}

json::Object common_claims(const Evidence& evidence, std::string_view model, bool debug) {
  json::Object out = hardware_claims(model);
  out.set(std::string(kEatProfile), kClaimsProfile);
  out.set(std::string(kEatNonce), base64url_encode(report_data_of(evidence.quote)));
  out.set(std::string(kDebugStatus), debug ? kDebugEnabled : kDebugDisabled);
  return out;
}

json::Object platform_claims(const Evidence& evidence) {
  json::Object out;
  out.set("quote_version", evidence.quote.version);
  out.set("trailing_bytes", evidence.quote.trailing_bytes);
  out.set("qe_isvsvn", evidence.quote.qe_report.isv_svn);
  if (evidence.chain) out.set("anchor", evidence.chain->anchor->name);
  if (evidence.pck) {
    const Pck& pck = *evidence.pck;
    out.set("fmspc", hex_encode(pck.fmspc));
    out.set("pceid", hex_encode(pck.pce_id));
    out.set("pcesvn", pck.pce_svn);
    out.set("tcb_components", hex_encode(pck.tcb_components));
    out.set("ppid", hex_encode(pck.ppid));
    if (pck.platform_instance) out.set("platform_instance", hex_encode(*pck.platform_instance));
  }
  if (evidence.tcb) out.set("tcb", tcb_claims(*evidence.tcb, evidence.evaluation_number));
  return out;
}

}  // namespace apm::attestation::dcap
