#pragma once

// Which identity may read which secret, and what its evidence must have said beyond that. Kept in
// the barrier, looked up and matched in memory at each request against the facts that the token
// carries, so that a revocation or a changed policy acts at once. Any thread.

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "auth/apm/claims_policy.h"
#include "barrier/barrier.h"
#include "base/json.h"
#include "base/mutex.h"
#include "base/result.h"
#include "logical/request.h"

namespace apm::auth_apm {

struct Authorisation {
  std::string enclave;                 // 64 hex digits; "" for every enclave of the signer
  std::string signer;                  // 64 hex digits; "" when the enclave's is not asked for
  std::string engine_path = "anjuna";  // no slash at either end
  std::string secret;
  ClaimsPolicy claims;  // of the reader's evidence; may ask for nothing
  std::int64_t created_unix_s = 0;

  [[nodiscard]] std::string full_path() const;
  [[nodiscard]] bool names(const logical::AttestedIdentity& identity) const;
  // Derived from the content without the claims policy: there is one authorisation per identity and
  // secret, so that no second one can silently be looser.
  [[nodiscard]] std::string id() const;
  [[nodiscard]] json::Object describe() const;
};

// From request members enclave (when `with_enclave`; then signer is optional), signer, secret, and
// the optional engine_path and claims. kInvalidArgument names the member; of `claims`, the place.
[[nodiscard]] Result<Authorisation> read_authorisation(const json::Object& data, bool with_enclave);

class Authorisations {
 public:
  explicit Authorisations(barrier::View view) : view_(std::move(view)) {}
  [[nodiscard]] Status load();

  // Again, with another claims policy, replaces it. kConflict "authorization_restricted" when that
  // would take a policy away: revoking first says that it is meant.
  [[nodiscard]] Status add(const Authorisation& authorisation);
  [[nodiscard]] Status remove(const std::string& id);  // kNotFound
  [[nodiscard]] std::optional<Authorisation> find(const std::string& id) const;
  [[nodiscard]] std::vector<Authorisation> all() const;  // ascending by id
  [[nodiscard]] bool allows_read(const logical::AttestedIdentity& identity,
                                 const std::string& full_path) const;

  // Those that name the identity, with what their claims policies say of it; ascending by id.
  struct Match {
    Authorisation authorisation;
    policy::Verdict claims;
  };
  [[nodiscard]] std::vector<Match> matches(const logical::AttestedIdentity& identity) const;

 private:
  [[nodiscard]] Status check_addition(const Authorisation& authorisation) const;

  barrier::View view_;
  Mutex writing_;              // held over storage and index, so that they agree
  mutable SharedMutex mutex_;  // the index
  std::map<std::string, Authorisation> by_id_ APM_GUARDED_BY(mutex_);
  std::unordered_multimap<std::string, std::string> ids_by_path_
      APM_GUARDED_BY(mutex_);  // full path -> id
};

}  // namespace apm::auth_apm
