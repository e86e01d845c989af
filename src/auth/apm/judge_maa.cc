#include "auth/apm/judge_maa.h"

#include <algorithm>

#include "auth/apm/wire_values.h"
#include "base/encoding.h"
#include "base/text.h"

namespace apm::auth_apm {
namespace {

namespace maa = attestation::maa;
using attestation::Appraisal;
using attestation::Stage;

Error not_enabled() {
  return Error(Code::kInvalidArgument, "maa_login_unsupported",
               "login: this server takes no tokens of Azure Attestation: its configuration file "
               "names no provider (stanza maa). Log in with the machine's own evidence "
               "(azure-snp-vtpm, azure-tdx-vtpm)");
}

// The server's file first: whoever it names is held to its pins in a file of evidence, too.
std::vector<maa::Issuer> issuers(const Judge& judge, const maa::Jwks& keys) {
  std::vector<maa::Issuer> out;
  if (judge.anchors.maa != nullptr) {
    for (const MaaProvider& provider : *judge.anchors.maa) {
      out.push_back({provider.url, &keys, provider.policy_hashes, provider.certificates});
    }
  }
  if (judge.challenged) return out;
  for (const std::string& url : judge.config.maa_trust.issuers) {
    out.push_back({url, &keys, judge.config.maa_trust.policy_hashes});
  }
  return out;
}

// Whether a setting asks nothing of the machine that a token stands for: it is of tokens, of other
// hardware, of every login, or allows more. Whatever is not named here counts, a new one too.
bool is_not_of_the_machine(std::string_view name) {
  for (const std::string_view prefix : {"maa_", "sgx_", "nitro_"}) {
    if (name.starts_with(prefix)) return true;
  }
  static constexpr std::string_view kNames[] = {
      "allow_vlek",      "vmpl_max",         "allowed_families", "allowed_public_signers",
      "claims_policy",   "explain_refusals", "token_ttl",        "epid-api-key-set",
      "dcap-api-key-set"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

// What an operator asked of machines in terms of their own evidence, and a token does not prove.
std::string settings_beyond_a_token(const Config& config) {
  const json::Object safe = describe(Config{});
  std::string out;
  for (const auto& [name, value] : describe(config)) {
    const json::Value* usual = safe.find(name);
    const bool unset = usual != nullptr && json::write(*usual) == json::write(value);
    if (!unset && !is_not_of_the_machine(name)) out += concat(out.empty() ? "" : ", ", name);
  }
  return out;
}

Result<crypto::PublicKey> key_of_caller(const maa::Verified& verified, const Challenged& challenged,
                                        Appraisal& appraisal) {
  const auto key = verified.sealing_key();
  APM_CHECK_OK(appraisal.require(key.ok() ? Status() : Status(key.error()), Stage::kBinding,
                                 "maa_sealing_key"));
  const Bytes named = (*key)->spki_der();
  APM_CHECK_OK(appraisal.require(
      equal(named, challenged.caller_key),
      {Stage::kBinding, "maa_caller_key", concat("the token names ", hex_encode(named)),
       "the caller's key, which the binding holds"}));
  return crypto::PublicKey::from_spki_der(named);
}

}  // namespace

Result<Judged> verify_maa(const json::Value& body, const Judge& judge, Appraisal& appraisal) {
  const bool enabled = judge.anchors.maa != nullptr && !judge.anchors.maa->empty();
  if (judge.challenged && !enabled) return not_enabled();
  APM_TRY(const std::string token, text_member(&body, "token"));
  APM_TRY(const std::string key_set, text_member(&body, "jwks"));
  APM_TRY(const maa::Jwks keys, maa::Jwks::parse(key_set));
  maa::Expectation expected;
  expected.issuers = issuers(judge, keys);
  expected.now_unix_s = judge.now_unix_s;
  expected.floor = judge.config.maa;
  if (judge.challenged) {
    expected.nonce = to_bytes(as_bytes(hex_encode(judge.challenged->binding)));
    expected.floor.age_s_max = std::min(expected.floor.age_s_max, maa::kAgeSMax);
  }
  if (enabled) {
    const std::string beyond = settings_beyond_a_token(judge.config);
    appraisal.expect(
        beyond.empty(),
        {Stage::kPolicy, "maa_floor_unprovable",
         concat("settings that a token cannot be held to: ", beyond),
         "none: clear them for maa_... settings, or leave maa out of allowed_families"});
  }
  APM_TRY(maa::Verified verified, maa::verify(token, expected, appraisal));
  Judged judged;
  if (judge.challenged) {
    APM_TRY(judged.certified_key, key_of_caller(verified, *judge.challenged, appraisal));
  }
  judged.result = std::move(verified.evidence);
  return judged;
}

}  // namespace apm::auth_apm
