#include "azure/blob_log.h"

#include <algorithm>
#include <utility>

#include "azure/limits.h"
#include "base/text.h"
#include "crypto/random.h"

namespace apm::azure {
namespace {

bool reason_is(const Status& status, std::string_view reason) {
  return !status.ok() && status.error().reason == reason;
}

// Random: whoever lost the right can never write or delete what a successor uses.
std::string new_name(std::string_view kind, std::uint64_t epoch) {
  return concat("apm/", kind, "/", epoch, "-", crypto::random_uuid());
}

Error other_checkpoint() {
  return {Code::kCorrupt, "azure_checkpoint",
          "the checkpoint of the commit log is not the one that its manifest names: it was cut or "
          "replaced. Restore the container"};
}

// What puts of one record may take, with room for its fields.
constexpr std::size_t kRecordPutsMax = kLogRecordBytesMax - 1024;

}  // namespace

Status check_not_older(const LogHead& seen, const LogHead& now) {
  const bool same_place = now.sequence == seen.sequence;
  if (now.sequence > seen.sequence || (same_place && now.hash == seen.hash)) return {};
  return Error(Code::kCorrupt, "azure_log_rolled_back",
               concat("the commit log ends at record ", now.sequence,
                      same_place ? " of another history" : "", ", and this server has seen record ",
                      seen.sequence,
                      ": an older copy was put in its place. Put the newest back; where the older "
                      "one is wanted, restart this server"));
}

Status BlobLog::prepare(const Deadline& deadline) {
  const auto found = manifest(deadline);
  if (found.ok()) return {};
  if (found.error().code != Code::kNotFound) return found.error();
  if (found.error().reason == "blob_container_not_found") {
    APM_CHECK_OK(client_.create_container(deadline));
  }
  APM_TRY(const Bytes empty, encode_manifest({}));
  const Status made = client_.put_block_blob(kManifestBlob, empty, {"", "", true}, deadline);
  // Another server was quicker, or the answer to an earlier attempt was lost.
  if (reason_is(made, "blob_exists") || reason_is(made, "blob_lease_lost")) return {};
  return made;
}

Result<ReadManifest> BlobLog::manifest(const Deadline& deadline) {
  APM_TRY(BlobContent content, client_.get_whole(kManifestBlob, kManifestBytesMax, deadline));
  APM_TRY(Manifest manifest, decode_manifest(content.bytes));
  const bool leased = content.lease_state == "leased" || content.lease_state == "breaking";
  return ReadManifest{std::move(manifest), std::move(content.etag), leased};
}

Result<Bytes> BlobLog::read_from(const std::string& name, std::uint64_t position,
                                 const Deadline& deadline) {
  APM_TRY(const BlobProperties now, client_.properties(name, deadline));
  if (now.size > kLogBytesMax) {
    return Error(
        Code::kTooLarge, "azure_log_size",
        concat("the commit log's blob ", name, " has ", now.size, " bytes; at most ", kLogBytesMax,
               " are read. This program does not write that much: look who "
               "else writes to the container"));
  }
  if (now.size < position) {
    return Error(Code::kCorrupt, "azure_log_truncated",
                 concat("the commit log's blob ", name, " has ", now.size, " bytes after it had ",
                        position, ": it was cut or replaced. Restore the container"));
  }
  Bytes out;
  out.reserve(now.size - position);
  while (position < now.size) {
    const std::uint64_t want = std::min<std::uint64_t>(now.size - position, kLogRecordBytesMax);
    APM_TRY(const Bytes part, client_.get_range(name, {position, want}, deadline));
    if (part.size() != want) {
      return Error(Code::kCorrupt, "azure_log_truncated",
                   concat("the commit log's blob ", name, " was cut while it was read"));
    }
    append(out, part);
    position += want;
  }
  return out;
}

Status BlobLog::extend(LogView& view, const Deadline& deadline) {
  if (view.place.segment.empty()) return {};
  APM_TRY(const Bytes more, read_from(view.place.segment, view.place.position, deadline));
  APM_CHECK_OK(replay_log(more, view.place.segment_epoch, view.state));
  view.place.position += more.size();
  return {};
}

Result<LogView> BlobLog::load(const Manifest& manifest, const Deadline& deadline) {
  LogView view;
  if (!manifest.checkpoint.empty()) {
    APM_TRY(const Bytes checkpoint, read_from(manifest.checkpoint, 0, deadline));
    APM_CHECK_OK(replay_log(checkpoint, manifest.checkpoint_epoch, view.state));
    if (view.state.head != manifest.checkpoint_head) return other_checkpoint();
  }
  view.state.head = manifest.start;
  view.place.first_sequence = manifest.start.sequence;
  view.place.segment = manifest.segment;
  view.place.segment_epoch = manifest.segment_epoch;
  APM_CHECK_OK(extend(view, deadline));
  return view;
}

// Only if nobody changed it since `current` was read. Read back, because the answer to a
// replacement can be lost, and what a repetition is told then is that the blob has changed.
Status BlobLog::replace(const std::string& lease_id, ReadManifest& current, const Manifest& next,
                        const Deadline& deadline) {
  APM_TRY(const Bytes bytes, encode_manifest(next));
  const Status done =
      client_.put_block_blob(kManifestBlob, bytes, {lease_id, current.etag, false}, deadline);
  if (!done.ok() && done.error().code == Code::kConflict) return done;
  APM_TRY(ReadManifest after, manifest(deadline));
  if (after.manifest == next) {
    current = std::move(after);
    return {};
  }
  if (!done.ok()) return done;
  return Error(Code::kConflict, "blob_lease_lost",
               "another server replaced the manifest of the commit log at the same time");
}

// After it nobody but us can append: whatever a former writer was told is done is in the blob.
Status BlobLog::seal(const std::string& name, const std::string& lease_id,
                     const Deadline& deadline) {
  APM_CHECK_OK(client_.break_lease(name, deadline));
  return client_.acquire_lease(name, lease_id, kBlobLeaseEndless, deadline);
}

Status BlobLog::create(const std::string& name, const std::string& lease_id,
                       const Deadline& deadline) {
  Status made = client_.create_append_blob(name, deadline);
  if (!made.ok() && made.error().code == Code::kUnavailable) {
    made = client_.create_append_blob(name, deadline);
  }
  // A name of ours alone: an earlier attempt made it.
  if (!made.ok() && !reason_is(made, "blob_exists")) return made;
  return client_.acquire_lease(name, lease_id, kBlobLeaseEndless, deadline);
}

Result<LogHead> BlobLog::write_checkpoint(const std::string& name, const std::string& lease_id,
                                          std::uint64_t epoch, const LogState& state,
                                          const Deadline& deadline) {
  APM_CHECK_OK(create(name, lease_id, deadline));
  LogHead head;
  std::uint64_t position = 0;
  auto at = state.values.begin();
  while (at != state.values.end()) {
    LogRecord record{epoch, head.sequence + 1, head.hash, {}, {}};
    std::size_t size = 0;
    for (; at != state.values.end(); ++at) {
      size += 8 + at->first.size() + at->second.size();
      if (size > kRecordPutsMax && !record.puts.empty()) break;
      record.puts.push_back({at->first, at->second});
    }
    APM_TRY(const EncodedRecord encoded, encode_record(record));
    APM_CHECK_OK(append_once(client_, name, encoded.bytes, {lease_id, position}, deadline));
    position += encoded.bytes.size();
    head = encoded.head;
  }
  return head;
}

// Names that our own replacement of the manifest left as unused: nobody writes them again. What
// cannot be deleted now stays named there, and is tried again after the next one.
void BlobLog::sweep(const std::vector<std::string>& names, const Deadline& deadline) {
  for (const std::string& name : names) {
    if (client_.break_lease(name, deadline).ok()) {
      static_cast<void>(client_.remove(name, deadline));
    }
  }
}

// Of the unused names, those whose blobs are still there.
Result<std::vector<std::string>> BlobLog::remaining(const std::vector<std::string>& names,
                                                    const Deadline& deadline) {
  std::vector<std::string> out;
  for (const std::string& name : names) {
    const auto found = client_.properties(name, deadline);
    if (found.ok()) {
      out.push_back(name);
    } else if (found.error().code != Code::kNotFound) {
      return found.error();
    }
  }
  return out;
}

Status BlobLog::start_segment(const std::string& lease_id, ReadManifest& current,
                              const LogState& state, const Deadline& deadline) {
  Manifest next = current.manifest;
  const std::uint64_t epoch = next.epoch;
  const std::string checkpoint = new_name("checkpoint", epoch);
  const std::string segment = new_name("segment", epoch);
  // Named before they exist, so that a crash leaves nothing that nobody knows of.
  APM_TRY(next.unused, remaining(next.unused, deadline));
  Manifest intent = next;
  intent.unused.insert(intent.unused.end(), {checkpoint, segment});
  APM_CHECK_OK(replace(lease_id, current, intent, deadline));
  APM_TRY(next.checkpoint_head, write_checkpoint(checkpoint, lease_id, epoch, state, deadline));
  APM_CHECK_OK(create(segment, lease_id, deadline));
  for (const std::string& old : {next.checkpoint, next.segment}) {
    if (!old.empty()) next.unused.push_back(old);
  }
  next.checkpoint = checkpoint;
  next.checkpoint_epoch = epoch;
  next.segment = segment;
  next.segment_epoch = epoch;
  next.start = state.head;
  return replace(lease_id, current, next, deadline);
}

Result<LogPlace> BlobLog::roll(const std::string& lease_id, std::uint64_t epoch,
                               const LogView& view, const Deadline& deadline) {
  APM_TRY(ReadManifest current, manifest(deadline));
  if (current.manifest.epoch != epoch) {
    return Error(Code::kConflict, "blob_lease_lost", "another server took the commit log over");
  }
  // An earlier roll, believed to have failed, was done: nothing was appended since.
  if (current.manifest.segment == view.place.segment) {
    APM_CHECK_OK(start_segment(lease_id, current, view.state, deadline));
  }
  sweep(current.manifest.unused, deadline);
  return LogPlace{current.manifest.segment, epoch, 0, view.state.head.sequence};
}

Result<LogView> BlobLog::take_over(const TakeOver& what, const Deadline& deadline) {
  APM_TRY(ReadManifest current, manifest(deadline));
  Manifest next = current.manifest;
  next.epoch += 1;
  next.owner = what.owner;
  APM_CHECK_OK(replace(what.lease_id, current, next, deadline));
  sweep(current.manifest.unused, deadline);
  const std::string& segment = current.manifest.segment;
  if (!segment.empty()) APM_CHECK_OK(seal(segment, what.lease_id, deadline));
  APM_TRY(LogView view, load(current.manifest, deadline));
  APM_CHECK_OK(check_not_older(what.seen, view.state.head));
  APM_TRY(view.place, roll(what.lease_id, current.manifest.epoch, view, deadline));
  return view;
}

}  // namespace apm::azure
