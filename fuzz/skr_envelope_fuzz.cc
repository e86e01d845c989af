// An envelope opens to what was sealed under its own name and under no other; nothing that was not
// sealed opens; a header is read only from what looks like an envelope.

#include "skr/envelope.h"

#include <algorithm>

#include "property.h"

namespace {

using apm::fuzz::require;

const apm::crypto::PrivateKey& key() {
  static const apm::crypto::PrivateKey made = [] {
    auto generated = apm::crypto::PrivateKey::generate_rsa(2048);
    require(generated.ok(), "a key");
    return std::move(*generated);
  }();
  return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace skr = apm::skr;
  const std::string_view text = apm::fuzz::text_of(data, size);
  const auto header = skr::parse_envelope_header(text);
  require(!header.ok() || skr::looks_like_envelope(text), "a header without an envelope");
  require(!skr::open_envelope(key(), text, "name").ok(), "an envelope that nobody sealed");
  if (size < 2 || size > 4096) return 0;

  const skr::EnvelopeContext context{"v1", "00112233445566778899aabbccddeeff", "name", data[0]};
  const auto sealed = skr::seal_envelope(key(), context, apm::ByteView(data, size));
  require(sealed.ok(), "sealing");
  const auto opened = skr::open_envelope(key(), *sealed, "name");
  require(opened.ok(), "opening");
  require(std::ranges::equal(opened->plaintext.view(), apm::ByteView(data, size)), "round trip");
  require(opened->context.generation == data[0], "generation");
  require(!skr::open_envelope(key(), *sealed, "other").ok(), "another name");

  std::string changed = *sealed;
  char& at = changed[(std::size_t{data[0]} << 8 | data[1]) % changed.size()];
  at = at == 'A' ? 'B' : 'A';
  require(!skr::open_envelope(key(), changed, "name").ok(), "a changed character");
  return 0;
}
