#pragma once

// The format of everything encrypted in a store: docs/formats/record.md. Pure; any thread.

#include "barrier/barrier.h"

namespace apm::barrier {

// What a record is bound to beside its own header. Views: the caller keeps the texts.
struct RecordPlace {
  std::string_view store_id;
  StoreKind kind;
  std::string_view path;
};

struct RecordHeader {
  std::uint32_t term = 0;
  std::uint64_t version = 0;
};

[[nodiscard]] Result<Bytes> seal_record(const crypto::SecretBytes& key, const RecordHeader& header,
                                        const RecordPlace& place, ByteView plaintext);
// kCorrupt "record_malformed"; says which key opens the record, nothing of it is authentic yet.
[[nodiscard]] Result<RecordHeader> read_record_header(ByteView record, std::string_view path);
// kCorrupt "record_corrupt" when record, path, store id or kind are not those it was sealed with.
[[nodiscard]] Result<Bytes> open_record(const crypto::SecretBytes& key, const RecordPlace& place,
                                        ByteView record);

// A key or a keyring under another key: u8 format | nonce | ciphertext and tag; associated data is
// the label alone. kCorrupt "envelope_malformed" or, for a wrong key, "envelope_corrupt".
inline constexpr std::string_view kRootKeyLabel = "apm-root-key-v1";
inline constexpr std::string_view kKeyringLabel = "apm-keyring-v1";
[[nodiscard]] Result<Bytes> seal_envelope(const crypto::SecretBytes& key, std::string_view label,
                                          ByteView plaintext);
[[nodiscard]] Result<Bytes> open_envelope(const crypto::SecretBytes& key, std::string_view label,
                                          ByteView envelope);
[[nodiscard]] Result<crypto::SecretBytes> open_envelope_secret(const crypto::SecretBytes& key,
                                                               std::string_view label,
                                                               ByteView envelope);

}  // namespace apm::barrier
