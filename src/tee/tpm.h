#pragma once

// This machine's TPM 2.0, through tpm2-tss ESYS: the operations that guest attestation and the
// attested login need. One Tpm is one connection; one thread at a time. Transient objects are
// flushed before a call returns; nothing is written to NV but the guest's user data.
// Sources: TCG TPM 2.0 Library parts 2 and 3; handles and NV indexes as Azure's vTPM has them.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/secret_bytes.h"

namespace apm::tee {

inline constexpr std::uint32_t kAzureAkHandle = 0x81000003;
inline constexpr std::uint32_t kAzureAkCertNv = 0x01C101D0;
inline constexpr std::uint32_t kAzureHclReportNv = 0x01400001;
inline constexpr std::uint32_t kAzureUserDataNv = 0x01400002;

enum class Transport { kDevice, kOther };

struct TpmConfig {
  std::string tcti = "device:/dev/tpmrm0";  // tpm2-tss TCTI configuration string
};
[[nodiscard]] Transport transport_of(const TpmConfig& config);

using PcrValues = std::map<unsigned, Bytes>;  // SHA-256 bank: index -> 32 bytes

struct Signed {
  Bytes attest;     // TPMS_ATTEST, without the TPM2B size
  Bytes signature;  // raw RSASSA-SHA256 signature
};

// An RSA-2048 decryption key in the NULL hierarchy: fixedTPM, fixedParent, noDA, no userWithAuth,
// usable only while the selected PCRs hold the values of the moment (PolicyPCR). It is a primary
// key: the same template gives the same key again until the TPM restarts, so it is not kept.
struct PcrBoundKey {
  std::vector<unsigned> pcrs;
  Bytes public_area;  // TPM2B_PUBLIC with its size, as Azure wants it
  Bytes tpmt_public;  // the same without the size: what the key's name is the hash of
  Bytes name;         // 000b || SHA-256(tpmt_public)
  Bytes modulus;      // 256 bytes
};

enum class RsaScheme { kRsaes, kOaepSha1, kOaepSha256 };

class Tpm {
 public:
  [[nodiscard]] static Result<Tpm> open(const TpmConfig& config);
  Tpm(Tpm&&) noexcept;
  Tpm& operator=(Tpm&&) noexcept;
  ~Tpm();

  [[nodiscard]] Result<Bytes> read_nv(std::uint32_t index);
  [[nodiscard]] Result<PcrValues> read_pcrs(const std::vector<unsigned>& pcrs);
  // TPM2B_PUBLIC, with its size, of a persistent object.
  [[nodiscard]] Result<Bytes> read_public(std::uint32_t handle);

  // `unique` (at most 32 bytes) goes into the template's unique field: another value gives another
  // key. Empty: 256 zero bytes, as Azure's guest attestation has it.
  [[nodiscard]] Result<PcrBoundKey> make_pcr_bound_key(const std::vector<unsigned>& pcrs,
                                                       ByteView unique);
  // TPM2_Certify of the key by the AK.
  [[nodiscard]] Result<Signed> certify(const PcrBoundKey& key, ByteView unique,
                                       std::uint32_t ak_handle, ByteView qualifying_data);
  [[nodiscard]] Result<Signed> quote(const std::vector<unsigned>& pcrs, std::uint32_t ak_handle,
                                     ByteView qualifying_data);
  // kRefused "tpm_policy" when the PCRs have changed since the key was made. The label, when not
  // empty, is OAEP's L; the TPM demands that it ends in a NUL, which this call adds.
  [[nodiscard]] Result<crypto::SecretBytes> decrypt(const PcrBoundKey& key, ByteView unique,
                                                    RsaScheme scheme, ByteView ciphertext,
                                                    std::string_view label = {});

 private:
  struct Impl;
  explicit Tpm(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The firmware's event log as the kernel shows it; empty when the kernel has none.
[[nodiscard]] Result<Bytes> read_event_log(const std::string& path);
inline constexpr const char* kEventLogPath = "/sys/kernel/security/tpm0/binary_bios_measurements";

}  // namespace apm::tee
