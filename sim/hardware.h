#pragma once

// The simulated vendor side, persisted in <dir>/hardware so that every simulated VM and service of
// one directory agrees on it: an AMD-like chain (ARK, ASK, VCEK of one chip), an Intel-like
// platform (intel.h), the CA of AK certificates, boot signers, and the certificates of the
// simulated cloud's services. Immutable after open(); any thread may read. Source: AMD 57230 for
// the certificate extensions.

#include <string>
#include <vector>

#include "base/result.h"
#include "crypto/x509.h"
#include "sim/identity.h"
#include "sim/intel.h"
#include "sim/settings.h"

namespace apm::sim {

// The TCB that the chip's certificate and its reports state (Milan layout).
struct ChipTcb {
  unsigned bootloader = 4;
  unsigned tee = 0;
  unsigned snp = 24;
  unsigned microcode = 219;
};

struct Hardware {
  std::string dir;  // <dir>/hardware
  Bytes chip_id;    // 64 bytes
  ChipTcb tcb;
  Identity ark, ask, vcek;
  Identity vtpm_ca;  // "Global Virtual TPM CA - 01"
  Identity ca;       // root of the services' TLS certificates; <dir>/ca.pem
  Identity intermediate;
  Identity tls;        // the vault's front end, and every other https host
  Identity maa;        // self-signed token signer
  Identity entra;      // signer of access tokens
  Identity server_ca;  // issues the policy manager's own TLS certificate; <dir>/server-ca.pem
  IntelHardware intel;

  // Makes what is missing. Waits for another process that is doing the same.
  [[nodiscard]] static Result<Hardware> open(const Settings& settings);
  // The certificate in db that verifies boot images of this signer; the same name, the same key.
  [[nodiscard]] Result<Identity> signer(const std::string& name) const;
  // An identity nobody trusts, for faults.
  [[nodiscard]] static Result<Identity> stranger(const std::string& common_name,
                                                 const std::vector<std::string>& dns_names);

  [[nodiscard]] std::string amd_chain_pem() const;  // ASK, then ARK
};

}  // namespace apm::sim
