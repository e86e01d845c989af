// sys/apm/snapshot/: the whole store, as it is stored, out of a running server and into it.
//
// Vault's sys/storage/raft/snapshot is another thing at another path: a raft archive, streamed. Its
// clients must not take ours for it, nor the other way round.
//
//   POST   sys/apm/snapshot/save              {id, store_id, store_kind, ...}
//   POST   sys/apm/snapshot/save/ID           {"piece": 0}: {data (base64), records, last}
//   POST   sys/apm/snapshot/restore           {id, piece_bytes_max, bytes_max}
//   POST   sys/apm/snapshot/restore/ID        {"piece": 0, "data": base64}
//   POST   sys/apm/snapshot/restore/ID/commit {"force": false}: replaces the store, then sealed
//   DELETE either /ID                         gives up

#include "api/endpoints.h"
#include "api/limits.h"
#include "base/encoding.h"
#include "base/text.h"
#include "snapshot/reader.h"
#include "snapshot/replace.h"

namespace apm::api {
namespace {

constexpr std::string_view kCommit = "/commit";

Result<barrier::SealConfig> own_config(Core& core) {
  APM_TRY(std::optional<barrier::SealConfig> config, core.barrier().seal_config());
  if (config) return std::move(*config);
  return Error(Code::kUninitialized, "uninitialized", "the store was never initialised");
}

json::Object describe(const snapshot::Header& header) {
  return json::Object{{"store_id", header.store_id},
                      {"store_kind", barrier::kind_name(header.kind)},
                      {"epoch", header.epoch},
                      {"created_unix_s", header.created_unix_s},
                      {"storage_type", header.storage_type}};
}

// --- Save ---

Result<Answer> begin_save(Core& core, const Call& call) {
  APM_CHECK_OK(core.transfers().check_save_free());
  APM_TRY(const barrier::SealConfig config, own_config(core));
  APM_TRY(barrier::StoredContent content, core.barrier().stored_content());
  APM_TRY(crypto::SecretBytes key, core.barrier().derive(snapshot::kMacLabel));
  const snapshot::Header header{config.store_id, config.kind, content.epoch, core.clock().unix_s(),
                                core.info().storage_type};
  APM_TRY(const std::string id,
          core.transfers().begin_save(call.caller.accessor,
                                      std::make_unique<snapshot::Writer>(
                                          header, std::move(content.records), std::move(key))));
  Answer answer;
  answer.data = describe(header);
  answer.data->set("id", id);
  core.log().info("snapshot", "a snapshot of the store is being saved",
                  {{"store_id", header.store_id}, {"request_id", call.request_id}});
  return answer;
}

Result<Answer> read_piece(Core& core, const Call& call, const Transfers::Ticket& ticket) {
  APM_TRY(const std::uint64_t number, count_field(call.data, "piece"));
  APM_TRY(const Transfers::Piece piece, core.transfers().read(ticket, number));
  Answer answer;
  answer.data = json::Object{
      {"data", base64_encode(piece.data)}, {"records", piece.records}, {"last", piece.last}};
  return answer;
}

// --- Restore ---

// Replaces everything and makes this server forget what it knew: more than any policy can grant on
// a server that only a restart unseals again.
Status check_may_restore(Core& core, const Call& call) {
  if (core.mode() != Mode::kSelfBooted || call.caller.root) return {};
  return Error(Code::kPermissionDenied, "self_booted",
               "a server that boots by attestation takes a snapshot from a root token only: it "
               "must be restarted to serve again");
}

Result<Answer> begin_restore(Core& core, const Call& call) {
  APM_CHECK_OK(check_may_restore(core, call));
  APM_TRY(const std::string id, core.transfers().begin_restore(call.caller.accessor));
  Answer answer;
  answer.data = json::Object{
      {"id", id}, {"piece_bytes_max", kSnapshotPieceBytes}, {"bytes_max", kSnapshotUploadBytesMax}};
  return answer;
}

Result<Answer> write_piece(Core& core, const Call& call, const Transfers::Ticket& ticket) {
  APM_TRY(const std::uint64_t number, count_field(call.data, "piece"));
  APM_TRY(const std::string text, required_text(call.data, "data"));
  const auto data = base64_decode(text);
  if (!data.ok()) {
    return Error(Code::kInvalidArgument, "snapshot_piece", "\"data\" must be base64");
  }
  APM_CHECK_OK(core.transfers().write(ticket, number, *data));
  return Answer();
}

// With another store come its unseal keys, its tokens and its secrets: whoever may force one in may
// decide what this server's clients are told. That is root's alone.
Status check_force(const Call& call) {
  if (call.caller.root) return {};
  return Error(Code::kPermissionDenied, "snapshot_force",
               "a snapshot of another store is taken from a root token only. Nothing was changed");
}

// What may replace this store.
Status check_snapshot(Core& core, const Call& call, const snapshot::Verified& found,
                      const Bytes& file, bool force) {
  APM_TRY(const barrier::SealConfig config, own_config(core));
  if (found.header.kind != core.store_kind()) {
    return Error(Code::kRefused, "snapshot_kind",
                 concat("this is a snapshot of a ", barrier::kind_name(found.header.kind),
                        " store and this server is one of a ",
                        barrier::kind_name(core.store_kind()), " store. Nothing was changed"));
  }
  if (found.header.store_id == config.store_id) {
    APM_TRY(const crypto::SecretBytes key, core.barrier().derive(snapshot::kMacLabel));
    const auto authentic = snapshot::verify(snapshot::source_of(file), &key);
    return authentic.ok() ? Status() : Status(authentic.error());
  }
  if (force) return check_force(call);
  return Error(Code::kRefused, "snapshot_store_id",
               concat("this is a snapshot of the store ", found.header.store_id,
                      " and not of this one, ", config.store_id,
                      ": its unseal keys are others. Nothing was changed. Say -force if you have "
                      "them and mean it"));
}

void log_replaced(Core& core, const Call& call, const snapshot::Verified& found,
                  const snapshot::Replaced& done, bool same_store) {
  core.log().warn("snapshot",
                  "THE STORE WAS ROLLED BACK TO A SNAPSHOT, and this server is sealed: what was "
                  "written since is gone, what was revoked or deleted since is back",
                  {{"store_id", found.header.store_id},
                   {"created", rfc3339(found.header.created_unix_s)},
                   {"epoch", std::to_string(found.header.epoch)},
                   {"records", std::to_string(found.records)},
                   {"written", std::to_string(done.written)},
                   {"deleted", std::to_string(done.deleted)},
                   {"authenticated", same_store ? "yes" : "no: another store's, forced"},
                   {"request_id", call.request_id}});
}

// From the first change on this server is sealed, whatever the outcome.
Result<snapshot::Replaced> replace(Core& core, const Bytes& file, const std::string& store_id) {
  APM_TRY(const std::unique_ptr<snapshot::Reader> reader,
          snapshot::Reader::open(snapshot::source_of(file)));
  snapshot::Replaced done;
  const Status replaced = core.replace_store([&](storage::Store& store) -> Status {
    APM_TRY(done, snapshot::replace_content(store, *reader, {"restore", store_id}));
    return {};
  });
  if (replaced.ok()) return done;
  return replaced.error().within(
      "the server is sealed now, and the store may be incomplete; stop the server and repeat the "
      "restore with operator snapshot restore -config");
}

Result<Answer> commit_restore(Core& core, const Call& call, const Transfers::Ticket& ticket) {
  APM_CHECK_OK(check_may_restore(core, call));
  APM_TRY(const bool force, flag_field(call.data, "force", false));
  const MutexLock lifecycle(core.lifecycle());
  APM_TRY(const Bytes file, core.transfers().take(ticket));
  APM_TRY(const snapshot::Verified found, snapshot::verify(snapshot::source_of(file)));
  APM_TRY(const barrier::SealConfig before, own_config(core));
  APM_CHECK_OK(check_snapshot(core, call, found, file, force));
  APM_TRY(const snapshot::Replaced done, replace(core, file, found.header.store_id));
  const bool same_store = before.store_id == found.header.store_id;
  log_replaced(core, call, found, done, same_store);
  Answer answer;
  answer.ends_term = true;
  answer.data = describe(found.header);
  answer.data->set("records", found.records);
  answer.data->set("written", done.written);
  answer.data->set("deleted", done.deleted);
  answer.data->set("authenticated", same_store);
  if (!same_store) {
    answer.warnings.push_back(
        "the snapshot is another store's: this server could not check who made it");
  }
  return answer;
}

}  // namespace

Result<Answer> serve_snapshot_save(Core& core, Call& call, const std::string& id) {
  const Transfers::Ticket ticket{call.caller.accessor, id};
  if (!id.empty() && call.operation == logical::Operation::kDelete) {
    core.transfers().end(ticket);
    return Answer();
  }
  if (!is_write(call)) return unsupported();
  return id.empty() ? begin_save(core, call) : read_piece(core, call, ticket);
}

Result<Answer> serve_snapshot_restore(Core& core, Call& call, const std::string& rest) {
  const bool commit = rest.ends_with(kCommit);
  const std::string id = commit ? rest.substr(0, rest.size() - kCommit.size()) : rest;
  const Transfers::Ticket ticket{call.caller.accessor, id};
  if (!id.empty() && !commit && call.operation == logical::Operation::kDelete) {
    core.transfers().end(ticket);
    return Answer();
  }
  if (!is_write(call)) return unsupported();
  if (commit) return commit_restore(core, call, ticket);
  return id.empty() ? begin_restore(core, call) : write_piece(core, call, ticket);
}

}  // namespace apm::api
