#pragma once

// Who keeps the unseal keys: Key Vault does, each in an envelope under the released master key.
//
// Initialising must never destroy another store's keys, and a store must never be initialised
// whose keys are not safely kept. So: the store's id is journalled first; the shares are stored and
// read back; only then does the store become initialised, in a commit that names the exact versions
// it relies on. A vault whose unseal keys belong to another store id stops the boot, unless the
// operator names that id as replaced. When two empty stores race for one vault, the one whose
// version is the oldest wins, and the other stops. Key Vault dates versions by the second: an
// initialisation therefore looks again only after its first version's second is over, so that both
// see the same versions, or the later one is dated later.

#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "barrier/barrier.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "crypto/keys.h"

namespace apm::boot {

// The secrets of a key vault, as far as custody needs them.
class SecretVault {
 public:
  struct Version {
    std::string id;
    std::int64_t created_unix_s = 0;
  };
  virtual ~SecretVault() = default;
  // Nothing when the secret (or this version of it) does not exist. Empty version: the latest.
  [[nodiscard]] virtual Result<std::optional<std::string>> get(const std::string& name,
                                                               const std::string& version) = 0;
  [[nodiscard]] virtual Result<std::string> set(const std::string& name,
                                                const std::string& value) = 0;  // version id
  // The same, for a value that is worthless from then on; 0: never.
  [[nodiscard]] virtual Result<std::string> set_until(const std::string& name,
                                                      const std::string& value,
                                                      std::int64_t expires_unix_s) = 0;
  [[nodiscard]] virtual Result<std::vector<Version>> versions(const std::string& name) = 0;
  [[nodiscard]] virtual std::string name() const = 0;
};

struct CustodyInput {
  barrier::Barrier& barrier;
  SecretVault& vault;
  const crypto::PrivateKey& master_key;
  std::string master_key_version;
  barrier::StoreKind kind = barrier::StoreKind::kProduction;
  std::string replaced_store_id;  // keys of this store may be superseded
  std::string store_description;  // for messages
  Log& log;
  std::function<void(Milliseconds)> sleep = [](Milliseconds span) {
    std::this_thread::sleep_for(span);
  };
};

enum class Opened { kInitialised, kUnsealed };

// Ends with an unsealed barrier, or says why not.
[[nodiscard]] Result<Opened> open_store(const CustodyInput& input);

}  // namespace apm::boot
