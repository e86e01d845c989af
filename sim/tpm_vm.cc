#include "sim/tpm_vm.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <thread>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "crypto/x509_build.h"
#include "sim/event_log.h"
#include "sim/files.h"
#include "sim/limits.h"

namespace apm::sim {
namespace {

constexpr std::chrono::milliseconds kPause{20};
constexpr std::uint16_t kAkCertificateBytes = 2048;
constexpr std::int64_t kYear = 365 * 86'400;

struct Keys {
  Bytes ak_modulus;
  Bytes ek_modulus;
};

Status check_name(const std::string& name) {
  const bool good = !name.empty() && name.size() <= 32 && std::ranges::all_of(name, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-';
  });
  if (good) return {};
  return Error(Code::kInvalidArgument, "vm_name", "VM names: 1 to 32 letters, digits and '-'");
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

Result<TpmWire> wait_for_tpm(const std::string& path, ChildProcess& swtpm) {
  const Deadline deadline = Deadline::after(kSwtpmStartTimeout);
  while (!deadline.passed()) {
    if (auto wire = TpmWire::connect(path); wire.ok()) return wire;
    if (!swtpm.alive()) break;
    std::this_thread::sleep_for(kPause);
  }
  return Error(Code::kUnavailable, "swtpm",
               "swtpm did not start: is it installed, and " + path + " short enough for a socket?");
}

Result<Keys> provision_keys(TpmWire& tpm) {
  using Kind = TpmWire::KeyKind;
  Keys keys;
  APM_TRY(const PrimaryKey ek, tpm.create_primary(kOwner, Kind::kStorage));
  keys.ek_modulus = ek.modulus;
  APM_CHECK_OK(tpm.make_persistent(ek.handle, kEkHandle));
  APM_TRY(const PrimaryKey ak, tpm.create_primary(kOwner, Kind::kSigning));
  keys.ak_modulus = ak.modulus;
  APM_CHECK_OK(tpm.make_persistent(ak.handle, kAkHandle));
  return keys;
}

Status provision_certificate(TpmWire& tpm, const Hardware& hardware, ByteView ak_modulus) {
  crypto::CertificateSpec spec;
  spec.common_name = crypto::random_uuid() + ".TrustedVM.Azure.Microsoft";
  spec.not_before_s = SystemClock().unix_s() - 3600;
  spec.not_after_s = spec.not_before_s + kYear;
  APM_TRY(const crypto::PublicKey ak, crypto::PublicKey::from_rsa(ak_modulus, Bytes{1, 0, 1}));
  APM_TRY(const crypto::Certificate certificate,
          crypto::build_certificate(spec, ak, &hardware.vtpm_ca.certificate, hardware.vtpm_ca.key));
  Bytes der = certificate.der();
  if (der.size() > kAkCertificateBytes) {
    return Error(Code::kTooLarge, "ak_certificate", "the AK certificate does not fit its index");
  }
  der.resize(kAkCertificateBytes, 0);
  APM_CHECK_OK(tpm.define_nv(kAkCertificateNv, kAkCertificateBytes));
  return tpm.write_nv(kAkCertificateNv, der);
}

Status measure_boot(TpmWire& tpm, const Hardware& hardware, const VmSpec& spec,
                    const std::string& log_path) {
  APM_TRY(const Identity signer, hardware.signer(spec.signer));
  const auto events = boot_events({spec.image, spec.secure_boot, signer.certificate.der()});
  for (const BootEvent& event : events) APM_CHECK_OK(tpm.extend_pcr(event.pcr, event.sha256));
  return write_private_file(log_path, encode_event_log(events));
}

}  // namespace

Result<ChildProcess> ChildProcess::spawn(const std::vector<std::string>& arguments) {
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return io_error("fork");
  if (pid == 0) {
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);  // the parent may have blocked what ends it
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  return ChildProcess(pid);
}

ChildProcess::~ChildProcess() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGTERM);
  for (int i = 0; i < 100; ++i) {
    if (::waitpid(pid_, nullptr, WNOHANG) != 0) return;
    std::this_thread::sleep_for(kPause);
  }
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

bool ChildProcess::alive() {
  if (pid_ <= 0) return false;
  if (::waitpid(pid_, nullptr, WNOHANG) == 0) return true;
  pid_ = -1;
  return false;
}

Result<std::unique_ptr<TpmVm>> TpmVm::start(const Settings& settings, const Hardware& hardware,
                                            const VmSpec& spec) {
  APM_CHECK_OK(check_name(spec.name));
  const std::string base = settings.dir + "/vm-" + spec.name;
  std::error_code ignored;
  std::filesystem::remove_all(base + ".state", ignored);
  APM_CHECK_OK(make_directory(base + ".state"));
  const std::string socket = base + ".swtpm";
  static_cast<void>(::unlink(socket.c_str()));
  APM_TRY(ChildProcess child,
          ChildProcess::spawn({"swtpm", "socket", "--tpm2", "--tpmstate", "dir=" + base + ".state",
                               "--ctrl", "type=unixio,path=" + socket + ".ctrl", "--server",
                               "type=unixio,path=" + socket, "--flags",
                               "not-need-init,startup-clear"}));
  std::unique_ptr<TpmVm> vm(new TpmVm(std::move(child)));
  vm->tpm_path_ = base + ".tpm";
  vm->event_log_path_ = base + ".eventlog";
  APM_TRY(TpmWire tpm, wait_for_tpm(socket, vm->swtpm_));
  APM_TRY(const Keys keys, provision_keys(tpm));
  APM_CHECK_OK(provision_certificate(tpm, hardware, keys.ak_modulus));
  APM_CHECK_OK(measure_boot(tpm, hardware, spec, vm->event_log_path_));
  HclInput hcl{keys.ak_modulus,
               keys.ek_modulus,
               spec.secure_boot,
               upper(crypto::random_uuid()),
               Bytes(kUserDataBytes, 0),
               crypto::random_bytes(32),
               spec.tee};
  APM_TRY(vm->hcl_report_, build_hcl_report(hardware, hcl));
  NvProxyOptions options;
  options.client_path = vm->tpm_path_;
  options.backend_control = socket + ".ctrl";
  options.hcl_report = vm->hcl_report_;
  options.refresh = [&hardware, hcl](ByteView user_data) mutable {
    hcl.user_data = to_bytes(user_data);
    return build_hcl_report(hardware, hcl);
  };
  APM_TRY(vm->proxy_, NvProxy::start(std::move(options), std::move(tpm)));
  return vm;
}

}  // namespace apm::sim
