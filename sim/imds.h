#pragma once

// The simulated instance metadata service and the login host. Borrows all; any thread.

#include "base/clock.h"
#include "sim/hardware.h"
#include "sim/wire.h"

namespace apm::sim {

class Imds {
 public:
  Imds(const Settings& settings, const Hardware& hardware, const Clock& clock)
      : settings_(settings), hardware_(hardware), clock_(clock) {}
  [[nodiscard]] HttpResponse handle(const HttpRequest& request) const;
  [[nodiscard]] HttpResponse handle_login(const HttpRequest& request) const;

 private:
  [[nodiscard]] HttpResponse token(const HttpRequest& request) const;
  [[nodiscard]] HttpResponse certification(const HttpRequest& request) const;
  [[nodiscard]] HttpResponse td_quote(const HttpRequest& request) const;

  const Settings& settings_;
  const Hardware& hardware_;
  const Clock& clock_;
};

}  // namespace apm::sim
