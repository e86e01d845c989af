#pragma once

// Raw TPM 2.0 commands over a stream socket, for provisioning a software TPM: no sessions but the
// empty-password one. One thread at a time. Source: TCG TPM 2.0 Library parts 2 and 3.
// Errors: kUnavailable "tpm_transport", kRefused "tpm_response" with the response code.

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/file.h"
#include "base/result.h"

namespace apm::sim {

inline constexpr std::uint32_t kOwner = 0x40000001;
inline constexpr std::uint32_t kEndorsement = 0x4000000B;
inline constexpr std::uint32_t kNullHierarchy = 0x40000007;
inline constexpr std::uint32_t kAkHandle = 0x81000003;
inline constexpr std::uint32_t kSrkHandle = 0x81000001;
inline constexpr std::uint32_t kEkHandle = 0x81010001;
inline constexpr std::uint32_t kAkCertificateNv = 0x01C101D0;
inline constexpr std::uint32_t kHclReportNv = 0x01400001;
inline constexpr std::uint32_t kUserDataNv = 0x01400002;

// Connects a stream socket to a unix path, or listens on one (an old socket file is replaced).
[[nodiscard]] Result<UniqueFd> connect_unix(const std::string& path);
[[nodiscard]] Result<UniqueFd> listen_unix(const std::string& path);

// One message with its TPM header. An empty answer means that the peer closed in good order.
[[nodiscard]] Result<Bytes> read_tpm_message(int fd);
[[nodiscard]] Status write_all(int fd, ByteView data);

struct PrimaryKey {
  std::uint32_t handle = 0;
  Bytes tpm2b_public;  // with its size
  Bytes modulus;
};

class TpmWire {
 public:
  [[nodiscard]] static Result<TpmWire> connect(const std::string& path);

  // The whole answer, whatever its response code.
  [[nodiscard]] Result<Bytes> exchange(ByteView command);

  enum class KeyKind { kSigning, kStorage, kPcrDecrypt };
  // RSA-2048; the attributes and schemes of Azure's AK, of a storage key, or of guest attestation's
  // transfer key with this policy.
  [[nodiscard]] Result<PrimaryKey> create_primary(std::uint32_t hierarchy, KeyKind kind,
                                                  ByteView policy = {});
  [[nodiscard]] Status make_persistent(std::uint32_t handle, std::uint32_t persistent);
  [[nodiscard]] Status flush(std::uint32_t handle);
  [[nodiscard]] Status extend_pcr(unsigned pcr, ByteView sha256);
  [[nodiscard]] Result<Bytes> read_pcr(unsigned pcr);
  [[nodiscard]] Status define_nv(std::uint32_t index, std::uint16_t size);
  [[nodiscard]] Status write_nv(std::uint32_t index, ByteView data);
  [[nodiscard]] Result<Bytes> read_nv(std::uint32_t index);

  struct Attest {
    Bytes attest;
    Bytes signature;
  };
  // By an RSASSA-SHA256 key with empty auth; empty qualifying data.
  [[nodiscard]] Result<Attest> quote(std::uint32_t key, ByteView pcr_selection);
  [[nodiscard]] Result<Attest> certify(std::uint32_t object, std::uint32_t key);

 private:
  explicit TpmWire(UniqueFd fd) : fd_(std::move(fd)) {}
  // Answer parameters of a command that must succeed. `handles_out`: handles before them.
  [[nodiscard]] Result<Bytes> run(std::uint32_t code, const std::vector<std::uint32_t>& handles,
                                  ByteView parameters, unsigned auths, unsigned handles_out = 0,
                                  std::uint32_t* handle = nullptr);
  UniqueFd fd_;
};

// TPML_PCR_SELECTION of one SHA-256 bank.
[[nodiscard]] Bytes pcr_selection(const std::vector<unsigned>& pcrs);

}  // namespace apm::sim
