// A snapshot of any records is read as they were written. With one byte changed or the end cut off
// it is refused. Any bytes: what passes as a snapshot is written again to the same bytes, up to the
// code that needs the key.

#include <algorithm>

#include "crypto/digest.h"
#include "property.h"
#include "snapshot/reader.h"
#include "snapshot/writer.h"
#include "storage/map_snapshot.h"

namespace {

using apm::Bytes;
using apm::ByteView;
using apm::fuzz::require;
namespace snapshot = apm::snapshot;

constexpr const char* kStoreId = "00112233445566778899aabbccddeeff";
constexpr std::string_view kSealConfig =
    R"({"format":1,"store_id":"00112233445566778899aabbccddeeff","kind":"test","shares":1,)"
    R"("threshold":1,"created_unix_s":0,"custody":{}})";

using Content = std::map<std::string, Bytes>;

Bytes written(const snapshot::Header& header, Content content) {
  static const auto key = apm::crypto::SecretBytes::zeros(32);
  snapshot::Writer writer(header, std::make_unique<apm::storage::MapSnapshot>(std::move(content)),
                          key.clone());
  Bytes out;
  while (true) {
    const auto part = writer.read(4096);
    require(part.ok(), "writing");
    if (part->empty()) return out;
    apm::append(out, *part);
  }
}

struct Read {
  snapshot::Header header;
  Content content;
};

std::optional<Read> read(ByteView file) {
  auto reader = snapshot::Reader::open(snapshot::source_of(file));
  if (!reader.ok()) return std::nullopt;
  Read out{(*reader)->header(), {}};
  while (true) {
    auto record = (*reader)->next();
    if (!record.ok()) return std::nullopt;
    if (!*record) return out;
    out.content.emplace((*record)->key, (*record)->value);
  }
}

// What is in front of the code, which the fuzzer has no key for.
ByteView body(const Bytes& file) {
  return ByteView(file).first(file.size() - snapshot::kMacSize - snapshot::kDigestSize);
}

void check_stranger(const Bytes& file) {
  const auto found = read(file);
  if (!found) return;
  const Bytes again = written(found->header, found->content);
  require(read(again).has_value(), "what was read cannot be written");
  require(found->content == read(again)->content, "another content");
}

void check_own(ByteView bytes, std::size_t seed) {
  Content content{{"core/keyring", apm::to_bytes(bytes)},
                  {"core/root-key", {}},
                  {"core/seal-config", apm::to_bytes(kSealConfig)},
                  {"logical/x", apm::to_bytes(bytes)}};
  const snapshot::Header header{kStoreId, apm::barrier::StoreKind::kTest, seed, 0, "x"};
  const Bytes file = written(header, content);
  const auto found = read(file);
  require(found && found->content == content && found->header.epoch == seed, "round trip");
  require(std::ranges::equal(body(file), body(written(found->header, found->content))), "bytes");
  Bytes changed = file;
  changed[seed % changed.size()] ^= 1;
  require(!read(changed), "a changed byte");
  require(!read(ByteView(file).first(seed % file.size())), "a cut file");
}

// The same with the digest put right, so that what stands before it is reached.
void check_resealed(Bytes bytes) {
  apm::append(bytes, apm::crypto::sha256(bytes));
  check_stranger(bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  check_stranger(apm::to_bytes(bytes));
  check_resealed(apm::to_bytes(bytes));
  if (size < 2) return 0;
  check_own(bytes.subspan(2), std::size_t{data[0]} << 8 | data[1]);
  return 0;
}
