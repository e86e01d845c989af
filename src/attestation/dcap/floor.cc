#include "attestation/dcap/floor.h"

#include "base/encoding.h"

namespace apm::attestation::dcap {

void expect_listed(Appraisal& appraisal, const AllowDeny& list, std::string_view value,
                   std::string_view reason) {
  if (list.allowed.empty() && list.denied.empty()) return;
  const std::string text(value);
  const bool allowed = list.allowed.empty() || list.allowed.contains(text);
  appraisal.expect(allowed && !list.denied.contains(text),
                   {Stage::kPolicy, std::string(reason), text.empty() ? "nothing" : text,
                    "a value that the policy allows and does not deny"});
}

void expect_listed(Appraisal& appraisal, const Values& allowed, ByteView value,
                   std::string_view reason) {
  expect_listed(appraisal, AllowDeny{allowed, {}}, hex_encode(value), reason);
}

}  // namespace apm::attestation::dcap
