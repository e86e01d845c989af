#include "cli/server_verbs.h"

namespace apm::cli {

std::vector<Verb> server_verbs() {
  std::vector<Verb> all;
  for (auto part : {operator_verbs(), handover_verbs(), snapshot_verbs(), mount_verbs(),
                    data_verbs(), kv_verbs(), kv_metadata_verbs()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

}  // namespace apm::cli
