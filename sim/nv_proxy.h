#pragma once

// Stands between TPM clients and a software TPM. It answers NV_ReadPublic and NV_Read of the HCL
// report's index itself (a software TPM's NV index holds at most 2048 bytes, the report is larger),
// tells of writes to the guest's user data, and flushes what a vanished client left behind when the
// software TPM has no room left. One client at a time is expected, as on a machine without a
// resource manager. A thread per connection; the object lives as long as the process or the test.

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "sim/tpm_wire.h"

namespace apm::sim {

struct NvProxyOptions {
  std::string client_path;      // where clients connect; control at client_path + ".ctrl"
  std::string backend_control;  // the software TPM's control socket
  Bytes hcl_report;
  // A new report for new user data (kUserDataBytes bytes).
  std::function<Result<Bytes>(ByteView user_data)> refresh;
};

class NvProxy {
 public:
  [[nodiscard]] static Result<std::unique_ptr<NvProxy>> start(NvProxyOptions options,
                                                              TpmWire backend);
  ~NvProxy();
  NvProxy(const NvProxy&) = delete;
  NvProxy& operator=(const NvProxy&) = delete;

 private:
  NvProxy(NvProxyOptions options, TpmWire backend)
      : options_(std::move(options)), report_(options_.hcl_report), backend_(std::move(backend)) {}
  void accept_clients();
  void accept_control();
  void serve(UniqueFd client);
  void serve_control(UniqueFd client);
  [[nodiscard]] Result<Bytes> answer(ByteView command);
  [[nodiscard]] std::optional<Bytes> own_answer(ByteView command) const APM_REQUIRES(mutex_);
  void watch(ByteView command, ByteView reply) APM_REQUIRES(mutex_);

  NvProxyOptions options_;
  UniqueFd listener_, control_;
  Mutex mutex_;
  CondVar turn_;
  Bytes report_ APM_GUARDED_BY(mutex_);
  TpmWire backend_ APM_GUARDED_BY(mutex_);
  std::vector<std::uint32_t> held_
      APM_GUARDED_BY(mutex_);  // objects and sessions that are loaded, the oldest first
  std::size_t clients_ APM_GUARDED_BY(mutex_) = 0;
  std::atomic<bool> stopping_{false};
  std::thread acceptor_, control_acceptor_;
};

}  // namespace apm::sim
