#pragma once

// The simulated Key Vault (azure.md sections 10 to 12). Borrows all; any thread.

#include <deque>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "sim/hardware.h"
#include "sim/state.h"
#include "sim/wire.h"

namespace apm::sim {

class KeyVault {
 public:
  KeyVault(const Settings& settings, const Hardware& hardware, VaultState& state,
           const Clock& clock)
      : settings_(settings), hardware_(hardware), state_(state), clock_(clock) {}

  [[nodiscard]] HttpResponse handle(const HttpRequest& request);

 private:
  // akv.cc
  [[nodiscard]] HttpResponse route(const HttpRequest& request);
  [[nodiscard]] bool throttled();
  [[nodiscard]] std::int64_t now_ms() const { return clock_.unix_ns() / 1'000'000; }
  [[nodiscard]] std::string id_of(std::string_view kind, std::string_view name,
                                  std::string_view version = {}) const;
  [[nodiscard]] json::Object attributes(bool enabled, std::int64_t created_s) const;
  [[nodiscard]] HttpResponse page(const HttpRequest& request, const json::Array& all) const;
  [[nodiscard]] HttpResponse not_found(std::string_view kind, const std::string& name) const;
  void add_deletion(json::Object& bundle, std::string_view kind, const std::string& name,
                    std::int64_t deleted_ms) const;
  // Runs `act` over the state; a state that cannot be saved is a 500.
  template <class Act>
  [[nodiscard]] HttpResponse transact(const Act& act);

  // akv_secrets.cc
  [[nodiscard]] HttpResponse secrets(const HttpRequest& request);
  [[nodiscard]] HttpResponse set_secret(const HttpRequest& request, const std::string& name);
  [[nodiscard]] HttpResponse get_secret(const HttpRequest& request, const std::string& name,
                                        const std::string& version);
  [[nodiscard]] HttpResponse delete_secret(const std::string& name);
  [[nodiscard]] HttpResponse list_secrets(const HttpRequest& request, const std::string& name);
  [[nodiscard]] HttpResponse deleted_secrets(const HttpRequest& request);
  [[nodiscard]] json::Object secret_bundle(const StoredSecret& secret,
                                           const StoredSecretVersion& version,
                                           bool with_value) const;

  // akv_keys.cc
  [[nodiscard]] HttpResponse keys(const HttpRequest& request);
  [[nodiscard]] HttpResponse create_key(const HttpRequest& request, const std::string& name);
  [[nodiscard]] HttpResponse use_key(const HttpRequest& request, const std::string& operation,
                                     const StoredKey& key, const StoredKeyVersion& version) const;
  [[nodiscard]] Result<json::Object> key_bundle(const StoredKey& key,
                                                const StoredKeyVersion& version) const;
  [[nodiscard]] HttpResponse deleted_keys(const HttpRequest& request);

  // akv_release.cc
  [[nodiscard]] HttpResponse release(const HttpRequest& request, const StoredKey& key,
                                     const StoredKeyVersion& version) const;

  const Settings& settings_;
  const Hardware& hardware_;
  VaultState& state_;
  const Clock& clock_;
  Mutex throttle_mutex_;
  std::deque<std::int64_t> create_calls_ms_ APM_GUARDED_BY(throttle_mutex_);
};

template <class Act>
HttpResponse KeyVault::transact(const Act& act) {
  HttpResponse out;
  const Status status = state_.with([&](VaultData& data) { return act(data, out); });
  return status.ok() ? out : azure_error(500, "InternalError", status.error().message);
}

[[nodiscard]] bool good_object_name(std::string_view name);
[[nodiscard]] std::string new_version_id();

}  // namespace apm::sim
