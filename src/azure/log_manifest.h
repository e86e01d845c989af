#pragma once

// The manifest of a commit log on Azure Blob: which blobs are the log now, whose it is, and where
// its chain starts. A small blob, replaced by the holder of its lease alone. Pure encoding and
// decoding; any thread. The format is in docs/formats/azure-log.md.

#include <string>
#include <vector>

#include "azure/log_record.h"

namespace apm::azure {

struct Manifest {
  std::uint64_t epoch = 0;  // of the last right that was given; 0: none yet
  std::string owner;        // who has it, or had it
  // The state up to `start`, as records of a chain of its own that ends at `checkpoint_head`.
  std::string checkpoint;  // a blob's name; empty: there is none, and the state is empty
  std::uint64_t checkpoint_epoch = 0;
  LogHead checkpoint_head;
  // What happened since.
  std::string segment;  // a blob's name; empty before the first epoch
  std::uint64_t segment_epoch = 0;
  LogHead start;
  // Blobs that nothing refers to: to be deleted, or about to be written.
  std::vector<std::string> unused;
  friend bool operator==(const Manifest&, const Manifest&) = default;
};

// kTooLarge "azure_manifest" for more than kManifestNamesMax unused names.
[[nodiscard]] Result<Bytes> encode_manifest(const Manifest& manifest);
// kCorrupt "azure_manifest_damaged"; kUnsupported "azure_log_format" for a newer format.
[[nodiscard]] Result<Manifest> decode_manifest(ByteView bytes);

}  // namespace apm::azure
