#pragma once

// The place where bytes stay. A Store knows nothing of encryption: it sees keys and opaque values.
//
// Keys are UTF-8 text like "core/mounts", 1..kKeyBytesMax bytes, no empty segment, no leading or
// trailing '/', no control characters. Values are 0..kValueBytesMax bytes. Any thread may call.
//
// A commit is atomic and durable before it returns ok. If it returns an error other than
// kPrecondition, the outcome is unknown until the next successful read of the keys involved.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"

namespace apm::storage {

struct Put {
  std::string key;
  Bytes value;
};

// Checked before anything of the batch is applied.
struct Precondition {
  std::string key;
  std::optional<Bytes> value;  // nothing: the key must be absent; else it must hold exactly this
};

struct Batch {
  std::vector<Precondition> preconditions;
  std::vector<Put> puts;
  std::vector<std::string> deletes;  // deleting what is absent is fine
};

// Exclusive right to write this store, for as long as the object lives.
class Lease {
 public:
  virtual ~Lease() = default;
  [[nodiscard]] virtual bool held() const = 0;
};

class Store {
 public:
  virtual ~Store() = default;

  [[nodiscard]] virtual Result<std::optional<Bytes>> get(const std::string& key) = 0;

  // The names directly below `prefix` ("" or ending in '/'), sorted bytewise, each once; a name
  // that has keys below it ends in '/'. A name can be both.
  [[nodiscard]] virtual Result<std::vector<std::string>> list(const std::string& prefix) = 0;

  // kPrecondition when a precondition fails; nothing is applied then.
  [[nodiscard]] virtual Status commit(const Batch& batch) = 0;

  // Waits until `deadline`; kConflict with the holder named when somebody else has it.
  [[nodiscard]] virtual Result<std::unique_ptr<Lease>> acquire_lease(const std::string& owner,
                                                                     const Deadline& deadline) = 0;

  // Names the store for people, without credentials: "sqlite /var/lib/apm/store.db".
  [[nodiscard]] virtual std::string description() const = 0;
  [[nodiscard]] virtual std::string type() const = 0;  // "sqlite", as in seal-status
};

// What every backend refuses before it touches anything: kInvalidArgument "storage_key",
// "storage_prefix", "storage_duplicate_key" or "lease_owner"; kTooLarge with the limit named.
[[nodiscard]] Status check_key(std::string_view key);
[[nodiscard]] Status check_prefix(std::string_view prefix);  // of list(): "" or key + "/"
[[nodiscard]] Status check_batch(const Batch& batch);        // keys, sizes, one key not twice
[[nodiscard]] Status check_lease_owner(std::string_view owner);

}  // namespace apm::storage
