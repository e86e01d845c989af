#include "boot/duties.h"

#include <unistd.h>

#include "base/text.h"
#include "ha/advert.h"

namespace apm::boot {

Result<std::string> ActiveDuties::lease_owner() {
  APM_TRY(const crypto::SecretBytes key, core_->barrier().derive(ha::kAdvertKeyLabel));
  const std::string node = concat("anjuna-policy-manager-server, process ", ::getpid());
  return ha::advert_text({api_addr_, node}, key);
}

std::optional<std::string> ActiveDuties::address_in(const std::string& owner) {
  const auto key = core_->barrier().derive(ha::kAdvertKeyLabel);
  if (!key.ok()) return std::nullopt;  // sealed meanwhile
  const std::optional<ha::Advert> advert = ha::read_advert(owner, *key);
  return advert ? std::optional<std::string>(advert->api_addr) : std::nullopt;
}

Status ActiveDuties::take_over() {
  APM_CHECK_OK(core_->load());
  return after_load_ ? after_load_() : Status();
}

void ActiveDuties::step_back() { core_->unload(); }

}  // namespace apm::boot
