// The security module's answer has one encoding: what is accepted is the document in a frame that
// is known to the byte.

#include "property.h"
#include "tee/nsm.h"

namespace {

constexpr std::string_view kFrame =
    "\xa1\x6b"
    "Attestation"
    "\xa1\x68"
    "document";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using apm::fuzz::require;
  const auto document = apm::tee::decode_attestation_response(apm::ByteView(data, size));
  if (!document.ok()) {
    require(!document.error().reason.empty(), "a refusal without a reason");
    return 0;
  }
  const std::size_t length = document->size();
  const std::size_t head = length < 24 ? 1 : length <= 0xff ? 2 : length <= 0xffff ? 3 : 5;
  require(size == kFrame.size() + head + length, "a frame of another size");
  require(apm::fuzz::text_of(data, size).starts_with(kFrame), "another frame");
  require(apm::equal(*document, apm::ByteView(data + kFrame.size() + head, length)), "other bytes");
  return 0;
}
