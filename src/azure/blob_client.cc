#include "azure/blob_client.h"

#include <algorithm>
#include <array>
#include <thread>
#include <utility>

#include "azure/blob_error.h"
#include "azure/limits.h"
#include "azure/shared_key.h"
#include "base/text.h"
#include "net/retry.h"

namespace apm::azure {
namespace {

constexpr const char* kServiceVersion = "2020-10-02";

bool lower_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool valid_account(std::string_view name) {
  return name.size() >= 3 && name.size() <= 24 &&
         std::all_of(name.begin(), name.end(), lower_alnum);
}

bool valid_container(std::string_view name) {
  return name.size() >= 3 && name.size() <= 63 && name.front() != '-' && name.back() != '-' &&
         name.find("--") == std::string_view::npos &&
         std::all_of(name.begin(), name.end(), [](char c) { return c == '-' || lower_alnum(c); });
}

bool valid_blob(std::string_view name) {
  return !name.empty() && name.size() <= kBlobNameBytesMax && name.front() != '/' &&
         name.find("//") == std::string_view::npos && name.back() != '/' && name.back() != '.';
}

std::string encode_path(std::string_view name) {
  std::string out;
  for (const std::string_view segment : split(name, '/')) out += "/" + net::url_encode(segment);
  return out;
}

Error bad_request(std::string_view why) {
  return {Code::kInvalidArgument, "blob_request", concat("a Blob call cannot be made: ", why)};
}

Error bad_endpoint(std::string_view text) {
  return {Code::kInvalidArgument, "blob_endpoint",
          concat(text, ". Correct the storage \"azure\" stanza")};
}

Error bad_answer(std::string_view what, std::string_view why) {
  return {Code::kUnavailable, "blob_answer",
          concat(what, ": ", why, ". Check that nothing in between rewrites answers")};
}

}  // namespace

Result<std::string> blob_endpoint(const std::string& account, const std::string& environment) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kSuffixes = {
      {{"AzurePublicCloud", "core.windows.net"},
       {"AzureUSGovernmentCloud", "core.usgovcloudapi.net"},
       {"AzureChinaCloud", "core.chinacloudapi.cn"}}};
  if (!valid_account(account)) {
    return bad_endpoint("a storage account's name is 3 to 24 lower-case letters and digits");
  }
  for (const auto& [name, suffix] : kSuffixes) {
    if (environment == name) return concat("https://", account, ".blob.", suffix);
  }
  return bad_endpoint("environment is AzurePublicCloud, AzureUSGovernmentCloud or AzureChinaCloud");
}

struct BlobClient::Call {
  Call(std::string verb, std::string blob, std::string words)
      : method(std::move(verb)), name(std::move(blob)), what(std::move(words)) {}

  std::string method;
  std::string name;  // empty: the container
  std::string what;
  std::string query;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  bool idempotent = true;
  std::size_t answer_bytes_max = kAnswerBytesMax;
};

BlobClient::BlobClient(Sender sender, const Clock& clock, BlobClientConfig config)
    : sender_(std::move(sender)), clock_(&clock), config_(std::move(config)) {}

Result<BlobClient> BlobClient::create(Sender sender, const Clock& clock, BlobClientConfig config) {
  APM_TRY(const net::Url url, net::parse_url(config.endpoint));
  if (url.scheme != "https" && !net::is_loopback(url.host)) {
    return bad_endpoint("the Blob endpoint must be https");
  }
  if (url.target.find('?') != std::string::npos) return bad_endpoint("the endpoint has a query");
  if (!valid_account(config.account)) return bad_endpoint("accountName is malformed");
  if (!valid_container(config.container)) return bad_endpoint("container is malformed");
  const auto* key = std::get_if<crypto::SecretBytes>(&config.credential);
  if (key != nullptr && key->empty()) return bad_endpoint("accountKey is empty");
  while (config.endpoint.ends_with('/')) config.endpoint.pop_back();
  return BlobClient(std::move(sender), clock, std::move(config));
}

Status BlobClient::authorize(net::Request& request, const Deadline& deadline) {
  request.headers.emplace_back("x-ms-version", kServiceVersion);
  request.headers.emplace_back("x-ms-date", http_date(clock_->unix_s()));
  if (const auto* key = std::get_if<crypto::SecretBytes>(&config_.credential)) {
    APM_TRY(std::string value, shared_key_authorization(request, config_.account, *key));
    request.headers.emplace_back("Authorization", std::move(value));
    return {};
  }
  const auto& tokens = std::get<TokenSource>(config_.credential);
  const auto token = tokens(kStorageResource, deadline);
  if (!token.ok()) {
    return Error(Code::kUnavailable, "blob_no_token",
                 concat(request.what, ": no token for it: ", token.error().message));
  }
  request.headers.emplace_back("Authorization", "Bearer " + *token);
  return {};
}

// Nothing is gained by waiting for a pause that the deadline does not outlast.
Status BlobClient::await_turn(const Deadline& deadline) const {
  const auto left = std::chrono::ceil<Milliseconds>(not_before_ - std::chrono::steady_clock::now());
  if (left.count() <= 0) return {};
  if (left >= deadline.left()) {
    return Error(Code::kUnavailable, "blob_paused",
                 concat("Blob storage asked for a pause, of which ", left.count(),
                        " ms are left: the account is over its limits, or being moved"));
  }
  std::this_thread::sleep_for(left);
  return {};
}

void BlobClient::note_pause(const net::Response& response) {
  if (response.status < 400) return;
  const auto asked = net::asked_delay(response, clock_->unix_s());
  if (asked) not_before_ = std::chrono::steady_clock::now() + *asked;
}

Result<net::Response> BlobClient::send(Call call, const Deadline& deadline) {
  const bool container = call.query.starts_with("restype=container");
  if (!container && !valid_blob(call.name)) return bad_request("the blob's name is malformed");
  const Deadline own = deadline.at_most(kBlobDeadline);
  net::Request request;
  request.method = std::move(call.method);
  request.url = concat(config_.endpoint, "/", config_.container,
                       container ? std::string() : encode_path(call.name));
  if (!call.query.empty()) request.url += "?" + call.query;
  request.headers = std::move(call.headers);
  request.body = std::move(call.body);
  if (!request.body.empty()) {
    request.headers.emplace_back("Content-Type", "application/octet-stream");
  }
  request.attempt_timeout = kBlobAttemptTimeout;
  request.retry = {.attempts_max = kBlobAttempts,
                   .base_delay = Milliseconds(400),
                   .delay_max = Milliseconds(20'000),
                   .more_statuses = {}};
  request.idempotent = call.idempotent;
  request.response_bytes_max = call.answer_bytes_max;
  request.what =
      concat("Blob storage: ", call.what, " ", container ? config_.container : call.name);
  APM_CHECK_OK(await_turn(own));
  APM_CHECK_OK(authorize(request, own));
  APM_TRY(net::Response response, sender_(request, own));
  note_pause(response);
  if (response.status >= 200 && response.status < 300) return response;
  return blob_error(request.what, response);
}

Status BlobClient::create_container(const Deadline& deadline) {
  Call call("PUT", {}, "create container");
  call.query = "restype=container";
  const auto made = send(std::move(call), deadline);
  if (made.ok() || made.error().reason == "blob_exists") return {};
  return made.error();
}

Status BlobClient::create_append_blob(const std::string& name, const Deadline& deadline) {
  Call call("PUT", name, "create append blob");
  call.idempotent = false;
  call.headers = {{"x-ms-blob-type", "AppendBlob"}, {"If-None-Match", "*"}};
  APM_CHECK_OK(send(std::move(call), deadline));
  return {};
}

Status BlobClient::append_block(const std::string& name, ByteView block,
                                const AppendCondition& condition, const Deadline& deadline) {
  if (block.empty() || block.size() > kLogRecordBytesMax) {
    return bad_request("a block must have 1 byte to 4 MiB");
  }
  if (condition.lease_id.empty()) return bad_request("an append needs a lease");
  Call call("PUT", name, "append to");
  call.query = "comp=appendblock";
  call.idempotent = false;
  call.headers = {{"x-ms-blob-condition-appendpos", std::to_string(condition.position)},
                  {"x-ms-lease-id", condition.lease_id}};
  call.body = std::string(as_text(block));
  APM_CHECK_OK(send(std::move(call), deadline));
  return {};
}

Status BlobClient::put_block_blob(const std::string& name, ByteView content,
                                  const Deadline& deadline) {
  return put_block_blob(name, content, {}, deadline);
}

Status BlobClient::put_block_blob(const std::string& name, ByteView content,
                                  const PutCondition& condition, const Deadline& deadline) {
  Call call("PUT", name, "write");
  call.headers = {{"x-ms-blob-type", "BlockBlob"}};
  if (!condition.lease_id.empty()) call.headers.emplace_back("x-ms-lease-id", condition.lease_id);
  if (!condition.etag.empty()) call.headers.emplace_back("If-Match", condition.etag);
  if (condition.if_absent) call.headers.emplace_back("If-None-Match", "*");
  call.body = std::string(as_text(content));
  APM_CHECK_OK(send(std::move(call), deadline));
  return {};
}

Result<BlobContent> BlobClient::get_whole(const std::string& name, std::size_t bytes_max,
                                          const Deadline& deadline) {
  Call call("GET", name, "read");
  call.answer_bytes_max = bytes_max;
  APM_TRY(const net::Response response, send(std::move(call), deadline));
  const std::string* etag = response.header("etag");
  const std::string* state = response.header("x-ms-lease-state");
  if (response.status != 200 || etag == nullptr || state == nullptr) {
    return bad_answer("reading " + name, "ETag or lease state is missing");
  }
  return BlobContent{to_bytes(response.body), *etag, *state};
}

Result<Bytes> BlobClient::get_range(const std::string& name, ByteRange range,
                                    const Deadline& deadline) {
  if (range.size == 0 || range.size > kLogRecordBytesMax)
    return bad_request("the range is empty or over 4 MiB");
  Call call("GET", name, "read");
  call.answer_bytes_max = static_cast<std::size_t>(range.size);
  call.headers = {{"x-ms-range", concat("bytes=", range.first, "-", range.first + range.size - 1)}};
  APM_TRY(const net::Response response, send(std::move(call), deadline));
  // A whole blob for a range would be taken for other bytes.
  if (response.status != 206) return bad_answer("reading " + name, "not the range asked for");
  return to_bytes(response.body);
}

Result<BlobProperties> BlobClient::properties(const std::string& name, const Deadline& deadline) {
  Call call("HEAD", name, "look at");
  APM_TRY(const net::Response response, send(std::move(call), deadline));
  const std::string* size = response.header("content-length");
  const auto bytes = size == nullptr ? std::nullopt : parse_u64(*size);
  const std::string* etag = response.header("etag");
  const std::string* state = response.header("x-ms-lease-state");
  if (!bytes || etag == nullptr || state == nullptr) {
    return bad_answer("looking at " + name, "size, ETag or lease state is missing");
  }
  return BlobProperties{*bytes, *etag, *state};
}

Status BlobClient::remove(const std::string& name, const Deadline& deadline) {
  Call call("DELETE", name, "delete");
  const auto gone = send(std::move(call), deadline);
  if (gone.ok() || gone.error().reason == "blob_not_found") return {};
  return gone.error();
}

Status BlobClient::lease(Call call, const Deadline& deadline) {
  call.query = "comp=lease";
  APM_CHECK_OK(send(std::move(call), deadline));
  return {};
}

Status BlobClient::acquire_lease(const std::string& name, const std::string& lease_id,
                                 unsigned seconds, const Deadline& deadline) {
  const bool endless = seconds == kBlobLeaseEndless;
  if (!endless && (seconds < kBlobLeaseSecondsMin || seconds > kBlobLeaseSecondsMax)) {
    return bad_request("a lease has 15 to 60 seconds, or no end");
  }
  Call call("PUT", name, "take the lease of");
  call.headers = {{"x-ms-lease-action", "acquire"},
                  {"x-ms-lease-duration", endless ? "-1" : std::to_string(seconds)},
                  {"x-ms-proposed-lease-id", lease_id}};
  return lease(std::move(call), deadline);
}

Status BlobClient::renew_lease(const std::string& name, const std::string& lease_id,
                               const Deadline& deadline) {
  Call call("PUT", name, "renew the lease of");
  call.headers = {{"x-ms-lease-action", "renew"}, {"x-ms-lease-id", lease_id}};
  return lease(std::move(call), deadline);
}

Status BlobClient::break_lease(const std::string& name, const Deadline& deadline) {
  Call call("PUT", name, "end the lease of");
  call.headers = {{"x-ms-lease-action", "break"}, {"x-ms-lease-break-period", "0"}};
  const Status ended = lease(std::move(call), deadline);
  // Nobody has it.
  if (!ended.ok() && ended.error().reason == "blob_lease_lost") return {};
  return ended;
}

Status BlobClient::release_lease(const std::string& name, const std::string& lease_id,
                                 const Deadline& deadline) {
  Call call("PUT", name, "release the lease of");
  call.headers = {{"x-ms-lease-action", "release"}, {"x-ms-lease-id", lease_id}};
  return lease(std::move(call), deadline);
}

namespace {

enum class Standing { kNothing, kOurs, kOther };

// What the blob holds where the block was to go.
Result<Standing> look_up(BlobClient& client, const std::string& name, ByteView block,
                         std::uint64_t position, const Deadline& deadline) {
  APM_TRY(const BlobProperties now, client.properties(name, deadline));
  if (now.size == position) return Standing::kNothing;
  if (now.size < position + block.size()) return Standing::kOther;
  APM_TRY(const Bytes found, client.get_range(name, {position, block.size()}, deadline));
  return equal(found, block) ? Standing::kOurs : Standing::kOther;
}

Error foreign_block(const std::string& name) {
  return {Code::kPrecondition, "blob_append_position",
          concat("Blob storage: append to ", name,
                 ": something else stands there. Somebody else wrote to this log")};
}

Error stays_unknown(const Error& error) {
  return {Code::kUnavailable, "blob_outcome_unknown",
          concat(error.message, ". Whether an append was done before is not known")};
}

bool outcome_unknown(const Error& error) {
  const bool nothing_done = error.reason == "blob_paused" || error.reason == "blob_no_token";
  return !nothing_done &&
         (error.code == Code::kUnavailable || error.code == Code::kDeadlineExceeded);
}

// Whatever is still under way with this lease and position will be refused too.
bool is_fenced(const Error& error) {
  return error.reason == "blob_lease_lost" || error.reason == "blob_append_position";
}

}  // namespace

Status append_once(BlobClient& client, const std::string& name, ByteView block,
                   const AppendCondition& condition, const Deadline& deadline, Doubt doubt) {
  bool in_doubt = doubt == Doubt::kEarlierAttempt;
  for (int attempt = 1;; ++attempt) {
    const Status sent = client.append_block(name, block, condition, deadline);
    if (sent.ok()) return sent;
    const bool unknown = outcome_unknown(sent.error());
    // What stands at the position may be ours all the same, if something in between repeated it.
    const bool occupied = sent.error().reason == "blob_append_position";
    // The client sits out the pause before it sends again, if the deadline allows it.
    const bool paused = sent.error().reason == "blob_paused";
    if (paused && attempt < kAppendAttempts) continue;
    if (!unknown && !in_doubt && !occupied) return sent;
    // Whatever this answer says, an attempt before it, believed lost, can have been done.
    in_doubt = true;
    const auto standing = look_up(client, name, block, condition.position, deadline);
    // Also when the log is gone: nothing says that the append was not done.
    if (!standing.ok()) return stays_unknown(standing.error());
    if (*standing == Standing::kOurs) return {};
    if (*standing == Standing::kOther) return foreign_block(name);
    if (is_fenced(sent.error())) return sent;
    if (!unknown || attempt == kAppendAttempts || deadline.passed()) {
      return stays_unknown(sent.error());
    }
    std::this_thread::sleep_for(std::min(deadline.left(), kAppendRetryPause));
  }
}

}  // namespace apm::azure
