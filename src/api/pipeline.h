#pragma once

// The order of a request, on one screen (pipeline.cc): bounds and canonical path, phase, sealed,
// active, token, operation, authorisation, audit, route, engine, audit, envelope. Any thread may
// call.

#include "api/core.h"
#include "http/message.h"

namespace apm::api {

class Pipeline final : public http::Handler {
 public:
  explicit Pipeline(Core& core) : core_(core) {}
  http::Response handle(http::Request& request) override;

 private:
  Core& core_;
};

}  // namespace apm::api
