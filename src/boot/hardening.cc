#include "boot/hardening.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/file.h"
#include "crypto/library.h"
#include "crypto/secret_bytes.h"
#include "net/http_client.h"

namespace apm::boot {

Status harden_process() {
  const rlimit no_core{0, 0};
  if (::setrlimit(RLIMIT_CORE, &no_core) != 0) return io_error("forbid core dumps");
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return io_error("forbid dumps and tracing");
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return io_error("forbid new privileges");
  APM_CHECK_OK(crypto::start_library());
  APM_CHECK_OK(net::start_library());
  return crypto::prepare_secret_pool();
}

Status lock_all_memory() {
  if (::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0) return {};
  const Error cause = io_error("lock all memory");
  return Error(
      Code::kIo, "mlock",
      cause.message + ". Raise RLIMIT_MEMLOCK, or say disable_mlock = true (keys stay locked)");
}

}  // namespace apm::boot
