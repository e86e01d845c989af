#include "workload/maa_login.h"

#include "azure/imds.h"
#include "azure/maa.h"
#include "base/clock.h"
#include "base/encoding.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "crypto/keys.h"
#include "net/http_client.h"
#include "skr/guest_evidence.h"
#include "skr/maa_answer.h"
#include "workload/limits.h"

namespace apm::workload {
namespace {

Result<std::string> attest(tee::Tpm& tpm, azure::MaaClient& maa, const std::string& info,
                           const skr::GuestEvidence& evidence, const MaaLogin& login) {
  APM_TRY(const std::string answer,
          maa.attest_azure_guest(info, Deadline::after(kMaaLoginTimeout)));
  APM_TRY(const skr::MaaEnvelope envelope, skr::parse_maa_envelope(answer));
  APM_TRY(const crypto::SecretBytes inner,
          tpm.decrypt(evidence.key, login.unique, tee::RsaScheme::kRsaes, envelope.encrypted_key));
  APM_TRY(std::string token, skr::open_maa_envelope(envelope, inner));
  APM_CHECK_OK(skr::check_own_token(token, {.nonce = hex_encode(login.binding),
                                            .issuer_host = maa.host(),
                                            .transfer_modulus = evidence.key.modulus,
                                            .now_s = SystemClock().unix_s()}));
  return token;
}

// The server trusts a key of it by the pin that it has, and the set for nothing.
Result<std::string> fetch_keys(net::HttpClient& http, const std::string& host) {
  net::Request request;
  request.url = concat("https://", host, "/certs");
  request.what = concat("MAA ", host, ": its signing keys");
  request.retry.attempts_max = kAttemptsMax;
  request.response_bytes_max = kMaaKeysBytesMax;
  APM_TRY(net::Response answer, http.send(request, Deadline::after(kMaaLoginTimeout)));
  if (answer.status == 200) return std::move(answer.body);
  return Error(Code::kUnavailable, "maa_keys_unavailable",
               concat(request.what, ": HTTP ", answer.status,
                      ". Check the attestation provider's URL; try again"));
}

// RSA-2048 with the exponent that a TPM's template 0 stands for.
Result<Bytes> spki_of(const tee::PcrBoundKey& key) {
  APM_TRY(const crypto::PublicKey made, crypto::PublicKey::from_rsa(key.modulus, Bytes{1, 0, 1}));
  return made.spki_der();
}

}  // namespace

Result<MaaLogin> prepare_maa_login(tee::Tpm& tpm, const MaaLoginRequest& request) {
  net::HttpClientConfig transport;
  transport.ca_file = request.source.ca_file;
  transport.connect_to = request.source.connect_to;
  APM_TRY(net::HttpClient http, net::HttpClient::create(std::move(transport)));
  APM_TRY(azure::MaaClient maa, azure::MaaClient::create(http, request.source.url));
  azure::ImdsClient imds(http, request.imds_endpoint);

  MaaLogin login;
  login.unique = crypto::sha256(request.challenge.nonce);
  APM_TRY(const skr::GuestEvidence evidence,
          skr::collect_guest_evidence(tpm, request.event_log_path, {request.pcrs, login.unique}));
  login.key = evidence.key;
  attestation::LoginBinding challenge = request.challenge;
  APM_TRY(challenge.key_name, spki_of(login.key));
  login.binding = attestation::login_binding(challenge);

  APM_TRY(const azure::AmdCertification amd, imds.amd_certification(Deadline::after(kImdsTimeout)));
  const std::string info =
      skr::attestation_info(evidence, amd, skr::read_os_facts(), hex_encode(login.binding));
  APM_TRY(const std::string token, attest(tpm, maa, info, evidence, login));
  APM_TRY(const std::string keys, fetch_keys(http, maa.host()));
  login.body = {{"family", "maa"},
                {"nonce", base64url_encode(challenge.nonce)},
                {"caller_key", base64_encode(challenge.key_name)},
                {"token", token},
                {"jwks", keys}};
  return login;
}

}  // namespace apm::workload
