#pragma once

// What a device's errno means to an operator. Private to tee/.

#include <string>
#include <string_view>

#include "base/result.h"

namespace apm::tee {

// Whether the same request may succeed a moment later: the host throttles, another request is in
// flight, or a signal came.
[[nodiscard]] bool is_transient(int error);

// Reasons: tee_device_missing, tee_device_permission, tee_device_busy (after all retries),
// tee_device_failed. `call` is the operation ("SNP_GET_REPORT"), `hint` what else is known of this
// failure; both may be empty.
[[nodiscard]] Error device_error(const std::string& path, std::string_view call, int error,
                                 std::string_view hint = {});

// The device answered, but not with what its interface promises: "tee_answer_malformed".
[[nodiscard]] Error malformed_answer(const std::string& path, std::string_view what);

}  // namespace apm::tee
