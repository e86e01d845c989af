#pragma once

// The ACL policies by name: texts behind the barrier (sys/policy/<name>), parsed in memory. Names
// are trimmed and lower-cased here, in the one place that everybody goes through. Any thread.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "barrier/barrier.h"
#include "base/mutex.h"
#include "base/result.h"
#include "policy/acl.h"

namespace apm::api {

class PolicyStore {
 public:
  explicit PolicyStore(barrier::Barrier& barrier) : barrier_(barrier) {}

  [[nodiscard]] Status load();  // makes `default` in a fresh store; the barrier must be unsealed
  void unload();

  // kInvalidArgument "policy_name", "policy_immutable", or the parser's with line and column.
  [[nodiscard]] Status put(const std::string& name, const std::string& text);
  // Absent is fine. kInvalidArgument "policy_immutable" for root and default.
  [[nodiscard]] Status erase(const std::string& name);
  [[nodiscard]] std::optional<std::string> text(const std::string& name) const;
  [[nodiscard]] std::vector<std::string> names() const;  // sorted, with "root"
  [[nodiscard]] bool exists(const std::string& name) const;

  // What these policies allow together; names that do not exist add nothing.
  [[nodiscard]] policy::Acl acl(const std::vector<std::string>& names) const;

 private:
  struct Held {
    std::string text;
    std::shared_ptr<const policy::AclPolicy> parsed;
  };

  barrier::Barrier& barrier_;
  Mutex changing_;  // held over storage and memory, so that they agree
  mutable SharedMutex mutex_;
  std::map<std::string, Held> held_ APM_GUARDED_BY(mutex_);
};

}  // namespace apm::api
