// Strict decoders accept exactly what their encoder writes (hex: in either case), and every byte
// string comes back.

#include "base/encoding.h"
#include "base/text.h"
#include "property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using apm::fuzz::require;
  const apm::ByteView bytes(data, size);
  const std::string_view text = apm::fuzz::text_of(data, size);

  if (const auto raw = apm::hex_decode(text); raw.ok()) {
    require(apm::hex_encode(*raw) == apm::to_lower(text), "hex accepts what it does not write");
  }
  if (const auto raw = apm::base64_decode(text); raw.ok()) {
    require(apm::base64_encode(*raw) == text, "base64 accepts what it does not write");
    const auto any = apm::base64_decode_any(text);
    require(any.ok() && *any == *raw, "the lenient form reads base64 differently");
  }
  if (const auto raw = apm::base64url_decode(text); raw.ok()) {
    require(apm::base64url_encode(*raw) == text, "base64url accepts what it does not write");
    const auto any = apm::base64_decode_any(text);
    require(any.ok() && *any == *raw, "the lenient form reads base64url differently");
  }
  const auto same = [&bytes](const apm::Result<apm::Bytes>& back) {
    return back.ok() && std::equal(back->begin(), back->end(), bytes.begin(), bytes.end());
  };
  require(same(apm::hex_decode(apm::hex_encode(bytes))), "hex round trip");
  require(same(apm::base64_decode(apm::base64_encode(bytes))), "base64 round trip");
  require(same(apm::base64url_decode(apm::base64url_encode(bytes))), "base64url round trip");
  return 0;
}
