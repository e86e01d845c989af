#include "workload/session.h"

#include <functional>
#include <utility>

#include "attestation/login_binding.h"
#include "base/clock.h"
#include "base/encoding.h"
#include "base/text.h"
#include "client/api_client.h"
#include "crypto/aead.h"
#include "crypto/digest.h"
#include "workload/evidence.h"
#include "workload/hardware_login.h"
#include "workload/limits.h"

namespace apm::workload {

struct Challenge {
  Bytes nonce;
  std::string cluster_id;
  Bytes server_key_sha256;
  std::vector<unsigned> pcrs;
};

namespace {

constexpr std::size_t kServerKeySize = 32;
constexpr std::size_t kPcrsMax = 24;

Error malformed(std::string_view what) {
  return Error(Code::kUnavailable, "login_answer_malformed",
               concat("the server's answer to the login: ", what,
                      "; is the address that of an APM server?"));
}

Result<Challenge> read_challenge(const json::Value& data) {
  Challenge challenge;
  const std::string* nonce = data.string_at("nonce");
  const std::string* cluster = data.string_at("cluster_id");
  const std::string* key = data.string_at("server_key_sha256");
  const json::Value* pcrs = data.at("pcrs");
  if (nonce == nullptr || cluster == nullptr || key == nullptr || pcrs == nullptr ||
      pcrs->as_array() == nullptr || pcrs->as_array()->size() > kPcrsMax) {
    return malformed("the challenge is incomplete");
  }
  challenge.cluster_id = *cluster;
  auto nonce_bytes = base64url_decode(*nonce);
  auto key_bytes = hex_decode(*key);
  if (!nonce_bytes.ok() || !key_bytes.ok() || key_bytes->size() != kServerKeySize) {
    return malformed("the challenge's nonce or server key");
  }
  challenge.nonce = std::move(*nonce_bytes);
  challenge.server_key_sha256 = std::move(*key_bytes);
  for (const json::Value& item : *pcrs->as_array()) {
    const auto index = item.as_uint();
    if (!index || *index >= kPcrsMax) return malformed("the challenge's PCRs");
    challenge.pcrs.push_back(static_cast<unsigned>(*index));
  }
  return challenge;
}

// Vault's "1 error occurred:\n\t* text\n\n" on one line.
std::string_view one_line(std::string_view text) {
  constexpr std::string_view kIntroduction = "1 error occurred:\n\t* ";
  if (text.starts_with(kIntroduction)) text.remove_prefix(kIntroduction.size());
  return trim(text);
}

// What the server said, as an error of ours: its text and, when it gives one, its reason.
Error refusal(const std::string& what, int status, const json::Value& body) {
  std::string text;
  const json::Value* errors = body.at("errors");
  if (errors != nullptr && errors->as_array() != nullptr) {
    for (const json::Value& e : *errors->as_array()) {
      if (e.as_string() != nullptr)
        text += concat(text.empty() ? "" : "; ", one_line(*e.as_string()));
    }
  }
  const std::string* reason = body.string_at("reason");
  Code code = Code::kUnavailable;
  if (status == 400 || status == 403) code = Code::kRefused;
  if (status == 404) code = Code::kNotFound;
  return Error(code, reason == nullptr ? "" : *reason,
               concat(what, ": HTTP ", status, text.empty() ? "" : ": ", text));
}

struct Call {
  std::string method;
  std::string url;
  std::string token;
  std::string body;
  std::string what;
  bool idempotent = true;
};

Result<net::Response> send(net::HttpClient& client, const Call& call) {
  net::Request request;
  request.method = call.method;
  request.url = call.url;
  request.what = call.what;
  request.idempotent = call.idempotent;
  request.headers.emplace_back("X-Vault-Request", "true");
  if (!call.token.empty()) request.headers.emplace_back("X-Vault-Token", call.token);
  if (!call.body.empty()) {
    request.headers.emplace_back("Content-Type", "application/json");
    request.body = call.body;
  }
  request.retry.attempts_max = kAttemptsMax;
  request.response_bytes_max = kAnswerBytesMax;
  auto answer = client.send(request, Deadline::after(kLoginTimeout));
  for (auto& [name, value] : request.headers) crypto::wipe(value);
  return answer;
}

Result<json::Value> data_of(const std::string& what, net::Response answer) {
  json::Limits limits;
  limits.bytes_max = kAnswerBytesMax;
  auto body =
      answer.body.empty() ? Result<json::Value>(json::Value()) : json::parse(answer.body, limits);
  crypto::wipe(answer.body);
  if (answer.status < 200 || answer.status >= 300) {
    return refusal(what, answer.status, body.ok() ? *body : json::Value());
  }
  if (!body.ok()) return malformed("it is not JSON");
  const json::Value* data = body->at("data");
  if (data == nullptr) return malformed("it has no data");
  return *data;
}

Result<json::Value> call_api(net::HttpClient& client, Call call) {
  auto answer = send(client, call);
  crypto::wipe(call.token);
  if (!answer.ok()) return answer.error();
  return data_of(call.what, std::move(*answer));
}

using OpenKey = std::function<Result<crypto::SecretBytes>(ByteView encrypted_key)>;

// The sealed answer is opened with the key that only this machine, in this state, can use.
Result<LoggedIn> open_answer(const json::Value& data, ByteView binding, const OpenKey& open) {
  const json::Value* sealed = data.at("sealed");
  if (sealed == nullptr) return malformed("it has no sealed part");
  APM_TRY(const std::string key_text, json::require_string(*sealed, "encrypted_key"));
  APM_TRY(const std::string nonce_text, json::require_string(*sealed, "nonce"));
  APM_TRY(const std::string cipher_text, json::require_string(*sealed, "ciphertext"));
  APM_TRY(const Bytes encrypted_key, base64_decode(key_text));
  APM_TRY(const Bytes nonce, base64_decode(nonce_text));
  APM_TRY(const Bytes ciphertext, base64_decode(cipher_text));
  APM_TRY(const crypto::SecretBytes key, open(encrypted_key));
  if (key.size() != crypto::kGcmKeySize || nonce.size() != crypto::kGcmNonceSize) {
    return malformed("the sealed part's sizes");
  }
  APM_TRY(const crypto::SecretBytes plain,
          crypto::gcm_open_secret(key, nonce, binding, ciphertext));
  APM_TRY(const json::Value answer, json::parse(plain.text()));
  const std::string* token = answer.string_at("client_token");
  if (token == nullptr || token->empty()) return malformed("it holds no token");
  LoggedIn login;
  login.token = crypto::SecretBytes::copy_of(*token);
  APM_TRY(login.accessor, json::require_string(answer, "accessor"));
  APM_TRY(login.enclave_id, json::require_string(answer, "enclave_id"));
  APM_TRY(login.signer_id, json::require_string(answer, "signer_id"));
  APM_TRY(const std::int64_t lease, json::require_int(answer, "lease_duration"));
  login.lease_duration_s = lease < 0 ? 0 : static_cast<std::uint64_t>(lease);
  return login;
}

Result<net::HttpClient> api_client(const SessionConfig& config, ByteView server_key_sha256) {
  net::HttpClientConfig http;
  http.ca_file = config.ca_file;
  if (!server_key_sha256.empty()) http.pinned_sha256 = base64_encode(server_key_sha256);
  return net::HttpClient::create(http);
}

std::string api_url(const SessionConfig& config, const std::string& path) {
  std::string_view address = config.address;
  if (address.ends_with('/')) address.remove_suffix(1);
  return concat(address, "/v1/", path);
}

std::string encode_path(std::string_view path) {
  std::string out;
  for (const std::string_view segment : split(path, '/')) {
    out += concat(out.empty() ? "" : "/", net::url_encode(segment));
  }
  return out;
}

Result<crypto::SecretBytes> pick_value(const json::Value& data, const std::string& name) {
  const std::string last = name.substr(name.rfind('/') + 1);
  const std::string* value = data.string_at(last);
  if (value == nullptr) value = data.string_at("value");
  const json::Object* object = data.as_object();
  if (value == nullptr && object != nullptr && object->size() == 1) {
    value = object->begin()->second.as_string();
  }
  if (value == nullptr) {
    return Error(Code::kNotFound, "secret_shape",
                 concat("secret ", name, " has no text member '", last, "' or 'value'"));
  }
  if (value->size() > kSecretValueBytesMax) {
    return Error(Code::kTooLarge, "secret_size", concat("secret ", name, " is too large"));
  }
  return crypto::SecretBytes::copy_of(*value);
}

}  // namespace

Result<LoggedIn> Session::login() {
  APM_TRY(net::HttpClient unpinned, api_client(config_, {}));
  APM_TRY(const json::Value challenge_data, ask_challenge(unpinned));
  APM_TRY(const Challenge challenge, read_challenge(challenge_data));
  if (config_.maa) return login_by_maa(challenge);
  return config_.device ? login_by_hardware(challenge) : login_by_tpm(challenge);
}

// A node that stands by names the active one: this session goes there, once, and stays there. What
// is believed of either is what its certificate says, and later what its challenge names.
Result<json::Value> Session::ask_challenge(net::HttpClient& client) {
  const std::string path = config_.mount + "/challenge";
  Call call{"POST", api_url(config_, path), "", "{}", "asking for a login challenge"};
  APM_TRY(net::Response answer, send(client, call));
  if (answer.status == client::kTemporaryRedirect) {
    APM_TRY(call.url, client::leader_url(call.url, answer));
    const std::string end = "/v1/" + path;
    if (!call.url.ends_with(end)) {
      return Error(Code::kUnavailable, "redirect",
                   concat(config_.address, " answered 307 and names ", call.url,
                          ", which is no server's ", end, "; ask the active node itself"));
    }
    config_.address = call.url.substr(0, call.url.size() - end.size());
    APM_TRY(answer, send(client, call));
  }
  return data_of(call.what, std::move(answer));
}

Result<LoggedIn> Session::login_by_tpm(const Challenge& challenge) {
  APM_TRY(tee::Tpm tpm, tee::Tpm::open(config_.tpm));
  EvidenceRequest wanted;
  wanted.nonce = challenge.nonce;
  wanted.cluster_id = challenge.cluster_id;
  wanted.server_key_sha256 = challenge.server_key_sha256;
  wanted.pcrs = challenge.pcrs;
  wanted.event_log_path = config_.event_log_path;
  APM_TRY(Evidence evidence, collect_evidence(tpm, wanted));
  APM_TRY(net::HttpClient imds, net::HttpClient::create({}));
  APM_TRY(const Platform platform,
          fetch_platform(imds, config_.imds_endpoint, evidence.hcl_report));
  APM_TRY(const json::Value answer, ask_login(challenge, login_body(evidence, challenge.nonce,
                                                                    platform, config_.collateral)));
  return open_answer(answer, evidence.binding, [&](ByteView encrypted_key) {
    return tpm.decrypt(evidence.key, evidence.unique, tee::RsaScheme::kOaepSha256, encrypted_key,
                       attestation::kLoginLabel);
  });
}

Result<LoggedIn> Session::login_by_maa(const Challenge& challenge) {
  APM_TRY(tee::Tpm tpm, tee::Tpm::open(config_.tpm));
  APM_TRY(const MaaLogin login,
          prepare_maa_login(
              tpm, {*config_.maa,
                    config_.imds_endpoint,
                    config_.event_log_path,
                    {challenge.nonce, challenge.cluster_id, challenge.server_key_sha256, {}},
                    challenge.pcrs}));
  APM_TRY(const json::Value answer, ask_login(challenge, login.body));
  return open_answer(answer, login.binding, [&](ByteView encrypted_key) {
    return tpm.decrypt(login.key, login.unique, tee::RsaScheme::kOaepSha256, encrypted_key,
                       attestation::kLoginLabel);
  });
}

Result<LoggedIn> Session::login_by_hardware(const Challenge& challenge) {
  const auto files = tee::system_device_files();
  APM_TRY(const HardwareLogin login,
          prepare_login(*files, *config_.device,
                        {challenge.nonce, challenge.cluster_id, challenge.server_key_sha256, {}},
                        config_.collateral));
  APM_TRY(const json::Value answer, ask_login(challenge, login.body));
  return open_answer(answer, login.binding,
                     [&](ByteView encrypted_key) { return open_key(login, encrypted_key); });
}

// From here on the peer must hold the very key that the evidence was made for.
Result<json::Value> Session::ask_login(const Challenge& challenge, const json::Object& body) {
  APM_TRY(net::HttpClient pinned, api_client(config_, challenge.server_key_sha256));
  auto answer = call_api(pinned, {"POST", api_url(config_, config_.mount + "/login"), "",
                                  json::write(json::Value(body)), "attested login", false});
  if (!answer.ok() && answer.error().reason == "tls_untrusted") {
    return Error(
        Code::kRefused, "server_key_mismatch",
        concat("the TLS server is not the one that its challenge names: ", answer.error().message));
  }
  APM_CHECK_OK(answer);
  pinned_sha256_ = challenge.server_key_sha256;
  return answer;
}

Result<crypto::SecretBytes> Session::read_secret(const LoggedIn& login,
                                                 const std::string& engine_path,
                                                 const std::string& name) {
  if (!client_) {
    APM_TRY(net::HttpClient client, api_client(config_, pinned_sha256_));
    client_.emplace(std::move(client));
  }
  const std::string path = concat(encode_path(engine_path), "/", encode_path(name));
  APM_TRY(const json::Value data,
          call_api(*client_, {"GET", api_url(config_, path), std::string(login.token.text()), "",
                              concat("reading secret ", engine_path, "/", name)}));
  return pick_value(data, name);
}

}  // namespace apm::workload
