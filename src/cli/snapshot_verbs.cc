// operator snapshot save|restore and operator migrate.

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/text.h"
#include "boot/offline.h"
#include "cli/atomic_file.h"
#include "cli/server_verbs.h"
#include "snapshot/reader.h"

namespace apm::cli {
namespace {

constexpr const char* kSavePath = "sys/apm/snapshot/save";
constexpr const char* kRestorePath = "sys/apm/snapshot/restore";

// A refusal of the server as an error, with what the server said.
Result<json::Value> ask(Session& session, const std::string& path, const json::Object& body) {
  APM_TRY(const client::Answer answer, session.call("POST", path, &body));
  if (answer.success()) return answer.data() == nullptr ? json::Value() : *answer.data();
  std::string text = concat("the server answered ", answer.status);
  for (const std::string& one : answer.errors()) text += "\n* " + one;
  return Error(Code::kUnavailable, "refused_by_server", text);
}

int failed(const Error& error) {
  print_error("Error: " + error.message);
  return error.reason == "refused_by_server" ? kRemoteFailure : kLocalFailure;
}

// So that the next attempt need not wait. If this fails too, the server forgets it by itself.
void give_up(Session& session, const std::string& transfer) {
  static_cast<void>(session.call("DELETE", transfer));
}

void show(Session& session, const json::Object& facts) {
  if (session.format() == Format::kJson) return print(json::write_pretty(facts));
  std::vector<Row> rows;
  for (const auto& [name, value] : facts) rows.push_back({name, cell(value)});
  print(table({"Key", "Value"}, rows));
}

json::Object describe(const snapshot::Header& header, std::uint64_t records) {
  return json::Object{{"store_id", header.store_id},
                      {"store_kind", barrier::kind_name(header.kind)},
                      {"storage_type", header.storage_type},
                      {"epoch", header.epoch},
                      {"created", rfc3339(header.created_unix_s)},
                      {"records", records}};
}

Result<std::string> only_file(const Arguments& args, std::string_view verb) {
  if (args.positional().size() == 1) return args.positional()[0];
  return Error(Code::kInvalidArgument, "usage",
               concat("operator snapshot ", verb, " needs the name of one file"));
}

// --- Save ---

Status receive_pieces(Session& session, const std::string& transfer, AtomicFile& file) {
  for (std::uint64_t number = 0;; ++number) {
    APM_TRY(const json::Value piece, ask(session, transfer, {{"piece", number}}));
    APM_TRY(const std::string text, json::require_string(piece, "data"));
    APM_TRY(const Bytes data, base64_decode(text));
    APM_CHECK_OK(file.write(data));
    const json::Value* last = piece.at("last");
    if (last == nullptr || last->as_bool() == nullptr) {
      return Error(Code::kUnavailable, "answer", "the server's answer is no piece of a snapshot");
    }
    if (*last->as_bool()) return {};
  }
}

Status receive(Session& session, AtomicFile& file) {
  APM_TRY(const json::Value begun, ask(session, kSavePath, {}));
  APM_TRY(const std::string id, json::require_string(begun, "id"));
  const std::string transfer = concat(kSavePath, "/", id);
  const Status done = receive_pieces(session, transfer, file);
  if (!done.ok()) give_up(session, transfer);
  return done;
}

// Published only when what is on the disk is a whole snapshot.
Result<snapshot::Verified> save_to(Session& session, const std::string& path) {
  APM_TRY(AtomicFile file, AtomicFile::create(path));
  APM_CHECK_OK(receive(session, file));
  if (::lseek(file.fd(), 0, SEEK_SET) != 0) return io_error("rewind " + path);
  APM_TRY(snapshot::Verified found, snapshot::verify(snapshot::source_of(file.fd(), path)));
  APM_CHECK_OK(file.publish());
  return found;
}

int save(Session& session, const Arguments& args) {
  const auto path = only_file(args, "save");
  if (!path.ok()) return failed(path.error());
  const auto saved = save_to(session, *path);
  if (!saved.ok()) return failed(saved.error().within("saving the snapshot"));
  show(session, describe(saved->header, saved->records));
  return kOk;
}

// --- Restore ---

Status send_pieces(Session& session, const std::string& transfer, const snapshot::Source& source,
                   std::size_t most) {
  for (std::uint64_t number = 0;; ++number) {
    APM_TRY(const Bytes data, source(most));
    if (data.empty()) return {};
    APM_CHECK_OK(ask(session, transfer, {{"piece", number}, {"data", base64_encode(data)}}));
  }
}

// The path of the transfer, all sent.
Result<std::string> send(Session& session, int fd, const std::string& path) {
  APM_TRY(const json::Value begun, ask(session, kRestorePath, {}));
  APM_TRY(const std::string id, json::require_string(begun, "id"));
  APM_TRY(const std::int64_t most, json::require_int(begun, "piece_bytes_max"));
  if (most < 1) return Error(Code::kUnavailable, "answer", "the server takes no piece");
  if (::lseek(fd, 0, SEEK_SET) != 0) return io_error("rewind " + path);
  std::string transfer = concat(kRestorePath, "/", id);
  const Status sent =
      send_pieces(session, transfer, snapshot::source_of(fd, path), static_cast<std::size_t>(most));
  if (sent.ok()) return transfer;
  give_up(session, transfer);
  return sent.error();
}

Result<json::Object> restore_online(Session& session, const std::string& path, bool force) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return io_error("open " + path);
  // Damage is found here, before anything is sent; the server looks again.
  APM_TRY(const snapshot::Verified found, snapshot::verify(snapshot::source_of(file.get(), path)));
  APM_TRY(const std::string transfer, send(session, file.get(), path));
  APM_TRY(const json::Value done, ask(session, transfer + "/commit", {{"force", force}}));
  json::Object facts = describe(found.header, found.records);
  for (const char* name : {"written", "deleted", "authenticated"}) {
    if (const json::Value* value = done.at(name)) facts.set(name, *value);
  }
  return facts;
}

std::optional<std::string> from_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

Result<json::Object> restore_offline(const Arguments& args, const std::string& path) {
  const auto overwrite =
      args.has("force") ? snapshot::Overwrite::kForce : snapshot::Overwrite::kNever;
  APM_TRY(const boot::OfflineRestored done,
          boot::restore_store({args.get("config"), path, overwrite}, from_environment));
  json::Object facts = describe(done.done.header, done.done.records);
  facts.set("restored_into", done.store);
  facts.set("written", done.done.replaced.written);
  facts.set("deleted", done.done.replaced.deleted);
  facts.set("authenticated", false);
  return facts;
}

int restore(Session& session, const Arguments& args) {
  const auto path = only_file(args, "restore");
  if (!path.ok()) return failed(path.error());
  const bool offline = args.has("config");
  const auto done =
      offline ? restore_offline(args, *path) : restore_online(session, *path, args.has("force"));
  if (!done.ok()) return failed(done.error().within("restoring the snapshot"));
  show(session, *done);
  print_error(offline ? "WARNING: who made the snapshot was not checked: that needs the keys. "
                        "Start the server and look at what is in it."
                      : "WARNING: the store was rolled back to the snapshot and the server is "
                        "sealed. Unseal it, or restart a server that boots by attestation.");
  return kOk;
}

// --- Migrate ---

int migrate(Session& session, const Arguments& args) {
  if (!args.has("config")) {
    return failed(Error(Code::kInvalidArgument, "usage", "operator migrate needs -config=FILE"));
  }
  const auto done = boot::migrate_store(args.get("config"), from_environment);
  if (!done.ok()) return failed(done.error().within("migrating"));
  show(session, json::Object{{"store_id", done->done.store_id},
                             {"source", done->source},
                             {"destination", done->destination},
                             {"records", done->done.records},
                             {"written", done->done.replaced.written}});
  print_error(
      "The source was not changed and is still a store: never start a server on it again, or two "
      "stores with the same keys go apart.");
  return kOk;
}

}  // namespace

std::vector<Verb> snapshot_verbs() {
  return {
      {{"operator", "snapshot", "save"}, "write the store, as it is stored, into FILE", {}, save},
      {{"operator", "snapshot", "restore"},
       "replace the store by FILE; with -config offline, into the store of that configuration",
       {.with_value = {"config"}, .plain = {"force"}},
       restore},
      {{"operator", "migrate"},
       "copy a store into an empty one of another kind of storage, offline",
       {.with_value = {"config"}, .plain = {}},
       migrate},
  };
}

}  // namespace apm::cli
