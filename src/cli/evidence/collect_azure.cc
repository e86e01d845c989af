#include "cli/evidence/collect_azure.h"

#include "base/encoding.h"
#include "base/text.h"
#include "crypto/random.h"
#include "crypto/x509.h"
#include "tee/limits.h"
#include "workload/session.h"

namespace apm::cli::evidence {
namespace {

constexpr std::size_t kFreshNonceBytes = 32;

Result<Bytes> nonce_of(const Arguments& args) {
  if (!args.has("nonce")) return crypto::random_bytes(kFreshNonceBytes);
  auto nonce = hex_decode(args.get("nonce"));
  if (nonce.ok() && !nonce->empty() && nonce->size() <= tee::kQualifyingDataMax) return nonce;
  return Error(Code::kInvalidArgument, "usage",
               concat("-nonce must be 1 to ", tee::kQualifyingDataMax, " bytes in hexadecimal"));
}

// verify takes one certificate a file.
Status add_amd(const std::string& chain_pem, std::vector<AzureFile>& out) {
  APM_TRY(const auto chain, crypto::Certificate::list_from_pem(chain_pem));
  if (chain.empty()) {
    return Error(Code::kUnavailable, "thim_unavailable",
                 "IMDS gives no VCEK chain: its answer holds no certificate");
  }
  for (std::size_t i = 0; i < chain.size() && i < 2; ++i) {
    out.push_back({i == 0 ? "vek" : "intermediate", i == 0 ? ".vcek.pem" : ".ask.pem",
                   to_bytes(as_bytes(chain[i].pem()))});
  }
  return {};
}

}  // namespace

Result<std::vector<AzureFile>> azure_files(const workload::MachineQuote& machine,
                                           const workload::Platform& platform) {
  Bytes pcrs;
  for (const auto& [index, value] : machine.pcrs) append(pcrs, value);
  std::vector<AzureFile> out{{"", "", machine.hcl_report},
                             {"tpm_msg", ".tpm-msg", machine.quote.attest},
                             {"tpm_sig", ".tpm-sig", machine.quote.signature},
                             {"pcrs", ".pcrs", std::move(pcrs)}};
  if (!machine.event_log.empty()) out.push_back({"eventlog", ".eventlog", machine.event_log});
  if (!platform.td_quote.empty()) out.push_back({"td_quote", ".td-quote", platform.td_quote});
  if (!platform.vcek_chain_pem.empty()) APM_CHECK_OK(add_amd(platform.vcek_chain_pem, out));
  return out;
}

Result<AzureCollection> collect_azure(const Arguments& args) {
  AzureCollection out;
  APM_TRY(out.nonce, nonce_of(args));
  workload::SessionConfig where;  // for the usual places
  if (args.has("tcti")) where.tpm.tcti = args.get("tcti");
  APM_TRY(tee::Tpm tpm, tee::Tpm::open(where.tpm));
  APM_TRY(const workload::MachineQuote machine,
          workload::quote_machine(tpm, out.nonce, args.get("event-log", where.event_log_path)));
  APM_TRY(net::HttpClient imds, net::HttpClient::create({}));
  APM_TRY(
      const workload::Platform platform,
      workload::fetch_platform(imds, args.get("imds", where.imds_endpoint), machine.hcl_report));
  out.family = platform.family;
  APM_TRY(out.files, azure_files(machine, platform));
  return out;
}

}  // namespace apm::cli::evidence
