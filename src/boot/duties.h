#pragma once

// What this server does when it becomes the active node of its store, and when it stops being it.
// Called by the node's thread. Does not own the core.

#include <functional>
#include <string>

#include "api/core.h"
#include "ha/node.h"

namespace apm::boot {

class ActiveDuties final : public ha::Duties {
 public:
  // `api_addr`: where clients reach this server; "" when nobody said.
  explicit ActiveDuties(std::string api_addr) : api_addr_(std::move(api_addr)) {}
  // Before the node may stand.
  void set_core(api::Core& core) { core_ = &core; }
  // What else must be done over a loaded store before anybody is served. Before the node may stand.
  void set_after_load(std::function<Status()> action) { after_load_ = std::move(action); }

  [[nodiscard]] Result<std::string> lease_owner() override;
  [[nodiscard]] std::optional<std::string> address_in(const std::string& owner) override;
  [[nodiscard]] Status take_over() override;
  void step_back() override;

 private:
  const std::string api_addr_;
  api::Core* core_ = nullptr;
  std::function<Status()> after_load_;
};

}  // namespace apm::boot
