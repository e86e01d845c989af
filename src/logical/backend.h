#pragma once

// What is mounted at a path: a secret engine below "<path>/", or a login method below
// "auth/<path>/". One object per mount. Any thread may call; a backend locks what it changes.

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "logical/request.h"

namespace apm::logical {

class Backend {
 public:
  virtual ~Backend() = default;

  [[nodiscard]] virtual Result<Response> handle(const Request& request) = 0;

  // Tells create from update: whether the item exists, or nothing when this backend does not
  // distinguish them (then a write is an update).
  [[nodiscard]] virtual Result<std::optional<bool>> exists(const Request&) {
    return std::optional<bool>();
  }

  // Paths below the mount that need no token (login) or need the sudo capability.
  [[nodiscard]] virtual bool unauthenticated(const std::string&) const { return false; }
  [[nodiscard]] virtual bool needs_sudo(const std::string&) const { return false; }

  // Whether this method's own authorisations let an identity that logged in here do this.
  // `full_path` is the request's path from the root, for example "anjuna/dek".
  [[nodiscard]] virtual bool authorises(const AttestedIdentity&, Operation,
                                        const std::string& /*full_path*/) const {
    return false;
  }

  // A read of an identity that logged in here was refused. The answer, if any, is what the caller
  // may be told beyond that no authorisation lets it.
  [[nodiscard]] virtual std::string read_refused(const Request& /*of the secret, full path*/) {
    return "";
  }

  // The mount is being removed; its storage is deleted by the caller afterwards.
  virtual void unmounted() {}
};

}  // namespace apm::logical
