#pragma once

// The cubbyhole engine: a private kv for each service token, gone with the token. Nobody else gets
// in, root tokens included: the records stand at <view>/<cubbyhole id of the caller>/<path>.
// Any thread may call.

#include "barrier/barrier.h"
#include "logical/backend.h"

namespace apm::secrets {

class Cubbyhole final : public logical::Backend {
 public:
  explicit Cubbyhole(barrier::View view) : view_(std::move(view)) {}

  [[nodiscard]] Result<logical::Response> handle(const logical::Request& request) override;
  [[nodiscard]] Result<std::optional<bool>> exists(const logical::Request& request) override;

 private:
  barrier::View view_;
};

}  // namespace apm::secrets
