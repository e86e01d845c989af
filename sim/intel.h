#pragma once

// An Intel-like platform of the simulated cloud: the certificates of Intel's root, its PCK CA, one
// platform and the TCB signer; the key with which that platform's quoting enclave signs; and the
// key of its TDREPORT MACs. Kept in <dir>/hardware. <dir>/intel-root.pem is the root,
// <dir>/intel-collateral.json the documents and revocation lists that a verifier wants, made anew
// at every start, valid for a month. Immutable after open(); any thread may read.
// Sources: Intel SGX PCK certificate and CRL profile; Intel PCS API version 4.

#include <string>

#include "crypto/secret_bytes.h"
#include "sim/identity.h"

namespace apm::sim {

struct IntelHardware {
  Identity root, pck_ca, pck, tcb_signing;
  crypto::PrivateKey quoting;   // of the quoting enclave
  crypto::SecretBytes mac_key;  // as if inside the CPU

  // `dir`: the simulator's; `hardware_dir`: where keys are kept, locked by the caller.
  [[nodiscard]] static Result<IntelHardware> open(const std::string& dir,
                                                  const std::string& hardware_dir);
  [[nodiscard]] std::string chain_pem() const;  // PCK, CA, root
};

// What the platform is, in its PCK certificate, its quotes and the documents alike.
inline constexpr std::uint8_t kQuotingEnclaveSvn = 6;
inline constexpr std::uint8_t kTdModuleSvn = 5;              // TEE_TCB_SVN[0]
inline constexpr std::uint8_t kTdModuleVersion = 1;          // TEE_TCB_SVN[1]
inline constexpr std::uint8_t kQuotingEnclaveSigner = 0x9e;  // every byte of its MRSIGNER

// One JSON object with the names of Intel's sgx_ql_qve_collateral_t.
[[nodiscard]] Result<std::string> intel_collateral(const IntelHardware& intel, std::int64_t now_s);

// r and s, 32 bytes each.
[[nodiscard]] Result<Bytes> sign_p256(const crypto::PrivateKey& key, ByteView message);

}  // namespace apm::sim
