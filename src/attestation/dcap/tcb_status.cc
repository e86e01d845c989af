#include "attestation/dcap/tcb_status.h"

#include <array>

namespace apm::attestation::dcap {
namespace {

constexpr std::array kAll{TcbStatus::kUpToDate,
                          TcbStatus::kSwHardeningNeeded,
                          TcbStatus::kConfigurationNeeded,
                          TcbStatus::kConfigurationAndSwHardeningNeeded,
                          TcbStatus::kTdRelaunchAdvised,
                          TcbStatus::kTdRelaunchAdvisedConfigurationNeeded,
                          TcbStatus::kOutOfDate,
                          TcbStatus::kOutOfDateConfigurationNeeded,
                          TcbStatus::kRevoked};

struct Words {
  std::string_view name;
  std::string_view reason;
};

Words words_of(TcbStatus status) {
  switch (status) {
    case TcbStatus::kUpToDate: return {"UpToDate", "dcap_tcb_up_to_date"};
    case TcbStatus::kSwHardeningNeeded:
      return {"SWHardeningNeeded", "dcap_tcb_sw_hardening_needed"};
    case TcbStatus::kConfigurationNeeded:
      return {"ConfigurationNeeded", "dcap_tcb_configuration_needed"};
    case TcbStatus::kConfigurationAndSwHardeningNeeded:
      return {"ConfigurationAndSWHardeningNeeded",
              "dcap_tcb_configuration_and_sw_hardening_needed"};
    case TcbStatus::kTdRelaunchAdvised:
      return {"TDRelaunchAdvised", "dcap_tcb_td_relaunch_advised"};
    case TcbStatus::kTdRelaunchAdvisedConfigurationNeeded:
      return {"TDRelaunchAdvisedConfigurationNeeded",
              "dcap_tcb_td_relaunch_advised_configuration_needed"};
    case TcbStatus::kOutOfDate: return {"OutOfDate", "dcap_tcb_out_of_date"};
    case TcbStatus::kOutOfDateConfigurationNeeded:
      return {"OutOfDateConfigurationNeeded", "dcap_tcb_out_of_date_configuration_needed"};
    case TcbStatus::kRevoked: return {"Revoked", "dcap_tcb_revoked"};
  }
  return {};
}

TcbStatus out_of_date(TcbStatus whole) {
  if (whole == TcbStatus::kRevoked) return whole;
  return configuration_needed(whole) ? TcbStatus::kOutOfDateConfigurationNeeded
                                     : TcbStatus::kOutOfDate;
}

}  // namespace

std::string_view tcb_status_name(TcbStatus status) { return words_of(status).name; }
std::string_view tcb_status_reason(TcbStatus status) { return words_of(status).reason; }

std::optional<TcbStatus> tcb_status_of(std::string_view name) {
  for (const TcbStatus status : kAll) {
    if (tcb_status_name(status) == name) return status;
  }
  return std::nullopt;
}

TcbStatus converge(TcbStatus whole, TcbStatus part) {
  if (part == TcbStatus::kRevoked) return TcbStatus::kRevoked;
  return part == TcbStatus::kUpToDate ? whole : out_of_date(whole);
}

bool configuration_needed(TcbStatus status) {
  return status == TcbStatus::kConfigurationNeeded ||
         status == TcbStatus::kConfigurationAndSwHardeningNeeded ||
         status == TcbStatus::kOutOfDateConfigurationNeeded ||
         status == TcbStatus::kTdRelaunchAdvisedConfigurationNeeded;
}

}  // namespace apm::attestation::dcap
