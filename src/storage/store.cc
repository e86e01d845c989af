#include "storage/store.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "storage/limits.h"

namespace apm::storage {
namespace {

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

Error bad_key(std::string_view why) {
  return Error(Code::kInvalidArgument, "storage_key", concat("a storage key ", why));
}

Status once(std::set<std::string_view>& seen, std::string_view key) {
  APM_CHECK_OK(check_key(key));
  if (seen.insert(key).second) return {};
  return Error(Code::kInvalidArgument, "storage_duplicate_key",
               concat("the key ", key, " occurs twice in one batch"));
}

Status check_value(std::string_view key, const Bytes& value) {
  if (value.size() <= kValueBytesMax) return {};
  return Error(Code::kTooLarge, "storage_value",
               concat("the value of ", key, " has ", value.size(), " bytes; at most ",
                      kValueBytesMax, " can be stored"));
}

}  // namespace

Status check_key(std::string_view key) {
  if (key.empty()) return bad_key("must not be empty");
  if (key.size() > kKeyBytesMax) {
    return Error(
        Code::kTooLarge, "storage_key",
        concat("a storage key has ", key.size(), " bytes; at most ", kKeyBytesMax, " are allowed"));
  }
  if (key.front() == '/' || key.back() == '/') return bad_key("must not begin or end with '/'");
  if (key.find("//") != std::string_view::npos) return bad_key("must not have an empty segment");
  if (has_control(key)) return bad_key("must not hold control characters");
  if (!is_utf8(key)) return bad_key("must be UTF-8");
  return {};
}

Status check_prefix(std::string_view prefix) {
  if (prefix.empty()) return {};
  if (prefix.back() != '/') {
    return Error(Code::kInvalidArgument, "storage_prefix", "a prefix to list must end with '/'");
  }
  return check_key(prefix.substr(0, prefix.size() - 1));
}

Status check_batch(const Batch& batch) {
  const std::size_t operations =
      batch.preconditions.size() + batch.puts.size() + batch.deletes.size();
  if (operations > kBatchOperationsMax) {
    return Error(Code::kTooLarge, "storage_batch",
                 concat("a batch has ", operations, " operations; at most ", kBatchOperationsMax,
                        " are allowed"));
  }
  std::size_t bytes = 0;
  std::set<std::string_view> expected;
  for (const Precondition& p : batch.preconditions) {
    APM_CHECK_OK(once(expected, p.key));
    if (p.value) APM_CHECK_OK(check_value(p.key, *p.value));
    bytes += p.key.size() + (p.value ? p.value->size() : 0);
  }
  std::set<std::string_view> changed;
  for (const Put& put : batch.puts) {
    APM_CHECK_OK(once(changed, put.key));
    APM_CHECK_OK(check_value(put.key, put.value));
    bytes += put.key.size() + put.value.size();
  }
  for (const std::string& key : batch.deletes) {
    APM_CHECK_OK(once(changed, key));
    bytes += key.size();
  }
  if (bytes <= kBatchBytesMax) return {};
  return Error(Code::kTooLarge, "storage_batch",
               concat("a batch has ", bytes, " bytes; at most ", kBatchBytesMax, " are allowed"));
}

Status check_lease_owner(std::string_view owner) {
  if (!owner.empty() && owner.size() <= kLeaseOwnerBytesMax && !has_control(owner) &&
      is_utf8(owner)) {
    return {};
  }
  return Error(Code::kInvalidArgument, "lease_owner",
               concat("the name of a lease's owner must be 1 to ", kLeaseOwnerBytesMax,
                      " bytes of printable text"));
}

Error lease_not_held(std::string_view store) {
  return Error(Code::kConflict, "lease_not_held",
               concat("this server may not write to ", store, ": it does not have the lease"));
}

Error lease_lost(std::string_view store) {
  return Error(Code::kConflict, "lease_lost",
               concat("this server may not write to ", store,
                      " any more: another server took over; restart this one"));
}

Error lease_held(std::string_view store, std::string_view holder) {
  return Error(Code::kConflict, "lease_held",
               concat("the store ", store, " is in use by ", holder,
                      "; stop that server, or wait until it ends"));
}

Error precondition_failed(std::string_view key) {
  return Error(Code::kPrecondition, "storage_precondition",
               concat("the value of ", key, " is not what the writer expected"));
}

}  // namespace apm::storage
