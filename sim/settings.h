#pragma once

// Names that the simulated services go by, and their knobs. A value; set once before serving.

#include <cstdint>
#include <string>

namespace apm::sim {

struct Settings {
  std::string dir;
  std::string vault_name = "apmkv";
  std::string maa_host = "sharedsim.sim.attest.azure.net";
  std::string login_host = "login.microsoftonline.com";
  std::string tenant = "5f0e2c4a-7d1b-4a53-9c86-3b1f6a2d9e10";
  std::string client_id = "a1d9b2a4-0c4f-4f0e-8a64-51c2d7e0b7aa";
  std::string object_id = "c7e3f1b0-93c8-4d2e-bb1e-2f60a9d5e4cc";
  std::string resource_id =
      "/subscriptions/0b1f6f0e-58a4-4a6b-8a3e-7c2d91e4f3aa/resourceGroups/sim/providers/"
      "Microsoft.ManagedIdentity/userAssignedIdentities/apm";
  std::string client_secret = "sim-client-secret";  // of the simulated service principal
  std::int64_t create_class_limit = 10;             // calls per kThrottleWindowMs; release counts
  std::int64_t delete_delay_ms = 300;               // until a deleted object shows as deleted

  [[nodiscard]] std::string vault_host() const { return vault_name + ".vault.azure.net"; }
  [[nodiscard]] std::string vault_url() const { return "https://" + vault_host(); }
  [[nodiscard]] std::string maa_url() const { return "https://" + maa_host; }
};

}  // namespace apm::sim
