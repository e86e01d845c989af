#pragma once

// Azure Blob Storage by REST: the calls that a commit log needs, on one container. Signed with the
// account key (SharedKey) or with a managed identity's token. The service version is pinned.
//
// Every call has a deadline. Reads, and writes that do no harm twice (a lease is taken with the
// caller's own id), are retried as net/ does it, Retry-After included; an append or the creation of
// an append blob is sent again only where net/ holds that nothing was done. A pause that the
// service asks for with its last answer holds for the calls after it too. Borrows what the sender
// and the tokens borrow; one thread at a time.
//
// Errors: kInvalidArgument "blob_request" or "blob_endpoint"; kNotFound "blob_not_found" or
// "blob_container_not_found"; kConflict "blob_exists", "blob_lease_held", "blob_lease_lost" or
// "blob_state"; kPrecondition "blob_append_position" or "blob_condition";
// kPermissionDenied "blob_access_denied"; kTooLarge "blob_too_large"; kUnavailable
// "blob_throttled", "blob_unavailable" or "blob_answer"; with nothing done, kUnavailable
// "blob_paused" (the service asks for a pause) and "blob_no_token"; and those of net::HttpClient.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>

#include "azure/transport.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "crypto/secret_bytes.h"
#include "net/http_client.h"

namespace apm::azure {

inline constexpr const char* kStorageResource = "https://storage.azure.com";

// "https://ACCOUNT.blob.core.windows.net" for AzurePublicCloud, AzureUSGovernmentCloud and
// AzureChinaCloud; kInvalidArgument "blob_endpoint" for another name or a malformed account.
[[nodiscard]] Result<std::string> blob_endpoint(const std::string& account,
                                                const std::string& environment);

struct BlobClientConfig {
  std::string endpoint;  // as of blob_endpoint(); plain http for loopback alone
  std::string account;
  std::string container;
  // The raw account key, or where to get a managed identity's tokens.
  std::variant<crypto::SecretBytes, TokenSource> credential;
};

struct BlobProperties {
  std::uint64_t size = 0;
  std::string etag;
  std::string lease_state;  // "available", "leased", "breaking", "expired", "broken"
};

struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t size = 0;  // at least 1
};

// What an append requires of the blob; the service checks both in the same step.
struct AppendCondition {
  std::string lease_id;
  std::uint64_t position = 0;  // the blob's size before
};

// What replacing a blob requires; an empty field requires nothing, and `if_absent` that there is
// none.
struct PutCondition {
  std::string lease_id;
  std::string etag;
  bool if_absent = false;
};

struct BlobContent {
  Bytes bytes;
  std::string etag;
  std::string lease_state;
};

class BlobClient {
 public:
  using Sender = std::function<Result<net::Response>(const net::Request&, const Deadline&)>;

  [[nodiscard]] static Result<BlobClient> create(Sender sender, const Clock& clock,
                                                 BlobClientConfig config);

  [[nodiscard]] Status create_container(const Deadline& deadline);  // one that exists is fine
  [[nodiscard]] Status create_append_blob(const std::string& name, const Deadline& deadline);
  [[nodiscard]] Status append_block(const std::string& name, ByteView block,
                                    const AppendCondition& condition, const Deadline& deadline);
  // Replaces a blob of this name, or makes it.
  [[nodiscard]] Status put_block_blob(const std::string& name, ByteView content,
                                      const Deadline& deadline);
  [[nodiscard]] Status put_block_blob(const std::string& name, ByteView content,
                                      const PutCondition& condition, const Deadline& deadline);
  // A small blob as a whole; kTooLarge beyond `bytes_max`.
  [[nodiscard]] Result<BlobContent> get_whole(const std::string& name, std::size_t bytes_max,
                                              const Deadline& deadline);
  // Fewer bytes than asked for when the blob ends before.
  [[nodiscard]] Result<Bytes> get_range(const std::string& name, ByteRange range,
                                        const Deadline& deadline);
  [[nodiscard]] Result<BlobProperties> properties(const std::string& name,
                                                  const Deadline& deadline);
  [[nodiscard]] Status remove(const std::string& name, const Deadline& deadline);  // absent is fine

  // `lease_id` is a GUID of the caller's: taking it again with the same one renews it, so that a
  // lost answer does no harm.
  [[nodiscard]] Status acquire_lease(const std::string& name, const std::string& lease_id,
                                     unsigned seconds, const Deadline& deadline);
  [[nodiscard]] Status renew_lease(const std::string& name, const std::string& lease_id,
                                   const Deadline& deadline);
  // Ends whoever's lease at once; none is fine. The lease can be acquired then.
  [[nodiscard]] Status break_lease(const std::string& name, const Deadline& deadline);
  [[nodiscard]] Status release_lease(const std::string& name, const std::string& lease_id,
                                     const Deadline& deadline);

 private:
  struct Call;
  BlobClient(Sender sender, const Clock& clock, BlobClientConfig config);
  [[nodiscard]] Result<net::Response> send(Call call, const Deadline& deadline);
  [[nodiscard]] Status await_turn(const Deadline& deadline) const;
  void note_pause(const net::Response& response);
  [[nodiscard]] Status authorize(net::Request& request, const Deadline& deadline);
  [[nodiscard]] Status lease(Call call, const Deadline& deadline);

  Sender sender_;
  const Clock* clock_;
  BlobClientConfig config_;
  SteadyTime not_before_{};  // the end of the pause that the service asked for
};

// Appends exactly once: when an answer is lost, reads back what stands at the position, and sends
// again only when nothing does. kPrecondition "blob_append_position" when something else does: the
// caller is not the only writer. kUnavailable "blob_outcome_unknown" when it cannot be told;
// `doubt` says that it could not before this call already. After any other error nothing was done,
// and nothing will be.
enum class Doubt { kNone, kEarlierAttempt };
[[nodiscard]] Status append_once(BlobClient& client, const std::string& name, ByteView block,
                                 const AppendCondition& condition, const Deadline& deadline,
                                 Doubt doubt = Doubt::kNone);

}  // namespace apm::azure
