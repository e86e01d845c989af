#pragma once

// One simulated confidential VM: a software TPM (child process that dies with this one),
// provisioned as Azure's vTPM is, with a measured boot and an HCL report, served at
// <dir>/vm-<name>.tpm. Starting it again provisions it again: a new boot with a new AK, as after a
// re-deployment.

#include <sys/types.h>

#include <memory>
#include <string>

#include "sim/hardware.h"
#include "sim/hcl_report.h"
#include "sim/nv_proxy.h"

namespace apm::sim {

struct VmSpec {
  std::string name;  // letters, digits, '-'
  std::string image;
  std::string signer = "default";
  bool secure_boot = true;
  Tee tee = Tee::kSnp;
};

// A child process that is ended (SIGTERM, then SIGKILL) with the object.
class ChildProcess {
 public:
  [[nodiscard]] static Result<ChildProcess> spawn(const std::vector<std::string>& arguments);
  ChildProcess(ChildProcess&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  ChildProcess& operator=(ChildProcess&&) = delete;
  ~ChildProcess();
  [[nodiscard]] bool alive();

 private:
  explicit ChildProcess(pid_t pid) : pid_(pid) {}
  pid_t pid_;
};

class TpmVm {
 public:
  [[nodiscard]] static Result<std::unique_ptr<TpmVm>> start(const Settings& settings,
                                                            const Hardware& hardware,
                                                            const VmSpec& spec);
  [[nodiscard]] const std::string& tpm_path() const { return tpm_path_; }
  [[nodiscard]] const std::string& event_log_path() const { return event_log_path_; }
  [[nodiscard]] const Bytes& hcl_report() const { return hcl_report_; }
  [[nodiscard]] bool alive() { return swtpm_.alive(); }

 private:
  explicit TpmVm(ChildProcess swtpm) : swtpm_(std::move(swtpm)) {}
  ChildProcess swtpm_;
  std::string tpm_path_, event_log_path_;
  Bytes hcl_report_;
  std::unique_ptr<NvProxy> proxy_;
};

}  // namespace apm::sim
