#pragma once

// The workload's side of the attested login: challenge -> evidence of this machine -> login ->
// a token that only this machine can open (its TPM, or a key made for this login) -> secrets. One
// thread.

#include <optional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "crypto/secret_bytes.h"
#include "net/http_client.h"
#include "tee/hardware.h"
#include "tee/tpm.h"
#include "workload/maa_login.h"

namespace apm::workload {

struct SessionConfig {
  std::string address;  // "https://host:port"
  std::string ca_file;  // PEM; empty: the system's store
  std::string mount = "auth/apm";
  std::string imds_endpoint = "http://169.254.169.254";
  tee::TpmConfig tpm;
  std::string event_log_path = tee::kEventLogPath;
  // Where evidence comes from; nothing: from the TPM. Of tee::choose_device, and not a TPM.
  std::optional<tee::Finding> device;
  std::optional<MaaSource> maa;  // log in by a token of this provider instead
  std::string collateral;  // Intel's documents for SGX and TDX quotes, JSON text; may be empty
};

struct LoggedIn {
  crypto::SecretBytes token;
  std::string accessor;
  std::string enclave_id;
  std::string signer_id;
  std::uint64_t lease_duration_s = 0;
};

struct Challenge;  // what the server asked

class Session {
 public:
  explicit Session(SessionConfig config) : config_(std::move(config)) {}

  // A node that stands by sends us to the active one, which is asked from then on.
  // Errors: the server's refusal with its reason; "redirect" (api_client.h); "server_key_mismatch"
  // when the TLS peer is not the server that the challenge names; "login_answer_malformed"; those
  // of tee::Tpm and net.
  [[nodiscard]] Result<LoggedIn> login();

  // The string value of `<engine_path>/<name>`: of the member named like the secret, else of
  // "value", else of the only member.
  [[nodiscard]] Result<crypto::SecretBytes> read_secret(const LoggedIn& login,
                                                        const std::string& engine_path,
                                                        const std::string& name);

 private:
  [[nodiscard]] Result<json::Value> ask_challenge(net::HttpClient& client);
  [[nodiscard]] Result<LoggedIn> login_by_tpm(const Challenge& challenge);
  [[nodiscard]] Result<LoggedIn> login_by_maa(const Challenge& challenge);
  [[nodiscard]] Result<LoggedIn> login_by_hardware(const Challenge& challenge);
  [[nodiscard]] Result<json::Value> ask_login(const Challenge& challenge, const json::Object& body);

  SessionConfig config_;
  Bytes pinned_sha256_;                    // of the server's key, after a login
  std::optional<net::HttpClient> client_;  // for reading secrets
};

}  // namespace apm::workload
