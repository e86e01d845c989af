#include "auth/apm/config_nitro.h"

#include "auth/apm/limits.h"

namespace apm::auth_apm {
namespace {

constexpr RegisterKind kPcrs{32, 48};

}  // namespace

void add_nitro_settings(Settings& settings, attestation::nitro::Floor& floor) {
  settings.registers("nitro_allowed_pcrs", floor.pcrs, kPcrs);
  settings.number("nitro_max_age_s", floor.age_s_max, kEvidenceAgeSMax);
}

}  // namespace apm::auth_apm
