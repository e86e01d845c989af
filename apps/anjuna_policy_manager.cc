// anjuna-policy-manager: secrets and authorisations for administrators; fetch and run for
// workloads.

#include <string>
#include <vector>

#include "cli/admin_verbs.h"
#include "crypto/library.h"

int main(int argc, char** argv) {
  const apm::Status started = apm::crypto::start_library();
  if (!started.ok()) return apm::cli::fail(started.error());
  return apm::cli::dispatch("anjuna-policy-manager", apm::cli::admin_verbs(),
                            {argv + 1, argv + argc});
}
