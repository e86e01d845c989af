#include "skr/release.h"

#include <optional>
#include <utility>

#include "azure/imds.h"
#include "azure/key_vault.h"
#include "azure/maa.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/text.h"
#include "crypto/random.h"
#include "skr/guest_evidence.h"
#include "skr/limits.h"
#include "skr/maa_answer.h"
#include "skr/release_answer.h"

namespace apm::skr {
namespace {

constexpr const char* kEncSha256 = "RSA_AES_KEY_WRAP_256";
constexpr const char* kEncSha1 = "CKM_RSA_AES_KEY_WRAP";
constexpr int kAttestationsMax = 2;  // the second when something was measured in between

struct Attested {
  tee::PcrBoundKey key;
  std::string jwt;
  OwnToken token;
};

// One run: what it was asked for, and what it talks to.
struct Run {
  const SkrConfig& config;
  const Deadline& deadline;
  Log& log;
  const Clock& clock;
  net::HttpClient& http;
  azure::ImdsClient& imds;
  azure::MaaClient& maa;
  tee::Tpm& tpm;
  azure::KeyUrl key_url;
  std::string nonce;
};

Status check_tpm_transport(const SkrConfig& config) {
  if (config.transport.test || tee::transport_of(config.tpm) == tee::Transport::kDevice) return {};
  return Error(Code::kInvalidArgument, "transport",
               concat("the TPM \"", config.tpm.tcti, "\" is not a device, which belongs to test ",
                      "mode alone. Use device:/dev/tpmrm0"));
}

Result<Attested> attest_once(Run& run, const azure::AmdCertification& amd) {
  APM_TRY(const GuestEvidence evidence, collect_guest_evidence(run.tpm, run.config.event_log));
  if (evidence.event_log.empty()) {
    run.log.warn("skr", "there is no event log at " + run.config.event_log);
  }
  const std::string info = attestation_info(evidence, amd, read_os_facts(), run.nonce);
  APM_TRY(const std::string answer, run.maa.attest_azure_guest(info, run.deadline));
  APM_TRY(const MaaEnvelope envelope, parse_maa_envelope(answer));
  APM_TRY(const crypto::SecretBytes inner,
          run.tpm.decrypt(evidence.key, {}, tee::RsaScheme::kRsaes, envelope.encrypted_key));
  APM_TRY(std::string jwt, open_maa_envelope(envelope, inner));
  const TokenExpectation expected{.nonce = run.nonce,
                                  .issuer_host = run.maa.host(),
                                  .transfer_modulus = evidence.key.modulus,
                                  .now_s = run.clock.unix_s()};
  APM_TRY(OwnToken token, check_own_token(jwt, expected));
  return Attested{evidence.key, std::move(jwt), std::move(token)};
}

Result<Attested> attest(Run& run) {
  APM_TRY(const azure::AmdCertification amd, run.imds.amd_certification(run.deadline));
  for (int attempt = 1;; ++attempt) {
    auto attested = attest_once(run, amd);
    if (attested.ok() || attested.error().reason != "tpm_policy" || attempt == kAttestationsMax) {
      return attested;
    }
    run.log.warn("skr", "the PCRs changed during the attestation; attesting again");
  }
}

struct Released {
  std::string jws;
  std::string enc;
};

Result<Released> release(Run& run, const std::string& jwt) {
  const azure::TokenSource tokens =
      run.config.tokens ? run.config.tokens
                        : azure::managed_identity_tokens(run.imds, run.config.identity);
  APM_TRY(azure::KeyVaultClient vault,
          azure::KeyVaultClient::create(run.http, run.key_url.vault_url(), tokens));
  azure::ReleaseRequest request{run.key_url, jwt, run.nonce, kEncSha256};
  auto answer = vault.release_key(request, run.deadline);
  if (!answer.ok() && answer.error().reason == "key_release_enc") {
    run.log.warn("skr", "the vault does not know RSA_AES_KEY_WRAP_256; asking for the SHA-1 form",
                 {{"answer", answer.error().message}});
    request.enc = kEncSha1;
    answer = vault.release_key(request, run.deadline);
  }
  if (!answer.ok()) return answer.error();
  return Released{std::move(*answer), request.enc};
}

Result<std::string> test_anchors(const SkrConfig& config) {
  if (!config.transport.test) return std::string();
  APM_TRY(const Bytes pem, read_file(config.transport.ca_file, net::kCaPemBytesMax));
  return std::string(as_text(pem));
}

Result<ReleasedKey> verify_and_open(Run& run, Attested attested, const Released& released) {
  APM_TRY(std::string ca_pem, test_anchors(run.config));
  const ReleaseExpectation expected{.key = run.key_url,
                                    .nonce = run.nonce,
                                    .enc = released.enc,
                                    .transfer_kid = attested.token.transfer_kid,
                                    .ca_pem = std::move(ca_pem),
                                    .now_s = run.clock.unix_s()};
  APM_TRY(VerifiedAnswer answer, verify_release_answer(released.jws, expected));
  const tee::RsaScheme scheme =
      released.enc == kEncSha256 ? tee::RsaScheme::kOaepSha256 : tee::RsaScheme::kOaepSha1;
  APM_TRY(const crypto::SecretBytes aes_key,
          run.tpm.decrypt(attested.key, {}, scheme, answer.wrapped_aes_key));
  APM_TRY(crypto::PrivateKey key, unwrap_released_key(answer, aes_key));
  return ReleasedKey{std::move(key),
                     std::move(answer.kid),
                     std::move(answer.key_version),
                     std::move(answer.policy_sha256),
                     std::move(attested.token.claims),
                     attested.token.issued_at};
}

std::string fresh_nonce() { return base64url_encode(crypto::random_bytes(32)); }

std::string since(SteadyTime start, const Clock& clock) {
  return std::to_string(std::chrono::duration_cast<Milliseconds>(clock.steady() - start).count());
}

}  // namespace

Result<ReleasedKey> release_master_key(const SkrConfig& config, const Deadline& deadline,
                                       Log& log) {
  const SystemClock system_clock;
  const Clock& clock = config.clock != nullptr ? *config.clock : system_clock;
  const Deadline own = deadline.at_most(kReleaseDeadline);
  APM_TRY(azure::KeyUrl key_url, azure::parse_key_url(config.key_url));
  APM_CHECK_OK(check_tpm_transport(config));
  APM_TRY(net::HttpClient http, azure::make_http_client(config.transport));
  azure::ImdsClient imds(http, config.transport.imds_endpoint);
  APM_TRY(azure::MaaClient maa, azure::MaaClient::create(http, config.maa_url));
  APM_TRY(tee::Tpm tpm, tee::Tpm::open(config.tpm));
  Run run{config, own, log, clock,   http,
          imds,   maa, tpm, key_url, config.nonce.empty() ? fresh_nonce() : config.nonce};

  SteadyTime start = clock.steady();
  APM_TRY(Attested attested, attest(run));
  log.info("skr", "attested", {{"provider", maa.host()}, {"took_ms", since(start, clock)}});
  start = clock.steady();
  APM_TRY(const Released released, release(run, attested.jwt));
  APM_TRY(ReleasedKey key, verify_and_open(run, std::move(attested), released));
  log.info("skr", "key released and verified",
           {{"kid", key.kid},
            {"release_policy_sha256", key.policy_sha256},
            {"took_ms", since(start, clock)}});
  return key;
}

}  // namespace apm::skr
