// What AMD's, Intel's, Azure's and MAA's services answer. A document that is kept ends in the
// future and is due no later than it ends; percent-encoding comes back as it was. The answer's
// header is the first line of the input, its body the rest.

#include "endorsements/amd.h"
#include "endorsements/intel.h"
#include "endorsements/maa.h"
#include "property.h"

namespace {

using apm::fuzz::require;
namespace endorsements = apm::endorsements;

constexpr std::int64_t kNow = 2'000'000'000;

void check(const apm::Result<endorsements::Document>& document) {
  if (!document.ok()) {
    require(!document.error().reason.empty(), "a refusal without a reason");
    return;
  }
  require(document->fetched_at_s == kNow, "fetched at another time");
  require(document->valid_until_s > kNow, "kept past its end");
  require(document->refresh_at_s <= document->valid_until_s, "due after its end");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(apm::fuzz::text_of(data, size));
  check(endorsements::read_vcek(text, kNow));
  check(endorsements::read_amd_crl(text, kNow));
  check(endorsements::read_thim(text, kNow));
  check(endorsements::read_jwks(text, kNow));
  check(endorsements::read_intel_crl(text, kNow, "a list"));
  const std::size_t line = std::min(text.find('\n'), text.size());
  apm::net::Response answer;
  answer.status = 200;
  answer.headers = {{"tcb-info-issuer-chain", text.substr(0, line)},
                    {"sgx-enclave-identity-issuer-chain", text.substr(0, line)}};
  answer.body = text.substr(std::min(line + 1, text.size()));
  check(endorsements::read_tcb_info(answer, kNow));
  check(endorsements::read_qe_identity(answer, kNow));
  const auto decoded = endorsements::percent_decode(apm::net::url_encode(text));
  require(decoded.ok() && *decoded == text, "percent-encoding does not come back");
  return 0;
}
