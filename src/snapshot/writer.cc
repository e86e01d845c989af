#include "snapshot/writer.h"

#include <algorithm>

#include "base/byte_reader.h"

namespace apm::snapshot {

Writer::Writer(const Header& header, std::unique_ptr<storage::Snapshot> records,
               crypto::SecretBytes mac_key)
    : records_(std::move(records)), mac_key_(std::move(mac_key)) {
  const Bytes text = header_bytes(header);
  Bytes head = to_bytes(kMagic);
  append_u16_be(head, kFormatVersion);
  append_u32_be(head, static_cast<std::uint32_t>(text.size()));
  append(head, text);
  emit(head);
}

void Writer::emit(ByteView bytes) {
  digest_.update(bytes);
  append(waiting_, bytes);
}

Status Writer::produce() {
  APM_TRY(const std::optional<storage::Put> record, records_->next());
  if (!record) {
    finish();
    return {};
  }
  Bytes head{kRecordTag};
  append_u32_be(head, static_cast<std::uint32_t>(record->key.size()));
  append(head, record->key);
  append_u32_be(head, static_cast<std::uint32_t>(record->value.size()));
  emit(head);
  emit(record->value);
  ++count_;
  return {};
}

void Writer::finish() {
  Bytes end{kEndTag};
  append_u64_be(end, count_);
  emit(end);
  emit(mac_of(mac_key_, digest_.value()));
  append(waiting_, digest_.value());
  records_.reset();
}

Result<Bytes> Writer::read(std::size_t most) {
  while (records_ != nullptr && waiting_.size() - taken_ < most) APM_CHECK_OK(produce());
  const std::size_t size = std::min(most, waiting_.size() - taken_);
  const auto begin = waiting_.begin() + static_cast<std::ptrdiff_t>(taken_);
  Bytes out(begin, begin + static_cast<std::ptrdiff_t>(size));
  taken_ += size;
  if (taken_ >= most) {
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(taken_));
    taken_ = 0;
  }
  return out;
}

}  // namespace apm::snapshot
