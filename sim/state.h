#pragma once

// What the simulated vault holds, in <dir>/vault.json (mode 0600, replaced atomically): several
// processes may work on one directory, each change under a file lock, with a fresh read when
// another process wrote. Any thread may call.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/mutex.h"
#include "base/result.h"

namespace apm::sim {

struct StoredSecretVersion {
  std::string version;  // 32 hex digits
  std::string value;
  std::string content_type;
  json::Value tags;
  bool enabled = true;
  std::int64_t created_s = 0;
  std::int64_t expires_s = 0;  // 0: the secret has no attribute exp
};

struct StoredKeyVersion {
  std::string version;
  Bytes pkcs8;
  bool enabled = true;
  std::int64_t created_s = 0;
};

struct StoredSecret {
  std::string name;                           // as first written; the map's key is its lower case
  std::vector<StoredSecretVersion> versions;  // oldest first
  std::int64_t deleted_ms = 0;                // 0: not deleted
};

struct StoredKey {
  std::string name;
  std::string kty;  // "RSA" or "RSA-HSM"
  std::vector<std::string> operations;
  bool exportable = false;
  std::string release_policy;  // JSON in the service's own member order; empty: none
  bool immutable_policy = false;
  std::vector<StoredKeyVersion> versions;
  std::int64_t deleted_ms = 0;
};

struct VaultData {
  std::map<std::string, StoredSecret> secrets;
  std::map<std::string, StoredKey> keys;
};

[[nodiscard]] json::Value to_json(const VaultData& data);
[[nodiscard]] Result<VaultData> vault_from_json(const json::Value& value);

class VaultState {
 public:
  explicit VaultState(const std::string& dir)
      : path_(dir + "/vault.json"), lock_path_(dir + "/vault.lock") {}
  // `act` sees the newest state, and returns true when it changed it: then it is saved first.
  [[nodiscard]] Status with(const std::function<bool(VaultData&)>& act);

 private:
  [[nodiscard]] Status refresh() APM_REQUIRES(mutex_);
  std::string path_, lock_path_;
  Mutex mutex_;
  VaultData data_ APM_GUARDED_BY(mutex_);
  std::string stamp_ APM_GUARDED_BY(mutex_);  // inode and time of the file that data_ was read from
};

}  // namespace apm::sim
