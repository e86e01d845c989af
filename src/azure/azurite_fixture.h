#pragma once

// Azurite for tests: one server of the pinned npm package for the whole test program, started when
// it is first needed and ended with the program. Each test takes a container of its own.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <thread>

#include "azure/blob_log.h"
#include "azure/blob_store.h"
#include "base/encoding.h"
#include "base/text.h"
#include "crypto/random.h"
#include "storage/temp_dir.h"

namespace apm::azure {

// Azurite's published development account; it protects nothing.
inline constexpr const char* kAzuriteAccount = "devstoreaccount1";
inline constexpr const char* kAzuriteKey =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

// A port of loopback that was free a moment ago.
inline std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  auto* address = reinterpret_cast<sockaddr*>(&at);
  const bool bound = ::bind(fd, address, size) == 0 && ::getsockname(fd, address, &size) == 0;
  ::close(fd);
  return bound ? ntohs(at.sin_port) : std::uint16_t{0};
}

class AzuriteServer {
 public:
  static AzuriteServer& shared() {
    static AzuriteServer server;
    return server;
  }
  AzuriteServer() { start(); }
  AzuriteServer(const AzuriteServer&) = delete;
  AzuriteServer& operator=(const AzuriteServer&) = delete;
  ~AzuriteServer() {
    if (server_ > 0) {
      ::kill(server_, SIGKILL);
      ::waitpid(server_, nullptr, 0);
    }
  }

  // "" when it runs; else why it does not, for GTEST_SKIP.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }
  // It can be had here, and does not run all the same.
  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] BlobStoreConfig config(const std::string& container) const {
    BlobStoreConfig out;
    out.account = kAzuriteAccount;
    out.container = container;
    out.endpoint = concat("http://127.0.0.1:", port_, "/", kAzuriteAccount);
    const Bytes raw = base64_decode(kAzuriteKey).value();
    out.account_key = crypto::SecretBytes::copy_of(ByteView(raw));
    return out;
  }
  [[nodiscard]] BlobConnector connector(const std::string& container) const {
    return blob_connector(std::make_shared<const BlobStoreConfig>(config(container)));
  }
  static std::string new_container() { return "t" + crypto::random_uuid(); }

 private:
  void start() {
    port_ = free_port();
    const std::string port = std::to_string(port_);
    server_ = ::fork();
    if (server_ == 0) {
      const std::string log = dir_.file("log");
      const std::string script = APM_SOURCE_DIR "/tests/harness/azurite.sh";
      if (std::freopen(log.c_str(), "a", stdout) == nullptr || ::dup2(1, 2) < 0) ::_exit(70);
      ::execl(script.c_str(), script.c_str(), port.c_str(), nullptr);
      ::_exit(71);
    }
    for (int i = 0; i < 4000 && server_ > 0; ++i) {
      if (answers()) return;
      int status = 0;
      if (::waitpid(server_, &status, WNOHANG) == server_) {
        server_ = 0;
        failed_ = !WIFEXITED(status) || WEXITSTATUS(status) != 77;
        break;
      }
      std::this_thread::sleep_for(Milliseconds(50));
    }
    failed_ = failed_ || server_ > 0;
    std::stringstream log;
    log << std::ifstream(dir_.file("log")).rdbuf();
    trouble_ = "Azurite does not start: " + log.str();
  }
  [[nodiscard]] bool answers() const {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port_);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool connected = ::connect(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0;
    ::close(fd);
    return connected;
  }

  storage::TempDir dir_;
  pid_t server_ = 0;
  std::uint16_t port_ = 0;
  bool failed_ = false;
  std::string trouble_;
};

}  // namespace apm::azure
