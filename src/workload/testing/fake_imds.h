#pragma once

// Azure's metadata service for one request, and an HCL report of either kind of machine. Not part
// of any program.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "base/byte_reader.h"
#include "base/file.h"
#include "base/text.h"

namespace apm::workload::testing {

// Azure's metadata service on loopback: takes one request, keeps it, gives one answer.
class Imds {
 public:
  explicit Imds(std::string answer) : answer_(std::move(answer)) {
    listener_ = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listener_.get(), generic, size), 0);
    EXPECT_EQ(::listen(listener_.get(), 1), 0);
    EXPECT_EQ(::getsockname(listener_.get(), generic, &size), 0);
    endpoint_ = concat("http://127.0.0.1:", ntohs(address.sin_port));
    thread_ = std::thread([this] { serve(); });
  }
  Imds(const Imds&) = delete;
  Imds& operator=(const Imds&) = delete;
  ~Imds() { stop(); }
  void stop() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
  }
  [[nodiscard]] const std::string& endpoint() const { return endpoint_; }
  [[nodiscard]] const std::string& seen() const { return seen_; }  // after stop()

 private:
  void serve() {
    const UniqueFd peer(::accept(listener_.get(), nullptr, nullptr));
    if (!peer.valid()) return;
    char byte = 0;
    while (!whole() && ::read(peer.get(), &byte, 1) == 1) seen_ += byte;
    static_cast<void>(write_fd(peer.get(), as_bytes(answer_), "peer"));
  }
  // A GET ends with its head; the bodies of the others, JSON here, with a text and a brace.
  [[nodiscard]] bool whole() const {
    return seen_.ends_with(seen_.starts_with("GET") ? "\r\n\r\n" : "\"}");
  }
  std::string answer_;
  UniqueFd listener_;
  std::string endpoint_;
  std::string seen_;
  std::thread thread_;
};

inline std::string answer(std::string_view status, std::string_view body) {
  return concat("HTTP/1.1 ", status, "\r\nConnection: close\r\nContent-Length: ", body.size(),
                "\r\n\r\n", body);
}

inline constexpr std::uint32_t kSnp = 2, kTdx = 4;

// An HCL report as the paravisor writes it, with no keys in its claims.
inline Bytes hcl_report(std::uint32_t report_type) {
  const std::string_view claims = R"({"keys":[]})";
  const auto data_size = 20 + static_cast<std::uint32_t>(claims.size());
  Bytes out = to_bytes(std::string_view("HCLA"));
  for (const std::uint32_t v : {2U, 32 + 1184 + data_size, 2U, 0U, 0U, 0U, 0U}) {
    append_u32_le(out, v);
  }
  out.resize(out.size() + 1024, 0x7d);
  out.resize(out.size() + 160);
  for (const std::uint32_t v :
       {data_size, 1U, report_type, 1U, static_cast<std::uint32_t>(claims.size())}) {
    append_u32_le(out, v);
  }
  append(out, claims);
  out.resize(2600);
  return out;
}

}  // namespace apm::workload::testing
