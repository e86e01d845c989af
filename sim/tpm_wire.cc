#include "sim/tpm_wire.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/byte_reader.h"
#include "base/encoding.h"
#include "base/text.h"
#include "sim/limits.h"

namespace apm::sim {
namespace {

constexpr std::uint32_t kPasswordSession = 0x40000009;
constexpr std::uint16_t kNoSessions = 0x8001;
constexpr std::uint16_t kSessions = 0x8002;
constexpr std::uint16_t kAlgNull = 0x0010;
constexpr std::uint16_t kAlgSha256 = 0x000B;
constexpr std::uint16_t kAlgRsa = 0x0001;
constexpr std::uint16_t kAlgAes = 0x0006;
constexpr std::uint16_t kAlgCfb = 0x0043;
constexpr std::uint16_t kAlgRsassa = 0x0014;
constexpr std::size_t kHeaderBytes = 10;
constexpr unsigned kOneHandle = 1;

Error transport_error(const std::string& what) {
  return Error(Code::kUnavailable, "tpm_transport", what);
}

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    return Error(Code::kInvalidArgument, "socket_path", "the socket's path is too long: " + path);
  }
  std::ranges::copy(path, address.sun_path);
  return address;
}

Status read_exactly(int fd, Bytes& out, std::size_t count, bool& closed) {
  const std::size_t start = out.size();
  out.resize(start + count);
  std::size_t got = 0;
  while (got < count) {
    const ssize_t n = ::recv(fd, out.data() + start + got, count - got, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n == 0 && start == 0 && got == 0) {
      closed = true;
      out.clear();
      return {};
    }
    if (n <= 0) return transport_error("the TPM's socket closed in the middle of a message");
    got += static_cast<std::size_t>(n);
  }
  return {};
}

void append_sized(Bytes& out, ByteView data) {
  append_u16_be(out, static_cast<std::uint16_t>(data.size()));
  append(out, data);
}

// TPMT_PUBLIC of the template.
Bytes key_template(TpmWire::KeyKind kind, ByteView policy) {
  using Kind = TpmWire::KeyKind;
  Bytes out;
  append_u16_be(out, kAlgRsa);
  append_u16_be(out, kAlgSha256);
  switch (kind) {
    case Kind::kSigning: append_u32_be(out, 0x00050472); break;
    case Kind::kStorage: append_u32_be(out, 0x00030472); break;
    case Kind::kPcrDecrypt: append_u32_be(out, 0x00020432); break;
  }
  append_sized(out, policy);
  if (kind == Kind::kStorage) {
    append_u16_be(out, kAlgAes);
    append_u16_be(out, 128);
    append_u16_be(out, kAlgCfb);
  } else {
    append_u16_be(out, kAlgNull);
  }
  if (kind == Kind::kSigning) {
    append_u16_be(out, kAlgRsassa);
    append_u16_be(out, kAlgSha256);
  } else {
    append_u16_be(out, kAlgNull);
  }
  append_u16_be(out, 2048);
  append_u32_be(out, 0);
  append_sized(out, Bytes(256, 0));
  return out;
}

}  // namespace

Result<UniqueFd> connect_unix(const std::string& path) {
  APM_TRY(const sockaddr_un address, address_of(path));
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return io_error("socket");
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return io_error("connect " + path);
  }
  return fd;
}

Result<UniqueFd> listen_unix(const std::string& path) {
  APM_TRY(const sockaddr_un address, address_of(path));
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return io_error("socket");
  static_cast<void>(::unlink(path.c_str()));
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(fd.get(), static_cast<int>(kTpmClientsMax)) != 0) {
    return io_error("listen on " + path);
  }
  return fd;
}

Result<Bytes> read_tpm_message(int fd) {
  Bytes out;
  bool closed = false;
  APM_CHECK_OK(read_exactly(fd, out, kHeaderBytes, closed));
  if (closed) return Bytes{};
  ByteReader reader(out);
  reader.skip(2);
  const std::uint32_t size = reader.u32_be();
  if (size < kHeaderBytes || size > kTpmMessageMax) {
    return transport_error(concat("a TPM message of ", size, " bytes"));
  }
  APM_CHECK_OK(read_exactly(fd, out, size - kHeaderBytes, closed));
  return out;
}

Status write_all(int fd, ByteView data) {
  while (!data.empty()) {
    const ssize_t n = ::send(fd, data.data(), data.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return transport_error("the TPM's socket does not take the message");
    data = data.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

Result<TpmWire> TpmWire::connect(const std::string& path) {
  APM_TRY(UniqueFd fd, connect_unix(path));
  const timeval limit{kTpmReplyTimeout.count() / 1000, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  return TpmWire(std::move(fd));
}

Result<Bytes> TpmWire::exchange(ByteView command) {
  APM_CHECK_OK(write_all(fd_.get(), command));
  APM_TRY(Bytes answer, read_tpm_message(fd_.get()));
  if (answer.empty()) return transport_error("the TPM closed its socket");
  return answer;
}

Result<Bytes> TpmWire::run(std::uint32_t code, const std::vector<std::uint32_t>& handles,
                           ByteView parameters, unsigned auths, unsigned handles_out,
                           std::uint32_t* handle) {
  Bytes body;
  for (const std::uint32_t h : handles) append_u32_be(body, h);
  if (auths > 0) {
    append_u32_be(body, auths * 9);
    for (unsigned i = 0; i < auths; ++i) {
      append_u32_be(body, kPasswordSession);
      append(body, Bytes(5, 0));  // empty nonce, no attributes, empty password
    }
  }
  append(body, parameters);
  Bytes command;
  append_u16_be(command, auths > 0 ? kSessions : kNoSessions);
  append_u32_be(command, static_cast<std::uint32_t>(kHeaderBytes + body.size()));
  append_u32_be(command, code);
  append(command, body);
  APM_TRY(const Bytes answer, exchange(command));
  ByteReader reader(answer);
  reader.skip(6);
  const std::uint32_t rc = reader.u32_be();
  if (rc != 0) {
    Bytes raw;
    append_u32_be(raw, rc);
    return Error(Code::kRefused, "tpm_response",
                 concat("the TPM answered 0x", hex_encode(raw), " to command ", code));
  }
  if (handles_out == kOneHandle) {
    const std::uint32_t value = reader.u32_be();
    if (handle != nullptr) *handle = value;
  }
  const std::size_t size = auths > 0 ? reader.u32_be() : reader.remaining();
  const ByteView out = reader.take(size);
  if (!reader.ok()) return transport_error("a TPM answer that is too short");
  return to_bytes(out);
}

Result<PrimaryKey> TpmWire::create_primary(std::uint32_t hierarchy, KeyKind kind, ByteView policy) {
  Bytes parameters;
  append_sized(parameters, Bytes(4, 0));  // empty auth, no data
  append_sized(parameters, key_template(kind, policy));
  append_u16_be(parameters, 0);
  append_u32_be(parameters, 0);
  PrimaryKey key;
  APM_TRY(const Bytes answer, run(0x131, {hierarchy}, parameters, 1, kOneHandle, &key.handle));
  ByteReader reader(answer);
  const ByteView area = reader.take(reader.u16_be());
  if (!reader.ok() || area.size() < 258) return transport_error("a public area that is too short");
  append_sized(key.tpm2b_public, area);
  key.modulus = to_bytes(area.last(256));
  return key;
}

Status TpmWire::make_persistent(std::uint32_t handle, std::uint32_t persistent) {
  Bytes parameters;
  append_u32_be(parameters, persistent);
  APM_CHECK_OK(run(0x120, {kOwner, handle}, parameters, 1));
  return flush(handle);
}

Status TpmWire::flush(std::uint32_t handle) {
  Bytes parameters;
  append_u32_be(parameters, handle);
  APM_CHECK_OK(run(0x165, {}, parameters, 0));
  return {};
}

Status TpmWire::extend_pcr(unsigned pcr, ByteView sha256) {
  Bytes parameters;
  append_u32_be(parameters, 1);
  append_u16_be(parameters, kAlgSha256);
  append(parameters, sha256);
  APM_CHECK_OK(run(0x182, {pcr}, parameters, 1));
  return {};
}

Result<Bytes> TpmWire::read_pcr(unsigned pcr) {
  APM_TRY(const Bytes answer, run(0x17E, {}, pcr_selection({pcr}), 0));
  if (answer.size() < 32) return transport_error("no PCR in the TPM's answer");
  return to_bytes(ByteView(answer).last(32));
}

Status TpmWire::define_nv(std::uint32_t index, std::uint16_t size) {
  Bytes area;
  append_u32_be(area, index);
  append_u16_be(area, kAlgSha256);
  append_u32_be(area, 0x02060006);  // no DA; owner and auth may read and write
  append_u16_be(area, 0);
  append_u16_be(area, size);
  Bytes parameters;
  append_u16_be(parameters, 0);
  append_sized(parameters, area);
  APM_CHECK_OK(run(0x12A, {kOwner}, parameters, 1));
  return {};
}

Status TpmWire::write_nv(std::uint32_t index, ByteView data) {
  for (std::size_t at = 0; at < data.size(); at += kNvChunkMax) {
    Bytes parameters;
    append_sized(parameters, data.subspan(at, std::min(kNvChunkMax, data.size() - at)));
    append_u16_be(parameters, static_cast<std::uint16_t>(at));
    APM_CHECK_OK(run(0x137, {kOwner, index}, parameters, 1));
  }
  return {};
}

Result<Bytes> TpmWire::read_nv(std::uint32_t index) {
  APM_TRY(const Bytes area, run(0x169, {index}, {}, 0));
  ByteReader reader(area);
  reader.skip(2 + 4 + 2 + 4);
  reader.skip(reader.u16_be());
  const std::size_t size = reader.u16_be();
  if (!reader.ok()) return transport_error("an NV public area that is too short");
  Bytes out;
  while (out.size() < size) {
    Bytes parameters;
    const std::size_t now = std::min(kNvChunkMax, size - out.size());
    append_u16_be(parameters, static_cast<std::uint16_t>(now));
    append_u16_be(parameters, static_cast<std::uint16_t>(out.size()));
    APM_TRY(const Bytes chunk, run(0x14E, {kOwner, index}, parameters, 1));
    if (chunk.size() != now + 2) return transport_error("an NV chunk of a wrong size");
    append(out, ByteView(chunk).subspan(2));
  }
  return out;
}

namespace {

// TPM2B_ATTEST, TPMT_SIGNATURE (RSASSA, SHA-256)
Result<TpmWire::Attest> split_attest(ByteView answer) {
  ByteReader reader(answer);
  TpmWire::Attest out;
  out.attest = to_bytes(reader.take(reader.u16_be()));
  reader.skip(4);
  out.signature = to_bytes(reader.take(reader.u16_be()));
  if (!reader.finish()) return transport_error("an attestation of an unexpected form");
  return out;
}

}  // namespace

Result<TpmWire::Attest> TpmWire::quote(std::uint32_t key, ByteView selection) {
  Bytes parameters;
  append_u16_be(parameters, 0);
  append_u16_be(parameters, kAlgNull);
  append(parameters, selection);
  APM_TRY(const Bytes answer, run(0x158, {key}, parameters, 1));
  return split_attest(answer);
}

Result<TpmWire::Attest> TpmWire::certify(std::uint32_t object, std::uint32_t key) {
  Bytes parameters;
  append_u16_be(parameters, 0);
  append_u16_be(parameters, kAlgNull);
  APM_TRY(const Bytes answer, run(0x148, {object, key}, parameters, 2));
  return split_attest(answer);
}

Bytes pcr_selection(const std::vector<unsigned>& pcrs) {
  Bytes bits(3, 0);
  for (const unsigned pcr : pcrs) {
    bits[pcr / 8] = static_cast<std::uint8_t>(bits[pcr / 8] | (1U << (pcr % 8)));
  }
  Bytes out;
  append_u32_be(out, 1);
  append_u16_be(out, kAlgSha256);
  out.push_back(3);
  append(out, bits);
  return out;
}

}  // namespace apm::sim
