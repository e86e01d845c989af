// Nitro documents and MAA tokens: evidence that is one signed text.

#include <limits>

#include "attestation/maa/verify.h"
#include "attestation/nitro/verify.h"
#include "base/text.h"
#include "cli/evidence/judge.h"

namespace apm::cli::evidence {
namespace {

namespace maa = attestation::maa;
namespace nitro = attestation::nitro;

// A case's clock is the archive's: the evidence's own times judge it, and no age beside them.
constexpr std::int64_t kAnyAgeS = std::numeric_limits<std::int32_t>::max();

template <class Verified>
void keep(Result<Verified> verified, Outcome& out) {
  if (verified.ok()) {
    out.result = std::move(verified->evidence);
  } else {
    out.status = verified.error();
  }
}

}  // namespace

Result<Outcome> judge_nitro(const Case& c) {
  nitro::Anchors anchors = nitro::Anchors::none();
  if (c.has("root")) {
    APM_TRY(const std::string pem, c.certificate_pem("root"));
    APM_CHECK_OK(anchors.add_named("case", pem));
  } else {
    APM_TRY(anchors, nitro::Anchors::vendor());
  }
  nitro::Expectation expected;
  expected.anchors = &anchors;
  expected.now_unix_s = c.now_unix_s();
  APM_TRY(expected.nonce, c.optional_bytes("nonce"));
  APM_TRY(expected.floor.allow_debug, c.flag("allow_debug"));
  if (c.rigour() == Rigour::kCaseFile) expected.floor.age_s_max = kAnyAgeS;
  APM_TRY(const Bytes document, c.bytes("doc"));
  Outcome out{.appraisal = c.appraisal(), .status = {}, .unrooted = false, .result = {}};
  keep(nitro::verify(document, expected, out.appraisal), out);
  return out;
}

Result<Outcome> judge_maa(const Case& c) {
  APM_TRY(const Bytes key_set, c.bytes("jwks"));
  const auto keys = maa::Jwks::parse(as_text(key_set));
  if (!keys.ok()) return keys.error().within("input jwks");
  maa::Issuer issuer;
  APM_TRY(issuer.url, c.text("expected_issuer"));
  issuer.keys = &*keys;
  issuer.policy_hashes.reset();  // no input names one
  maa::Expectation expected;
  expected.issuers.push_back(issuer);
  expected.now_unix_s = c.now_unix_s();
  APM_TRY(expected.nonce, c.optional_bytes("nonce"));
  APM_TRY(expected.floor.allow_debug, c.flag("allow_debug"));
  APM_TRY(expected.floor.vmpl_max, c.number("policy_vmpl_max", 0));
  if (c.rigour() == Rigour::kCaseFile) expected.floor.age_s_max = kAnyAgeS;
  APM_TRY(const Bytes token, c.bytes("jwt"));
  Outcome out{.appraisal = c.appraisal(), .status = {}, .unrooted = false, .result = {}};
  keep(maa::verify(as_text(token), expected, out.appraisal), out);
  return out;
}

}  // namespace apm::cli::evidence
