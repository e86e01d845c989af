#pragma once

// Who is asking, and whether he may. The ACL of the caller's policies decides; for an attested
// caller also the authorisations of the method where he logged in.

#include "api/call.h"
#include "api/core.h"

namespace apm::api {

// Fills caller, token_id and the times from call.token; without a token the caller stays anonymous.
// kUnauthenticated "token_invalid".
[[nodiscard]] Status resolve_caller(Core& core, Call& call);

// kUnauthenticated without a token, kPermissionDenied otherwise. Needs call.operation in its final
// form (create or update).
[[nodiscard]] Status authorise(Core& core, const Call& call, bool needs_sudo);

// As sys/capabilities shows them: sorted words.
[[nodiscard]] std::vector<std::string> capabilities_of(Core& core, const logical::Caller& caller,
                                                       const std::string& path);
// The method's own authorisations let this attested caller read `full_path`.
[[nodiscard]] bool authorised_to_read(Core& core, const logical::Caller& caller,
                                      const std::string& full_path);

}  // namespace apm::api
