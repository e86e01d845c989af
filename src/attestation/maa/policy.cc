#include "attestation/maa/policy.h"

#include "base/encoding.h"
#include "base/text.h"
#include "crypto/digest.h"

namespace apm::attestation::maa {
namespace {

constexpr std::string_view kVersion = "1.0";

std::string one_of(const std::set<std::string>& values) {
  std::string out = "one of:";
  for (const std::string& value : values) out += concat(" ", value);
  return out;
}

std::string yes_or_no(bool yes) { return yes ? "yes" : "no"; }

const Bytes& measurement_of(const Token& token) {
  if (token.snp) return token.snp->launch_measurement;
  return token.tdx ? token.tdx->mrtd : token.sgx->mrenclave;
}

const Bytes& report_data_of(const Token& token) {
  if (token.snp) return token.snp->report_data;
  return token.tdx ? token.tdx->report_data : token.sgx->report_data;
}

// ---- Binding and freshness ----

// x-ms-sgx-ehd is what the enclave held: its hash is in the report data, zero padded.
void check_held_data(const SgxClaims& sgx, Appraisal& appraisal) {
  if (sgx.held_data.empty()) return;
  Bytes wanted = crypto::sha256(sgx.held_data);
  wanted.resize(sgx.report_data.size(), 0);
  appraisal.expect(equal(wanted, sgx.report_data),
                   {Stage::kBinding, "maa_sgx_held_data", hex_encode(sgx.report_data),
                    "report data that is the hash of x-ms-sgx-ehd, zero padded"});
}

void check_bytes(const std::optional<Bytes>& wanted, const std::optional<Bytes>& found, Rule rule,
                 Appraisal& appraisal) {
  if (!wanted) return;
  rule.found = found ? hex_encode(*found) : "absent";
  rule.wanted = wanted->empty() ? "a value to compare with" : hex_encode(*wanted);
  const bool holds = found && !wanted->empty() && equal(*found, *wanted);
  appraisal.expect(holds, std::move(rule));
}

void check_age(const TokenInput& input, Appraisal& appraisal) {
  const std::int64_t age_s = input.expected.now_unix_s - input.issued_at_s;
  appraisal.expect(age_s <= input.expected.floor.age_s_max,
                   {Stage::kFreshness, "maa_too_old", concat("issued ", age_s, " s ago"),
                    concat("at most ", input.expected.floor.age_s_max, " s")});
}

// ---- Patch levels ----

void check_snp_svns(const SnpClaims::Svns& have, const SnpClaims::Svns& floor,
                    Appraisal& appraisal) {
  struct Component {
    std::string_view name;
    std::uint64_t have, floor;
  };
  const Component components[] = {{"bootloader", have.bootloader, floor.bootloader},
                                  {"tee", have.tee, floor.tee},
                                  {"snpfw", have.snp_firmware, floor.snp_firmware},
                                  {"microcode", have.microcode, floor.microcode},
                                  {"guest", have.guest, floor.guest}};
  for (const Component& c : components) {
    appraisal.expect(c.have >= c.floor,
                     {Stage::kTcb, "maa_svn_too_old", concat(c.name, " svn ", c.have),
                      concat("at least ", c.floor)});
  }
}

void check_tcb(const Token& token, const Floor& floor, Appraisal& appraisal) {
  if (token.snp) check_snp_svns(token.snp->svns, floor.snp_svns, appraisal);
  if (token.sgx) {
    appraisal.expect(token.sgx->svn >= floor.sgx_svn,
                     {Stage::kTcb, "maa_svn_too_old", concat("enclave svn ", token.sgx->svn),
                      concat("at least ", floor.sgx_svn)});
  }
  if (token.tdx) {
    const std::string& status = token.tdx->tcb_status;
    appraisal.expect(floor.tdx_tcb_statuses.contains(status),
                     {Stage::kTcb, "maa_tdx_tcb_status", status.empty() ? "absent" : status,
                      one_of(floor.tdx_tcb_statuses)});
  }
}

// ---- Policy ----

void check_source(const TokenInput& input, Appraisal& appraisal) {
  const Token& token = input.token;
  appraisal.expect(token.version == kVersion,
                   {Stage::kPolicy, "maa_version", token.version, std::string(kVersion)});
  const auto& types = input.expected.floor.types;
  appraisal.expect(types.empty() || types.contains(token.attestation_type),
                   {Stage::kPolicy, "maa_type_not_allowed", token.attestation_type,
                    types.empty() ? "any type that is known" : one_of(types)});
  const auto& hashes = input.issuer.policy_hashes;
  appraisal.expect(!hashes || hashes->contains(token.policy_hash),
                   {Stage::kPolicy, "maa_policy_hash", token.policy_hash,
                    hashes ? one_of(*hashes) : "any policy of this issuer"});
}

void check_snp(const SnpClaims& snp, const Floor& floor, Appraisal& appraisal) {
  appraisal.expect(floor.allow_migration || !snp.migration_allowed,
                   {Stage::kPolicy, "maa_migration", yes_or_no(snp.migration_allowed),
                    "a VM that no migration agent may move"});
  appraisal.expect(
      snp.vmpl <= floor.vmpl_max,
      {Stage::kPolicy, "maa_vmpl", std::to_string(snp.vmpl), concat("at most ", floor.vmpl_max)});
  const std::string host_data = hex_encode(snp.host_data);
  appraisal.expect(floor.host_data.empty() || floor.host_data.contains(host_data),
                   {Stage::kPolicy, "maa_host_data_not_pinned", host_data,
                    floor.host_data.empty() ? "any value" : one_of(floor.host_data)});
}

void check_signer(const Token& token, const Floor& floor, Appraisal& appraisal) {
  if (floor.sgx_signers.empty()) return;
  const std::string found = token.sgx ? hex_encode(token.sgx->mrsigner) : "absent";
  appraisal.expect(floor.sgx_signers.contains(found),
                   {Stage::kPolicy, "maa_sgx_signer_not_pinned", found, one_of(floor.sgx_signers)});
}

void check_secure_boot(const Token& token, const Floor& floor, Appraisal& appraisal) {
  if (!floor.require_secure_boot) return;
  const bool on = token.vm && token.vm->secure_boot;
  appraisal.expect(on, {Stage::kPolicy, "maa_secure_boot", yes_or_no(on), "Secure Boot on"});
}

void check_policy(const TokenInput& input, Appraisal& appraisal) {
  const Token& token = input.token;
  const Floor& floor = input.expected.floor;
  check_source(input, appraisal);
  appraisal.expect(floor.allow_debug || !token.debuggable(),
                   {Stage::kPolicy, "maa_debug", yes_or_no(token.debuggable()),
                    "nothing debuggable: TEE, boot, kernel, hypervisor, test signing"});
  if (token.tee != Tee::kSgx) {
    appraisal.expect(
        floor.compliance.contains(token.compliance),
        {Stage::kPolicy, "maa_compliance", token.compliance.empty() ? "absent" : token.compliance,
         one_of(floor.compliance)});
  }
  if (token.snp) check_snp(*token.snp, floor, appraisal);
  check_secure_boot(token, floor, appraisal);
  check_signer(token, floor, appraisal);
  const std::string measurement = hex_encode(measurement_of(token));
  appraisal.expect(floor.measurements.empty() || floor.measurements.contains(measurement),
                   {Stage::kPolicy, "maa_measurement_not_pinned", measurement,
                    floor.measurements.empty() ? "any value" : one_of(floor.measurements)});
}

}  // namespace

void check_token(const TokenInput& input, Appraisal& appraisal) {
  if (appraisal.covers(Stage::kBinding)) {
    if (input.token.sgx) check_held_data(*input.token.sgx, appraisal);
    check_bytes(input.expected.report_data, report_data_of(input.token),
                {Stage::kBinding, "maa_report_data", "", ""}, appraisal);
  }
  if (appraisal.covers(Stage::kFreshness)) {
    check_bytes(input.expected.nonce, input.token.nonce, {Stage::kFreshness, "maa_nonce", "", ""},
                appraisal);
    check_age(input, appraisal);
  }
  if (appraisal.covers(Stage::kTcb)) check_tcb(input.token, input.expected.floor, appraisal);
  if (appraisal.covers(Stage::kPolicy)) check_policy(input, appraisal);
}

}  // namespace apm::attestation::maa
