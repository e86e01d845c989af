// AzureAttestSKR: attest, release the master key, wrap or unwrap values with it.

#include <sys/prctl.h>

#include <string>
#include <vector>

#include "base/log.h"
#include "crypto/library.h"
#include "crypto/secret_bytes.h"
#include "net/http_client.h"
#include "skr/attest_skr_cli.h"

int main(int argc, char** argv) {
  apm::StreamLog log(2);
  static_cast<void>(::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));  // no core file holds the key
  for (const apm::Status& started : {apm::crypto::start_library(), apm::net::start_library(),
                                     apm::crypto::prepare_secret_pool()}) {
    if (started.ok()) continue;
    log.error("skr", started.error().message);
    return 1;
  }
  return apm::skr::run_attest_skr(std::vector<std::string>(argv + 1, argv + argc), log);
}
