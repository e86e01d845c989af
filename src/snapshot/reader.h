#pragma once

// A snapshot file, read once from its beginning to its end. It is a storage::Snapshot, so that what
// fills a store does not care where the records come from. One thread.
//
// A record may be used only when the whole file was found good: read it once for that (verify())
// before it is read again for its records. All errors are kInvalidArgument, with these reasons:
//   snapshot_format     it does not begin as a snapshot does
//   snapshot_version    another version of the format
//   snapshot_header     malformed, or it does not agree with the store's core/seal-config
//   snapshot_record     a record is malformed, out of order, or one that no snapshot may hold
//   snapshot_truncated  the file ends too early
//   snapshot_count      another number of records than the end says
//   snapshot_digest     the SHA-256 at the end is another
//   snapshot_trailing   bytes after the end
//   snapshot_keys       a record without which no store can be unsealed is missing
// and kRefused "snapshot_mac" when the code of the server that made it does not match.

#include <functional>
#include <memory>

#include "crypto/digest.h"
#include "snapshot/format.h"
#include "storage/store.h"

namespace apm::snapshot {

// The next bytes, at most as many as asked for; none: the end.
using Source = std::function<Result<Bytes>(std::size_t most)>;

class Reader final : public storage::Snapshot {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Reader>> open(Source source);

  [[nodiscard]] const Header& header() const { return header_; }
  [[nodiscard]] Result<std::optional<storage::Put>> next() override;
  [[nodiscard]] std::uint64_t records() const { return count_; }  // so far
  // After the end: was it made by a server that holds the root key which `key` is derived from?
  [[nodiscard]] Status check_mac(const crypto::SecretBytes& key) const;

 private:
  explicit Reader(Source source) : source_(std::move(source)) {}
  [[nodiscard]] Result<Bytes> take(std::size_t size);
  [[nodiscard]] Result<std::uint32_t> take_u32();
  [[nodiscard]] Status read_head();
  [[nodiscard]] Result<storage::Put> read_record();
  [[nodiscard]] Status check_record(const storage::Put& record);
  [[nodiscard]] Status read_end();

  Source source_;
  Header header_;
  crypto::RunningSha256 digest_;
  Bytes waiting_;  // from the source, and from `taken_` on not yet read
  std::size_t taken_ = 0;
  std::string last_key_;
  std::uint64_t count_ = 0;
  unsigned keys_seen_ = 0;  // of the records that unsealing needs
  bool ended_ = false;
  Bytes body_digest_;
  Bytes mac_;
};

struct Verified {
  Header header;
  std::uint64_t records = 0;
};

// Reads all of it. With a key, the code must match too.
[[nodiscard]] Result<Verified> verify(Source source, const crypto::SecretBytes* mac_key = nullptr);

[[nodiscard]] Source source_of(ByteView bytes);  // must outlive the source
// Reads from the descriptor's position; `name` is for messages. The descriptor must outlive it.
[[nodiscard]] Source source_of(int fd, std::string name);

}  // namespace apm::snapshot
