#pragma once

// Where a kv command's path leads: which mount it belongs to and which version that mount has,
// asked of the server as Vault's CLI does (sys/internal/ui/mounts).

#include <string>

#include "cli/session.h"

namespace apm::cli {

struct KvPath {
  std::string mount;  // "secret/"; empty when the server does not know such questions
  std::string path;   // below it
  bool versioned = false;

  // "secret/data/x" for the area "data" of a versioned mount, else "secret/x".
  [[nodiscard]] std::string at(const std::string& area) const {
    if (!versioned) return mount + path;
    return mount + area + (path.empty() ? "" : "/" + path);
  }
};

// The first word of the command line, below -mount when that is given. kInvalidArgument when there
// is none; what the server answered when it refuses.
[[nodiscard]] Result<KvPath> find_kv_path(Session& session, const Arguments& args);
// The same for commands that need a secret, and not only a mount or folder.
[[nodiscard]] Result<KvPath> find_kv_secret(Session& session, const Arguments& args);
// And those that need a mount of version 2.
[[nodiscard]] Result<KvPath> find_versioned_secret(Session& session, const Arguments& args);

}  // namespace apm::cli
