#pragma once

// Which identity may read which secret. Kept in the barrier, looked up in memory at each request,
// so that a revocation acts at once. Any thread.

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "barrier/barrier.h"
#include "base/json.h"
#include "base/mutex.h"
#include "base/result.h"
#include "logical/request.h"

namespace apm::auth_apm {

struct Authorisation {
  std::string enclave;                 // 64 hex digits; "" for every enclave of the signer
  std::string signer;                  // 64 hex digits
  std::string engine_path = "anjuna";  // no slash at either end
  std::string secret;
  std::int64_t created_unix_s = 0;

  // Derived from the content: the same authorisation again has the same id.
  [[nodiscard]] std::string id() const;
  [[nodiscard]] json::Object describe() const;
};

// From request members enclave (when `with_enclave`), signer, engine_path (optional), secret.
// kInvalidArgument names the member.
[[nodiscard]] Result<Authorisation> read_authorisation(const json::Object& data, bool with_enclave);

class Authorisations {
 public:
  explicit Authorisations(barrier::View view) : view_(std::move(view)) {}
  [[nodiscard]] Status load();

  [[nodiscard]] Status add(const Authorisation& authorisation);
  [[nodiscard]] Status remove(const std::string& id);  // kNotFound
  [[nodiscard]] std::optional<Authorisation> find(const std::string& id) const;
  [[nodiscard]] std::vector<Authorisation> all() const;  // ascending by id
  [[nodiscard]] bool allows_read(const logical::AttestedIdentity& identity,
                                 const std::string& full_path) const;

 private:
  barrier::View view_;
  Mutex writing_;              // held over storage and index, so that they agree
  mutable SharedMutex mutex_;  // the index
  std::map<std::string, Authorisation> by_id_ APM_GUARDED_BY(mutex_);
  std::unordered_multimap<std::string, std::string> ids_by_path_
      APM_GUARDED_BY(mutex_);  // full path -> id
};

}  // namespace apm::auth_apm
