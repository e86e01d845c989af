#pragma once

// The command line of AzureAttestSKR: attest, release the master key, and wrap or unwrap one value
// or a batch with it. The letters, outputs and exit codes are those that deployers' scripts know;
// values need not stand on the command line (`-s -`, `--fd N`). Diagnostics go to standard error
// alone.

#include <optional>
#include <string>
#include <vector>

#include "azure/entra.h"
#include "base/log.h"
#include "base/result.h"
#include "crypto/secret_bytes.h"
#include "skr/oaep.h"
#include "skr/release.h"

namespace apm::skr {

enum class Operation { kWrap, kUnwrap, kRelease, kBatchUnwrap };

struct SkrCommand {
  Operation operation = Operation::kRelease;
  std::string maa_url = "https://sharedweu.weu.attest.azure.net/";
  std::string key_url;
  std::string nonce;               // empty: fresh and random
  bool service_principal = false;  // -c sp
  std::optional<std::string> value;
  int value_fd = -1;  // 0 for "-s -"
  std::string batch;  // file, "-" or JSON
  OaepHashes hashes;
  std::string name;  // of the secret that an envelope is bound to
  azure::Transport transport;
  tee::TpmConfig tpm;
  std::string event_log = tee::kEventLogPath;
};

// kInvalidArgument "usage".
[[nodiscard]] Result<SkrCommand> parse_skr_arguments(const std::vector<std::string>& words);
[[nodiscard]] std::string_view skr_usage();

// The store id of an envelope that AzureAttestSKR makes: of no store.
inline constexpr std::string_view kNoStore = "-";

struct KeyInUse {
  const crypto::PrivateKey& key;
  std::string version;  // as Key Vault names it
};
// What goes to standard output once the key is there; empty for kRelease. Pure.
[[nodiscard]] Result<crypto::SecretBytes> perform(const SkrCommand& command, const KeyInUse& in_use,
                                                  ByteView value);

// 1 usage and everything else, 2 attestation, 3 identity, 4 key release, 5 cryptography, 6 network.
[[nodiscard]] int exit_code_of(const Error& error);

// The whole program but its start-up. Reads the value from a descriptor, writes to 1 and 2.
[[nodiscard]] int run_attest_skr(const std::vector<std::string>& words, Log& log);

}  // namespace apm::skr
