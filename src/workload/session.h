#pragma once

// The workload's side of the attested login: challenge -> evidence of this machine -> login ->
// a token that only this TPM in this state can open -> secrets. One thread.

#include <optional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "crypto/secret_bytes.h"
#include "net/http_client.h"
#include "tee/tpm.h"

namespace apm::workload {

struct SessionConfig {
  std::string address;  // "https://host:port"
  std::string ca_file;  // PEM; empty: the system's store
  std::string mount = "auth/apm";
  std::string imds_endpoint = "http://169.254.169.254";
  tee::TpmConfig tpm;
  std::string event_log_path = tee::kEventLogPath;
};

struct LoggedIn {
  crypto::SecretBytes token;
  std::string accessor;
  std::string enclave_id;
  std::string signer_id;
  std::uint64_t lease_duration_s = 0;
};

class Session {
 public:
  explicit Session(SessionConfig config) : config_(std::move(config)) {}

  // Errors: the server's refusal with its reason; "server_key_mismatch" when the TLS peer is not
  // the server that the challenge names; "login_answer_malformed"; those of tee::Tpm and net.
  [[nodiscard]] Result<LoggedIn> login();

  // The string value of `<engine_path>/<name>`: of the member named like the secret, else of
  // "value", else of the only member.
  [[nodiscard]] Result<crypto::SecretBytes> read_secret(const LoggedIn& login,
                                                        const std::string& engine_path,
                                                        const std::string& name);

 private:
  SessionConfig config_;
  Bytes pinned_sha256_;                    // of the server's key, after a login
  std::optional<net::HttpClient> client_;  // for reading secrets
};

}  // namespace apm::workload
