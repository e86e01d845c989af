#pragma once

// Handing secrets to a program: as files in a memory-backed directory, or as environment variables
// of the program that replaces this process. No secret reaches argv or a disk.

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "crypto/secret_bytes.h"

namespace apm::workload {

// Writes `directory`/`name` with mode 0600, atomically. kPrecondition "directory_not_in_memory"
// unless the directory is on tmpfs or ramfs; kInvalidArgument "file_name" for a name with a slash.
[[nodiscard]] Status write_secret_file(const std::string& directory, const std::string& name,
                                       const crypto::SecretBytes& value);

struct Program {
  std::vector<std::string> arguments;                  // [0] is the program, searched in PATH
  std::map<std::string, crypto::SecretBytes> secrets;  // environment variable -> value
};
// The environment of the program: `inherited` ("K=V", NULL-ended) without the variables that the
// secrets replace, then the secrets. kInvalidArgument "variable_name" or "value_has_nul".
[[nodiscard]] Result<std::vector<std::string>> build_environment(
    const char* const* inherited, const std::map<std::string, crypto::SecretBytes>& secrets);

// Replaces this process; returns only on failure.
[[nodiscard]] Status exec_program(const Program& program);

}  // namespace apm::workload
