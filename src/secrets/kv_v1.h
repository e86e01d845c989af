#pragma once

// The kv version 1 engine: one JSON object per path; a write replaces the whole object.
// Records stand at <view>/<path>. Any thread may call.

#include "barrier/barrier.h"
#include "logical/backend.h"

namespace apm::secrets {

class KvV1 final : public logical::Backend {
 public:
  explicit KvV1(barrier::View view) : view_(std::move(view)) {}

  [[nodiscard]] Result<logical::Response> handle(const logical::Request& request) override;
  [[nodiscard]] Result<std::optional<bool>> exists(const logical::Request& request) override;

 private:
  barrier::View view_;
};

}  // namespace apm::secrets
