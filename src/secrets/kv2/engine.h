#pragma once

// The kv version 2 engine: each write of a secret makes a new version; versions are read, deleted,
// brought back and destroyed one by one, and a write can be made to depend on the current version
// (check-and-set). Paths below the mount, as Vault's clients use them: config, data/, metadata/,
// delete/, undelete/, destroy/, subkeys/.
//
// Writers of one secret take turns inside one engine; between two engine objects over the same
// records the store's preconditions decide. Any thread may call.

#include <array>
#include <functional>

#include "barrier/barrier.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "logical/backend.h"
#include "secrets/kv2/records.h"
#include "secrets/limits.h"

namespace apm::secrets::kv2 {

class Engine final : public logical::Backend {
 public:
  Engine(barrier::View view, const Clock& clock) : records_(std::move(view)), clock_(clock) {}

  [[nodiscard]] Result<logical::Response> handle(const logical::Request& request) override;
  [[nodiscard]] Result<std::optional<bool>> exists(const logical::Request& request) override;

 private:
  using Answer = Result<logical::Response>;
  using Work = std::function<Answer(std::optional<Held<Metadata>> secret)>;

  // One change of one secret: no other of this engine meanwhile, again when another engine was
  // faster. kUnavailable "kv_contended" when that goes on.
  [[nodiscard]] Answer change(const std::string& path, const Work& work);
  [[nodiscard]] std::int64_t now_ns() const { return clock_.unix_ns(); }

  // engine.cc
  [[nodiscard]] Answer serve_config(const logical::Request& request);
  [[nodiscard]] Answer write_config(const logical::Request& request);
  // data.cc
  [[nodiscard]] Answer serve_data(const logical::Request& request, const std::string& path);
  [[nodiscard]] Answer serve_subkeys(const logical::Request& request, const std::string& path);
  [[nodiscard]] Answer read_data(const logical::Request& request, const std::string& path);
  [[nodiscard]] Answer read_held(const logical::Request& request, const std::string& path,
                                 const std::optional<Held<Metadata>>& secret);
  [[nodiscard]] Answer write_data(const logical::Request& request, const std::string& path);
  [[nodiscard]] Answer patch_data(const logical::Request& request, const std::string& path);
  [[nodiscard]] Answer patch_current(const logical::Request& request, const std::string& path,
                                     Held<Metadata> secret);
  [[nodiscard]] Answer add(const std::string& path, Held<Metadata> secret,
                           const Held<Settings>& mount, const json::Object& data);
  // versions.cc
  [[nodiscard]] Answer delete_current(const std::string& path);
  [[nodiscard]] Answer serve_delete(const logical::Request& request, const std::string& path);
  [[nodiscard]] Answer serve_undelete(const logical::Request& request, const std::string& path);
  [[nodiscard]] Answer serve_destroy(const logical::Request& request, const std::string& path);
  // metadata_endpoint.cc
  [[nodiscard]] Answer serve_metadata(const logical::Request& request, const std::string& path);
  [[nodiscard]] Answer read_metadata(const std::string& path);
  [[nodiscard]] Answer write_metadata(const logical::Request& request, const std::string& path);
  [[nodiscard]] Answer patch_metadata(const logical::Request& request, const std::string& path);
  [[nodiscard]] Answer delete_metadata(const std::string& path);

  Records records_;
  const Clock& clock_;
  std::array<Mutex, kSecretLocks> locks_;  // by the path's hash
  Mutex config_lock_;
};

// --- Shared by the files of the engine ---
[[nodiscard]] Error not_offered();  // kUnsupported: the path exists, the operation does not
[[nodiscard]] Error absent();       // kNotFound without a text
[[nodiscard]] bool is_write(const logical::Request& request);  // create or update
// Adds Vault's warning about members that nobody looks at.
void note_ignored(const logical::Request& request, logical::Response& response,
                  std::initializer_list<std::string_view> known);

}  // namespace apm::secrets::kv2
