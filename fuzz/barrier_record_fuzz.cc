// A sealed record opens to what was sealed; nothing else opens: not the input itself, not a record
// with a byte changed or cut, not one that is read at another path.

#include "barrier/record.h"

#include <algorithm>

#include "property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using apm::fuzz::require;
  namespace barrier = apm::barrier;
  static const auto key = apm::crypto::SecretBytes::random(32);
  const apm::ByteView bytes(data, size);
  const barrier::RecordPlace place{"00112233445566778899aabbccddeeff", barrier::StoreKind::kTest,
                                   "logical/x"};
  static_cast<void>(barrier::read_record_header(bytes, "logical/x"));
  require(!barrier::open_record(key, place, bytes).ok(), "a record that nobody sealed");
  if (size < 3) return 0;

  const apm::ByteView plaintext = bytes.subspan(3);
  const auto sealed = barrier::seal_record(key, {1, data[0]}, place, plaintext);
  require(sealed.ok(), "sealing");
  const auto opened = barrier::open_record(key, place, *sealed);
  require(opened.ok() && std::ranges::equal(*opened, plaintext), "round trip");
  const auto header = barrier::read_record_header(*sealed, "logical/x");
  require(header.ok() && header->term == 1 && header->version == data[0], "header");

  apm::Bytes changed = *sealed;
  const std::size_t at = (std::size_t{data[1]} << 8 | data[0]) % changed.size();
  changed[at] = static_cast<std::uint8_t>(changed[at] ^ (data[2] | 1));
  // The term is bound by the choice of the key: another term is another key, or none.
  const auto named = barrier::read_record_header(changed, "logical/x");
  const bool same_key = named.ok() && named->term == 1;
  require(!same_key || !barrier::open_record(key, place, changed).ok(), "a changed byte");
  require(!barrier::open_record(key, place, apm::ByteView(*sealed).first(at)).ok(), "a cut record");
  barrier::RecordPlace elsewhere = place;
  elsewhere.path = "logical/y";
  require(!barrier::open_record(key, elsewhere, *sealed).ok(), "another path");
  return 0;
}
