#include "attestation/maa/verify.h"

#include <algorithm>

#include "attestation/limits.h"
#include "attestation/maa/claims.h"
#include "attestation/maa/policy.h"
#include "base/encoding.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "crypto/jws.h"

namespace apm::attestation::maa {
namespace {

Error refused(std::string reason, std::string message) {
  return Error(Code::kRefused, std::move(reason), std::move(message));
}

Status status_of(const auto& result) { return result.ok() ? Status() : Status(result.error()); }

// ---- Format and algorithm ----

Result<crypto::Jws> parse(std::string_view token) {
  if (token.size() > kMaaTokenBytesMax) {
    return refused("maa_too_large", concat("the attestation token has ", token.size(),
                                           " bytes; at most ", kMaaTokenBytesMax, " are read"));
  }
  auto jws = crypto::parse_jws(token);
  if (!jws.ok()) {
    return refused("maa_token_malformed",
                   concat("the attestation token is no JWT: ", jws.error().message));
  }
  const std::string* type = jws->header.string_at("typ");
  if (jws->header.at("typ") != nullptr && (type == nullptr || *type != "JWT")) {
    return refused("maa_token_malformed", "the attestation token's typ is not JWT");
  }
  if (jws->header.at("crit") != nullptr) {
    return refused("maa_token_malformed", "the attestation token demands extensions (crit)");
  }
  const std::string* kid = jws->header.string_at("kid");
  if (kid == nullptr || kid->empty()) {
    return refused("maa_token_malformed", "the attestation token names no key (kid)");
  }
  return jws;
}

Status check_algorithm(const crypto::Jws& jws) {
  const std::string* algorithm = jws.header.string_at("alg");
  if (algorithm != nullptr && *algorithm == "RS256") return {};
  return refused("maa_algorithm",
                 "the attestation token is not signed with RS256; nothing else is accepted, "
                 "whatever the token says");
}

// ---- Issuer and key ----

const Issuer* find_issuer(const crypto::Jws& jws, const Expectation& expected) {
  const std::string* issuer = jws.payload.string_at("iss");
  if (issuer == nullptr) return nullptr;
  for (const Issuer& pinned : expected.issuers) {
    if (pinned.keys != nullptr && pinned.url == *issuer) return &pinned;
  }
  return nullptr;
}

Status check_key_dates(const crypto::Certificate& certificate, std::int64_t now_s) {
  if (now_s > certificate.not_after_s()) {
    return refused("maa_key_expired", "the certificate of the token's signing key has expired");
  }
  if (now_s < certificate.not_before_s()) {
    return refused("maa_key_not_yet_valid",
                   "the certificate of the token's signing key is not valid yet");
  }
  return {};
}

Status check_pin(const crypto::Certificate& certificate, const Issuer& issuer,
                 Appraisal& appraisal) {
  if (!issuer.certificates) return {};
  const std::string found = hex_encode(crypto::sha256(certificate.der()));
  return appraisal.require(issuer.certificates->contains(found),
                           {Stage::kChain, "maa_key_not_pinned", found,
                            concat("SHA-256 of a certificate that is pinned for ", issuer.url)});
}

Status check_signature(const crypto::Jws& jws, const crypto::Certificate& certificate) {
  const auto key = certificate.public_key();
  if (!key.ok()) return refused("maa_key", "the token's signing key cannot be read");
  const Status verified = crypto::verify_rs256(jws, *key);
  if (verified.ok()) return {};
  return refused(verified.error().reason == "jws_key" ? "maa_key" : "maa_signature",
                 concat("the attestation token: ", verified.error().message));
}

Result<const Issuer*> check_origin(const crypto::Jws& jws, const Expectation& expected,
                                   Appraisal& appraisal) {
  const std::string* found = jws.payload.string_at("iss");
  const Issuer* issuer = find_issuer(jws, expected);
  APM_CHECK_OK(appraisal.require(issuer != nullptr,
                                 {Stage::kPolicy, "maa_issuer", found == nullptr ? "none" : *found,
                                  "exactly the URL of a pinned issuer"}));
  if (!appraisal.covers(Stage::kChain)) return issuer;
  const std::string& kid = *jws.header.string_at("kid");
  const SigningKey* key = issuer->keys->find(kid);
  APM_CHECK_OK(appraisal.require(
      key != nullptr,
      {Stage::kChain, "maa_kid_unknown", kid, concat("a key of the key set of ", issuer->url)}));
  APM_CHECK_OK(check_pin(key->certificate, *issuer, appraisal));
  if (appraisal.covers(Stage::kValidity)) {
    APM_CHECK_OK(appraisal.require(check_key_dates(key->certificate, expected.now_unix_s),
                                   Stage::kValidity, "maa_key_expired"));
  }
  if (appraisal.covers(Stage::kSignature)) {
    APM_CHECK_OK(appraisal.require(check_signature(jws, key->certificate), Stage::kSignature,
                                   "maa_signature"));
  }
  return issuer;
}

// ---- Times ----

struct Times {
  std::int64_t issued_at_s = 0, not_before_s = 0, expires_at_s = 0;
};

Result<Times> read_times(const json::Value& payload) {
  const auto issued = json::require_int(payload, "iat");
  const auto from = json::require_int(payload, "nbf");
  const auto until = json::require_int(payload, "exp");
  constexpr std::int64_t kLatest = 253'402'300'799;  // the end of year 9999
  const auto sane = [](const Result<std::int64_t>& time) {
    return time.ok() && *time > 0 && *time <= kLatest;
  };
  if (!sane(issued) || !sane(from) || !sane(until) || *until <= *from || *until <= *issued) {
    return refused("maa_times", "the attestation token's iat, nbf and exp are absent or absurd");
  }
  return Times{*issued, *from, *until};
}

Status check_times(const Times& times, std::int64_t now_s, Appraisal& appraisal) {
  const std::int64_t begins_s = std::max(times.issued_at_s, times.not_before_s);
  APM_CHECK_OK(appraisal.require(
      begins_s <= now_s + kTokenLeewayS,
      {Stage::kValidity, "maa_not_yet_valid", concat("begins ", begins_s - now_s, " s from now"),
       concat("at most ", kTokenLeewayS, " s ahead of this clock")}));
  return appraisal.require(
      now_s < times.expires_at_s + kTokenLeewayS,
      {Stage::kValidity, "maa_expired", concat("expired ", now_s - times.expires_at_s, " s ago"),
       concat("at most ", kTokenLeewayS, " s")});
}

}  // namespace

Result<const crypto::PublicKey*> Verified::sealing_key() const {
  if (token.keys.tpm_ephemeral) return &*token.keys.tpm_ephemeral;
  return refused("maa_sealing_key",
                 "the attestation token names no TPM key to answer to; attest the VM with its "
                 "guest attestation client (type azurevm)");
}

Result<Verified> verify(std::string_view text, const Expectation& expected, Appraisal& appraisal) {
  const auto jws = parse(text);
  APM_CHECK_OK(appraisal.require(status_of(jws), Stage::kFormat, "maa_token_malformed"));
  if (appraisal.covers(Stage::kAlgorithm)) {
    APM_CHECK_OK(appraisal.require(check_algorithm(*jws), Stage::kAlgorithm, "maa_algorithm"));
  }
  APM_TRY(const Issuer* issuer, check_origin(*jws, expected, appraisal));
  const auto times = read_times(jws->payload);
  APM_CHECK_OK(appraisal.require(status_of(times), Stage::kFormat, "maa_times"));
  if (appraisal.covers(Stage::kValidity)) {
    APM_CHECK_OK(check_times(*times, expected.now_unix_s, appraisal));
  }
  APM_CHECK_OK(appraisal.require(check_token_type(jws->payload), Stage::kPolicy, "maa_token_type"));
  auto token = read_token(jws->payload);
  APM_CHECK_OK(appraisal.require(status_of(token), Stage::kFormat, "maa_claim_malformed"));
  check_token({*token, *issuer, expected, times->issued_at_s}, appraisal);
  APM_CHECK_OK(appraisal.verdict());
  EvidenceResult evidence = result_of(*token, *jws, *issuer);
  return Verified{std::move(evidence), std::move(*token), times->issued_at_s, times->expires_at_s};
}

}  // namespace apm::attestation::maa
