#pragma once

// The records of a kv version 2 mount (docs/formats/kv2.md): the mount's settings, the metadata of
// each secret under its path, and the values under the secret's random id, so that a list of paths
// shows paths alone and a secret made anew never finds the values of the one before. One change of
// a secret is one batch, which the store refuses when somebody else changed it meanwhile.
//
// Does not own the barrier. Any thread may call.

#include <optional>
#include <string>
#include <vector>

#include "barrier/barrier.h"
#include "secrets/kv2/metadata.h"

namespace apm::secrets::kv2 {

// What was read, or is new, and where it stands.
template <class T>
struct Held {
  T content;
  std::optional<Bytes> mark;  // of the record that was read; nothing: there was none
};

// What happens to the values of a secret together with its metadata.
struct ValueChange {
  std::optional<std::uint64_t> added;  // the number of the version whose value `text` is
  std::string text;
  Held<Settings> under;  // the mount's settings that `added` keeps to; nobody changed them since
  std::vector<std::uint64_t> dropped;
};

class Records {
 public:
  explicit Records(barrier::View view) : view_(std::move(view)) {}

  // As they are now; what was never written is the default.
  [[nodiscard]] Result<Held<Settings>> settings() const;
  // kPrecondition when somebody else wrote them since they were read.
  [[nodiscard]] Status put_settings(const Held<Settings>& settings) const;

  // --- One secret. Errors of a bad path: check_item_path(). ---
  [[nodiscard]] Result<std::optional<Held<Metadata>>> find(const std::string& path) const;
  [[nodiscard]] Result<json::Object> list(const std::string& folder) const;
  // Of a version that the secret has and whose value is there. kPrecondition when somebody removed
  // it since the secret was read; kCorrupt "kv_value_absent" or "kv_value_record".
  [[nodiscard]] Result<json::Object> value(const std::string& path, const Held<Metadata>& secret,
                                           std::uint64_t version) const;
  // kPrecondition when somebody else changed the secret since it was read.
  [[nodiscard]] Status put(const std::string& path, const Held<Metadata>& secret,
                           const ValueChange& change) const;
  [[nodiscard]] Status erase(const std::string& path, const Held<Metadata>& secret) const;

 private:
  [[nodiscard]] Error value_missing(const std::string& path, const Held<Metadata>& secret) const;

  barrier::View view_;
};

// The text of a value as it is stored. kTooLarge "secret_size" or "secret_values".
[[nodiscard]] Result<std::string> value_text(const json::Object& data);

}  // namespace apm::secrets::kv2
