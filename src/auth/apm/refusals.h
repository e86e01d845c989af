#pragma once

// Why logins and reads were refused, for operators: the last few with every rule, in memory, by the
// request's id (which the audit record of the request has too). And how much of it the caller is
// told. Bounded; the oldest is forgotten first, so that a flood of bad logins costs no memory.
// Any thread.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "attestation/appraisal.h"
#include "base/json.h"
#include "base/mutex.h"

namespace apm::auth_apm {

struct Refusal {
  std::string request_id;
  std::int64_t time_unix_s = 0;
  std::string path;  // of the request: "auth/apm/login", or of the secret
  std::string remote_address;
  std::string reason;
  std::string message;
  json::Array rules;  // Appraisal::explain, or of authorisations

  [[nodiscard]] json::Object describe() const;
};

class Refusals {
 public:
  void add(Refusal refusal);
  [[nodiscard]] std::optional<Refusal> find(const std::string& request_id) const;
  [[nodiscard]] std::vector<Refusal> newest_first() const;

 private:
  mutable Mutex mutex_;
  std::deque<Refusal> kept_ APM_GUARDED_BY(mutex_);
};

// What the caller of a refused login reads. The reason is always told. What a rule of policy found
// and wanted is a floor of this server and only told where `explain_refusals` says so; then all
// rules that failed are.
enum class Telling { kReason, kRules };
[[nodiscard]] Error told(const Error& refusal, const attestation::Appraisal& appraisal,
                         Telling telling, const std::string& request_id);

}  // namespace apm::auth_apm
