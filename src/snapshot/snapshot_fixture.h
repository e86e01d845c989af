#pragma once

// An initialised store with some records, and its snapshot file, for the tests of this folder and
// of those that use it.

#include "barrier/barrier_fixture.h"
#include "barrier/seal_config.h"
#include "snapshot/reader.h"
#include "snapshot/writer.h"

namespace apm::snapshot {

// The whole file, asked for in pieces of `piece` bytes.
inline Bytes whole(Writer& writer, std::size_t piece = 1000) {
  Bytes out;
  while (true) {
    const auto part = writer.read(piece);
    EXPECT_TRUE(part.ok()) << part.error().message;
    if (!part.ok() || part->empty()) return out;
    EXPECT_LE(part->size(), piece);
    append(out, *part);
  }
}

class SnapshotTest : public barrier::BarrierTest {
 protected:
  static Header header_of(barrier::Barrier& barrier) {
    const auto config = barrier.seal_config();
    EXPECT_TRUE(config.ok() && config->has_value());
    return {(*config)->store_id, (*config)->kind, 7, barrier::kNow, "inmem"};
  }
  static crypto::SecretBytes key_of(barrier::Barrier& barrier) {
    auto key = barrier.derive(kMacLabel);
    EXPECT_TRUE(key.ok());
    return std::move(*key);
  }
  static Bytes file_of(barrier::Barrier& barrier, std::size_t piece = 1000) {
    auto content = barrier.stored_content();
    EXPECT_TRUE(content.ok()) << content.error().message;
    Writer writer(header_of(barrier), std::move(content->records), key_of(barrier));
    return whole(writer, piece);
  }
  static std::map<std::string, Bytes> content_of(storage::Store& store) {
    std::map<std::string, Bytes> out;
    auto all = store.snapshot();
    EXPECT_TRUE(all.ok());
    while (true) {
      auto one = (*all)->next();
      EXPECT_TRUE(one.ok());
      if (!one.ok() || !*one) return out;
      out.emplace((*one)->key, (*one)->value);
    }
  }
};

}  // namespace apm::snapshot
