#include "cli/admin_verbs.h"

namespace apm::cli {

std::vector<Verb> admin_verbs() {
  std::vector<Verb> all;
  for (auto part : {secret_verbs(), authorization_verbs(), workload_verbs(), evidence_verbs(),
                    explain_verbs(), device_verbs()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

}  // namespace apm::cli
