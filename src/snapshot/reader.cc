#include "snapshot/reader.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "barrier/seal_config.h"
#include "base/byte_reader.h"
#include "base/file.h"
#include "base/text.h"
#include "snapshot/limits.h"
#include "storage/limits.h"

namespace apm::snapshot {
namespace {

Error bad(const char* reason, std::string_view what) {
  return Error(Code::kInvalidArgument, reason,
               concat("the snapshot ", what,
                      ": the file is damaged or no snapshot; use another "
                      "copy"));
}

}  // namespace

Result<std::unique_ptr<Reader>> Reader::open(Source source) {
  std::unique_ptr<Reader> reader(new Reader(std::move(source)));
  APM_CHECK_OK(reader->read_head());
  return reader;
}

Result<Bytes> Reader::take(std::size_t size) {
  while (waiting_.size() - taken_ < size) {
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(taken_));
    taken_ = 0;
    APM_TRY(const Bytes more, source_(kReadBytes));
    if (more.empty()) return bad("snapshot_truncated", "ends too early");
    append(waiting_, more);
  }
  const auto begin = waiting_.begin() + static_cast<std::ptrdiff_t>(taken_);
  taken_ += size;
  return Bytes(begin, begin + static_cast<std::ptrdiff_t>(size));
}

Result<std::uint32_t> Reader::take_u32() {
  APM_TRY(const Bytes bytes, take(4));
  digest_.update(bytes);
  return ByteReader(bytes).u32_be();
}

Status Reader::read_head() {
  APM_TRY(const Bytes magic, take(kMagic.size()));
  if (as_text(magic) != kMagic) return bad("snapshot_format", "does not begin as one");
  APM_TRY(const Bytes version, take(2));
  const std::uint16_t number = ByteReader(version).u16_be();
  if (number != kFormatVersion) {
    return Error(Code::kInvalidArgument, "snapshot_version",
                 concat("the snapshot has format version ", number, "; this program reads ",
                        kFormatVersion, ". Use a program of the version that made it"));
  }
  digest_.update(magic);
  digest_.update(version);
  APM_TRY(const std::uint32_t size, take_u32());
  if (size > kHeaderBytesMax) return bad("snapshot_header", "has too long a header");
  APM_TRY(const Bytes text, take(size));
  digest_.update(text);
  APM_TRY(header_, parse_header(text));
  return {};
}

Result<std::optional<storage::Put>> Reader::next() {
  if (ended_) return std::optional<storage::Put>();
  APM_TRY(const Bytes tag, take(1));
  digest_.update(tag);
  if (tag[0] == kEndTag) {
    APM_CHECK_OK(read_end());
    ended_ = true;
    return std::optional<storage::Put>();
  }
  if (tag[0] != kRecordTag) return bad("snapshot_record", "holds something that is no record");
  APM_TRY(storage::Put record, read_record());
  APM_CHECK_OK(check_record(record));
  last_key_ = record.key;
  ++count_;
  return std::optional<storage::Put>(std::move(record));
}

Result<storage::Put> Reader::read_record() {
  APM_TRY(const std::uint32_t key_size, take_u32());
  if (key_size > storage::kKeyBytesMax) return bad("snapshot_record", "has too long a key");
  APM_TRY(const Bytes key, take(key_size));
  digest_.update(key);
  APM_TRY(const std::uint32_t value_size, take_u32());
  if (value_size > storage::kValueBytesMax) return bad("snapshot_record", "has too long a value");
  APM_TRY(Bytes value, take(value_size));
  digest_.update(value);
  return storage::Put{std::string(as_text(key)), std::move(value)};
}

Status Reader::check_record(const storage::Put& record) {
  if (!storage::check_key(record.key).ok()) return bad("snapshot_record", "has a malformed key");
  if (record.key <= last_key_) return bad("snapshot_record", "is not in the order of its keys");
  if (record.key == barrier::kIncompletePath || record.key == barrier::kJournalPath) {
    return bad("snapshot_record", concat("holds ", record.key, ", which no whole store has"));
  }
  if (record.key == barrier::kRootKeyPath || record.key == barrier::kKeyringPath) ++keys_seen_;
  if (record.key != barrier::kSealConfigPath) return {};
  ++keys_seen_;
  const auto config = barrier::parse_seal_config(record.value);
  if (!config.ok()) return bad("snapshot_header", "holds a malformed core/seal-config");
  if (config->store_id == header_.store_id && config->kind == header_.kind) return {};
  return bad("snapshot_header", "names another store or kind in its header than inside");
}

Status Reader::read_end() {
  APM_TRY(const Bytes count, take(8));
  digest_.update(count);
  if (ByteReader(count).u64_be() != count_) {
    return bad("snapshot_count", "does not have the number of records that it says");
  }
  body_digest_ = digest_.value();
  APM_TRY(mac_, take(kMacSize));
  digest_.update(mac_);
  APM_TRY(const Bytes digest, take(kDigestSize));
  if (!equal(digest, digest_.value())) {
    return bad("snapshot_digest", "does not have the SHA-256 that it ends with");
  }
  bool trailing = taken_ != waiting_.size();
  if (!trailing) {
    APM_TRY(const Bytes more, source_(1));
    trailing = !more.empty();
  }
  if (trailing) return bad("snapshot_trailing", "goes on after its end");
  if (keys_seen_ == 3) return {};
  return bad("snapshot_keys", "lacks core/seal-config, core/root-key or core/keyring");
}

Status Reader::check_mac(const crypto::SecretBytes& key) const {
  if (ended_ && crypto::constant_time_equal(mac_of(key, body_digest_), mac_)) return {};
  return Error(Code::kRefused, "snapshot_mac",
               concat("the snapshot was not made by a server of the store ", header_.store_id,
                      ", or was changed since: its authentication code does not match. Use "
                      "another copy"));
}

Result<Verified> verify(Source source, const crypto::SecretBytes* mac_key) {
  APM_TRY(const std::unique_ptr<Reader> reader, Reader::open(std::move(source)));
  while (true) {
    APM_TRY(const std::optional<storage::Put> record, reader->next());
    if (!record) break;
  }
  if (mac_key != nullptr) APM_CHECK_OK(reader->check_mac(*mac_key));
  return Verified{reader->header(), reader->records()};
}

Source source_of(ByteView bytes) {
  return [rest = bytes](std::size_t most) mutable -> Result<Bytes> {
    const ByteView part = rest.first(std::min(most, rest.size()));
    rest = rest.subspan(part.size());
    return to_bytes(part);
  };
}

Source source_of(int fd, std::string name) {
  return [fd, name = std::move(name)](std::size_t most) -> Result<Bytes> {
    Bytes out(most);
    ssize_t n = 0;
    do {
      n = ::read(fd, out.data(), out.size());
    } while (n < 0 && errno == EINTR);
    if (n < 0) return io_error("read " + name);
    out.resize(static_cast<std::size_t>(n));
    return out;
  };
}

}  // namespace apm::snapshot
