#pragma once

// All simulated services of one directory, wired together: the IMDS port, the control port (/sim/*,
// which the IMDS port answers too, but see NetServerOptions::counts_connections) and the TLS port
// (MAA, Key Vault, login host, told apart by their names). start() listens and writes
// <dir>/endpoints.json; the destructor stops. The object owns everything it serves from.

#include <memory>
#include <string>

#include "base/clock.h"
#include "sim/akv.h"
#include "sim/faults.h"
#include "sim/hardware.h"
#include "sim/imds.h"
#include "sim/maa.h"
#include "sim/net_server.h"
#include "sim/state.h"

namespace apm::sim {

class Services {
 public:
  // `clock` must outlive the object.
  [[nodiscard]] static Result<std::unique_ptr<Services>> create(const Settings& settings,
                                                                const Clock& clock);
  [[nodiscard]] Status start();

  // One request as the ports would route it; `host` as in its Host header. No port is needed.
  [[nodiscard]] HttpResponse handle_https(const HttpRequest& request);
  [[nodiscard]] HttpResponse handle_plain(const HttpRequest& request);

  [[nodiscard]] const Hardware& hardware() const { return hardware_; }
  [[nodiscard]] const Settings& settings() const { return settings_; }
  [[nodiscard]] KeyVault& vault() { return vault_; }
  [[nodiscard]] Faults& faults() { return faults_; }
  [[nodiscard]] std::uint16_t https_port() const { return https_ ? https_->port() : 0; }
  [[nodiscard]] std::uint16_t plain_port() const { return plain_ ? plain_->port() : 0; }

 private:
  Services(Settings settings, Hardware hardware, const Clock& clock);
  [[nodiscard]] std::string service_of(const HttpRequest& request) const;
  [[nodiscard]] HttpResponse control(const HttpRequest& request);
  [[nodiscard]] HttpResponse canaries();

  Settings settings_;
  Hardware hardware_;
  VaultState state_;
  Faults faults_;
  Imds imds_;
  Maa maa_;
  KeyVault vault_;
  std::unique_ptr<NetServer> control_, plain_, https_;
};

}  // namespace apm::sim
