#include "sim/nv_proxy.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "base/byte_reader.h"
#include "crypto/digest.h"
#include "sim/limits.h"

namespace apm::sim {
namespace {

constexpr std::uint32_t kCcNvReadPublic = 0x169;
constexpr std::uint32_t kCcNvRead = 0x14E;
constexpr std::uint32_t kCcNvWrite = 0x137;
constexpr std::uint32_t kCcFlushContext = 0x165;
constexpr std::uint32_t kPasswordSession = 0x40000009;
constexpr std::uint32_t kRcValue = 0x1C4;  // TPM_RC_VALUE, parameter 1
constexpr std::uint32_t kRcNvRange = 0x146;
constexpr std::uint32_t kRcAuthType = 0x124;
constexpr int kPollMs = 200;

constexpr std::uint32_t kMakesHandle[] = {0x131, 0x157, 0x167, 0x176, 0x161, 0x15B, 0x186};

struct Command {
  std::uint16_t tag = 0;
  std::uint32_t code = 0;
  Bytes rest;
};

Command parse_command(ByteView raw) {
  ByteReader reader(raw);
  Command out;
  out.tag = reader.u16_be();
  reader.skip(4);
  out.code = reader.u32_be();
  out.rest = to_bytes(reader.take(reader.remaining()));
  return out;
}

Bytes reply(std::uint16_t tag, std::uint32_t rc, ByteView body) {
  Bytes out;
  append_u16_be(out, tag);
  append_u32_be(out, static_cast<std::uint32_t>(10 + body.size()));
  append_u32_be(out, rc);
  append(out, body);
  return out;
}

Bytes refusal(std::uint32_t rc) { return reply(0x8001, rc, {}); }

Bytes nv_public() {
  Bytes area;
  append_u32_be(area, kHclReportNv);
  append_u16_be(area, 0x000B);
  append_u32_be(area, 0x62060001);  // written, platform-created, no DA; owner and auth may read
  append_u16_be(area, 0);
  append_u16_be(area, static_cast<std::uint16_t>(kHclReportBytes));
  Bytes body;
  append_u16_be(body, static_cast<std::uint16_t>(area.size()));
  append(body, area);
  append_u16_be(body, 34);
  append_u16_be(body, 0x000B);
  append(body, crypto::sha256(area));
  return body;
}

// TPM_RC_OBJECT_MEMORY, SESSION_MEMORY or SESSION_HANDLES: no room for one more.
bool is_full(ByteView out) {
  ByteReader reader(out);
  reader.skip(6);
  const std::uint32_t rc = reader.u32_be();
  return rc == 0x902 || rc == 0x903 || rc == 0x905;
}

// The NV_Read's parameters; nothing unless it is authorised by one empty password.
struct NvRead {
  std::uint16_t size = 0;
  std::uint16_t offset = 0;
};
std::optional<NvRead> parse_nv_read(ByteView rest) {
  ByteReader reader(rest);
  reader.skip(8);
  ByteReader auth(reader.take(reader.u32_be()));
  const bool password = auth.u32_be() == kPasswordSession;
  auth.skip(auth.u16_be());
  auth.skip(1);
  const std::uint16_t password_size = auth.u16_be();
  NvRead out;
  out.size = reader.u16_be();
  out.offset = reader.u16_be();
  if (!password || password_size != 0 || !auth.finish() || !reader.finish()) return std::nullopt;
  return out;
}

}  // namespace

Result<std::unique_ptr<NvProxy>> NvProxy::start(NvProxyOptions options, TpmWire backend) {
  std::unique_ptr<NvProxy> out(new NvProxy(std::move(options), std::move(backend)));
  APM_TRY(out->listener_, listen_unix(out->options_.client_path));
  APM_TRY(out->control_, listen_unix(out->options_.client_path + ".ctrl"));
  NvProxy* self = out.get();
  out->acceptor_ = std::thread([self] { self->accept_clients(); });
  out->control_acceptor_ = std::thread([self] { self->accept_control(); });
  return out;
}

NvProxy::~NvProxy() {
  stopping_ = true;
  if (acceptor_.joinable()) acceptor_.join();
  if (control_acceptor_.joinable()) control_acceptor_.join();
  const MutexLock lock(mutex_);
  while (clients_ != 0) turn_.wait(mutex_);
}

void NvProxy::accept_clients() {
  while (!stopping_) {
    pollfd ready{listener_.get(), POLLIN, 0};
    if (::poll(&ready, 1, kPollMs) <= 0) continue;
    UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client.valid()) continue;
    // A client makes a connection for every command, and on a busy machine the ended ones are
    // counted for a while: it waits for room, as at a slow TPM, and is not turned away.
    const MutexLock lock(mutex_);
    while (!stopping_ && clients_ >= kTpmClientsMax) {
      static_cast<void>(turn_.wait_until(
          mutex_, std::chrono::steady_clock::now() + std::chrono::milliseconds(kPollMs)));
    }
    if (stopping_) return;
    ++clients_;
    std::thread([this, fd = std::move(client)]() mutable { serve(std::move(fd)); }).detach();
  }
}

void NvProxy::accept_control() {
  while (!stopping_) {
    pollfd ready{control_.get(), POLLIN, 0};
    if (::poll(&ready, 1, kPollMs) <= 0) continue;
    serve_control(UniqueFd(::accept4(control_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
  }
}

// Copies both ways until one side is done: control calls are one short exchange.
void NvProxy::serve_control(UniqueFd client) {
  auto backend = connect_unix(options_.backend_control);
  if (!client.valid() || !backend.ok()) return;
  const int ends[2] = {client.get(), backend->get()};
  while (!stopping_) {
    pollfd ready[2] = {{ends[0], POLLIN, 0}, {ends[1], POLLIN, 0}};
    if (::poll(ready, 2, kPollMs) < 0) return;
    for (std::size_t from = 0; from < 2; ++from) {
      if (ready[from].revents == 0) continue;
      std::uint8_t buffer[kTpmMessageMax];
      const ssize_t n = ::recv(ends[from], buffer, sizeof(buffer), 0);
      if (n <= 0) return;
      if (!write_all(ends[1 - from], ByteView(buffer, static_cast<std::size_t>(n))).ok()) return;
    }
  }
}

void NvProxy::serve(UniqueFd client) {
  while (!stopping_) {
    pollfd ready{client.get(), POLLIN, 0};
    const int events = ::poll(&ready, 1, kPollMs);
    if (events == 0) continue;
    if (events < 0) break;
    const auto command = read_tpm_message(client.get());
    if (!command.ok() || command->empty()) break;
    const auto out = answer(*command);
    if (!out.ok() || !write_all(client.get(), *out).ok()) break;
  }
  const MutexLock lock(mutex_);
  --clients_;
  turn_.notify_all();
}

// tpm2-tss opens a connection for every command, so a connection that ends says nothing about the
// objects that were loaded through it. What a killed client left behind goes when room is needed:
// the oldest first, since what is newer may be of a client that lives.
Result<Bytes> NvProxy::answer(ByteView command) {
  const MutexLock lock(mutex_);
  if (auto own = own_answer(command)) return *own;
  APM_TRY(Bytes out, backend_.exchange(command));
  while (is_full(out) && !held_.empty()) {
    static_cast<void>(backend_.flush(held_.front()));
    held_.erase(held_.begin());
    APM_TRY(Bytes again, backend_.exchange(command));
    out = std::move(again);
  }
  watch(command, out);
  return out;
}

std::optional<Bytes> NvProxy::own_answer(ByteView raw) const {
  const Command command = parse_command(raw);
  if (command.code != kCcNvReadPublic && command.code != kCcNvRead) return std::nullopt;
  ByteReader reader(command.rest);
  if (command.code == kCcNvRead) reader.skip(4);
  if (reader.u32_be() != kHclReportNv || !reader.ok()) return std::nullopt;
  if (command.code == kCcNvReadPublic) return reply(0x8001, 0, nv_public());
  const auto read = parse_nv_read(command.rest);
  if (!read) return refusal(kRcAuthType);
  if (read->size > kNvChunkMax) return refusal(kRcValue);
  if (std::size_t{read->offset} + read->size > report_.size()) return refusal(kRcNvRange);
  Bytes body;
  append_u32_be(body, 2U + read->size);
  append_u16_be(body, read->size);
  append(body, ByteView(report_).subspan(read->offset, read->size));
  append(body, Bytes{0, 0, 1, 0, 0});  // empty nonce, continueSession, empty acknowledgement
  return reply(0x8002, 0, body);
}

void NvProxy::watch(ByteView raw, ByteView out) {
  std::vector<std::uint32_t>& held = held_;
  ByteReader reader(out);
  reader.skip(6);
  if (reader.u32_be() != 0 || !reader.ok()) return;
  const Command command = parse_command(raw);
  if (std::ranges::find(kMakesHandle, command.code) != std::end(kMakesHandle)) {
    const std::uint32_t handle = reader.u32_be();
    if (!reader.ok()) return;
    std::erase(held, handle);
    held.push_back(handle);
    return;
  }
  ByteReader rest(command.rest);
  if (command.code == kCcFlushContext) {
    std::erase(held, rest.u32_be());
    return;
  }
  // A policy or HMAC session that is used without continueSession ends with its command.
  if (command.tag == 0x8002 && out.size() >= 5) {
    for (auto handle = held.begin(); handle != held.end();) {
      Bytes id;
      append_u32_be(id, *handle);
      const bool session = (*handle >> 24) == 0x02 || (*handle >> 24) == 0x03;
      const auto at = std::ranges::search(command.rest, id);
      const bool used = session && !at.empty() && out[out.size() - 3] == 0;
      handle = used ? held.erase(handle) : std::next(handle);
    }
  }
  if (command.code != kCcNvWrite || !options_.refresh) return;
  rest.skip(4);
  if (rest.u32_be() != kUserDataNv) return;
  rest.skip(rest.u32_be());
  Bytes data = to_bytes(rest.take(rest.u16_be()));
  if (!rest.ok() || rest.u16_be() != 0 || data.size() > kUserDataBytes) return;
  data.resize(kUserDataBytes, 0);
  if (auto fresh = options_.refresh(data); fresh.ok()) report_ = std::move(*fresh);
}

}  // namespace apm::sim
