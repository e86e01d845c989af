#pragma once

// The simulated attestation service: checks AzureGuest evidence for real (SNP chain and signature,
// the AK named in the report, quote, key certification, replay of the event log), then issues a
// token that only the attested TPM can open. Borrows all; any thread.
//
// Errors of verify_guest: kRefused; the reason names the check:
//   maa_body, maa_type, maa_vcek_chain, maa_vcek_tcb, maa_snp_signature, maa_snp_policy,
//   maa_report_data, maa_ak_certificate, maa_ak_mismatch, maa_quote, maa_quote_signature,
//   maa_pcr_digest, maa_certify, maa_certify_signature, maa_key_name, maa_key_attributes,
//   maa_event_log, maa_secure_boot; and those of crypto/keys.h for keys that are none

#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "sim/hardware.h"
#include "sim/wire.h"

namespace apm::sim {

struct GuestFacts {
  Bytes snp_report;
  json::Value runtime;  // the HCL's JSON
  json::Value client_payload;
  std::map<unsigned, Bytes> pcrs;
  Bytes key_modulus;                 // of the transfer key
  bool policy_matches_pcrs = false;  // a warning only
  std::string os_type, os_distro, os_build, vm_id;
  std::int64_t os_major = 0, os_minor = 0;
};

// `info`: the inner JSON of the request.
[[nodiscard]] Result<GuestFacts> verify_guest(const Hardware& hardware, const json::Value& info,
                                              std::int64_t now_s);

struct TokenFaults {
  bool expired = false;
  bool wrong_issuer = false;
  bool no_pcr_values = false;
};
[[nodiscard]] Result<std::string> make_guest_token(const Settings& settings,
                                                   const Hardware& hardware,
                                                   const GuestFacts& facts, std::int64_t now_s,
                                                   const TokenFaults& faults);

class Maa {
 public:
  Maa(const Settings& settings, const Hardware& hardware, const Clock& clock)
      : settings_(settings), hardware_(hardware), clock_(clock) {}
  [[nodiscard]] HttpResponse handle(const HttpRequest& request) const;

 private:
  [[nodiscard]] HttpResponse attest(const HttpRequest& request) const;
  [[nodiscard]] HttpResponse certs() const;

  const Settings& settings_;
  const Hardware& hardware_;
  const Clock& clock_;
};

[[nodiscard]] std::string maa_key_id(const Hardware& hardware);

}  // namespace apm::sim
