#pragma once

// A Store in one container of Azure Blob Storage: a commit log, not one blob a key
// (docs/formats/azure-log.md). The state is in memory; a commit is one append, shared by the
// commits that wait together, and checked by the service against lease and position.
//
// A store without the right follows the log before each read. One with it answers from memory, and
// for as long as its lease holds by this machine's clock. Any thread may call; at most four
// requests are in flight. Blocking, with a deadline on every wait.
//
// Errors besides the contract's and BlobClient's: kTooLarge "azure_batch" for a batch over 4 MiB
// (one append), "azure_state" for one that makes the store too large, and "storage_busy";
// kUnavailable "store_outcome_unknown", and "store_unavailable" (nothing was done); kCorrupt with
// log_record.h and log_manifest.h's reasons, and "azure_log_missing" for a blob that is not there.

#include <functional>
#include <memory>
#include <string>

#include "azure/blob_client.h"
#include "azure/limits.h"
#include "azure/transport.h"
#include "crypto/secret_bytes.h"
#include "storage/store.h"

namespace apm::azure {

struct BlobStoreConfig {
  std::string account;
  std::string container;
  std::string endpoint;             // as of blob_endpoint()
  crypto::SecretBytes account_key;  // raw; empty: a managed identity's tokens
  Identity identity;
  Transport transport;
};

struct BlobStoreOptions {
  std::string description;
  unsigned lease_seconds = kBlobLeaseSecondsMin;
  std::size_t segment_appends_max = kSegmentAppendsMax;
  std::size_t segment_bytes_max = kSegmentBytesMax;
  std::size_t state_bytes_max = kStateBytesMax;
};

// A client for one thread, with everything that it borrows.
class BlobConnection {
 public:
  virtual ~BlobConnection() = default;
  [[nodiscard]] virtual BlobClient& client() = 0;
};
using BlobConnector = std::function<Result<std::unique_ptr<BlobConnection>>()>;

// Makes the container and an empty log where there is none.
[[nodiscard]] Result<std::unique_ptr<storage::Store>> open_blob_store(BlobStoreConfig config);
[[nodiscard]] Result<std::unique_ptr<storage::Store>> open_blob_store(
    const BlobConnector& connect, const BlobStoreOptions& options);
// The connections that open_blob_store(config) uses.
[[nodiscard]] BlobConnector blob_connector(std::shared_ptr<const BlobStoreConfig> config);

}  // namespace apm::azure
