#include "mounts/table.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/text.h"
#include "crypto/random.h"
#include "mounts/limits.h"

namespace apm::mounts {
namespace {

constexpr std::string_view kAuthPrefix = "auth/";
constexpr std::size_t kAccessorBytes = 4;

std::string record_path(Kind kind) { return kind == Kind::kSecret ? "core/mounts" : "core/auth"; }

bool built_in(Kind kind, std::string_view path) {
  if (kind == Kind::kAuth) return path == "token/";
  return path == "sys/" || path == "cubbyhole/";
}

// Served by the API itself.
bool without_backend(const Entry& entry) { return entry.type == "system" || entry.type == "token"; }

// First segments that no secret engine may take.
bool reserved(Kind kind, std::string_view path) {
  if (kind == Kind::kAuth) return path.starts_with("token/");
  for (const std::string_view name : {"sys/", "auth/", "cubbyhole/", "identity/", "audit/"}) {
    if (path.starts_with(name)) return true;
  }
  return false;
}

Entry make_entry(const MountSpec& spec, std::string path) {
  Entry entry;
  entry.path = std::move(path);
  entry.type = spec.type;
  entry.description = spec.description;
  entry.uuid = crypto::random_uuid();
  entry.accessor = concat(spec.type, "_", hex_encode(crypto::random_bytes(kAccessorBytes)));
  entry.options = spec.options;
  entry.default_lease_ttl_s = spec.default_lease_ttl_s;
  entry.max_lease_ttl_s = spec.max_lease_ttl_s;
  return entry;
}

std::vector<Entry> first_entries(Kind kind) {
  MountSpec token{"token", "token", "token based credentials", {}, 0, 0};
  MountSpec cubbyhole{"cubbyhole", "cubbyhole", "per-token private secret storage", {}, 0, 0};
  MountSpec system{"sys", "system", "system endpoints used for control, policy and debugging",
                   {},    0,        0};
  if (kind == Kind::kAuth) return {make_entry(token, "token/")};
  return {make_entry(cubbyhole, "cubbyhole/"), make_entry(system, "sys/")};
}

Result<std::vector<Entry>> parse_table(ByteView stored) {
  json::Limits limits;
  limits.bytes_max = kTableBytesMax;
  APM_TRY(const json::Value value, json::parse(stored, limits));
  const json::Value* list = value.at("entries");
  if (list == nullptr || list->as_array() == nullptr || list->as_array()->size() > kMountsMax) {
    return Error(Code::kCorrupt, "mount_record", "the mount table is damaged");
  }
  std::vector<Entry> entries;
  for (const json::Value& item : *list->as_array()) {
    APM_TRY(Entry entry, from_json(item));
    entries.push_back(std::move(entry));
  }
  return entries;
}

Bytes write_table(const std::vector<Entry>& entries) {
  json::Array list;
  for (const Entry& entry : entries) list.emplace_back(to_json(entry));
  return to_bytes(json::write(json::Object{{"v", 1}, {"entries", std::move(list)}}));
}

Status check_spec(const MountSpec& spec) {
  if (spec.type.empty() || spec.type.size() > kMountPathBytesMax) {
    return Error(Code::kInvalidArgument, "mount_type", "the mount's type is missing or too long");
  }
  if (spec.description.size() > kDescriptionBytesMax || spec.options.size() > kOptionsMax) {
    return Error(Code::kTooLarge, "mount_size",
                 concat("a mount's description is at most ", kDescriptionBytesMax,
                        " bytes long and ", kOptionsMax, " options are accepted"));
  }
  return {};
}

}  // namespace

Table::Table(barrier::Barrier& barrier, Factories factories)
    : barrier_(barrier), factories_(std::move(factories)) {}
Table::~Table() = default;

barrier::View Table::view_of(Kind kind, const Entry& entry) const {
  return {barrier_, concat(kind == Kind::kSecret ? "logical/" : "auth/", entry.uuid, "/")};
}

Status Table::load() {
  const MutexLock changing(changing_);
  APM_TRY(Mounts secret, load_kind(Kind::kSecret));
  APM_TRY(Mounts auth, load_kind(Kind::kAuth));
  replace(Kind::kSecret, std::move(secret));
  replace(Kind::kAuth, std::move(auth));
  return {};
}

void Table::unload() {
  const MutexLock changing(changing_);
  replace(Kind::kSecret, {});
  replace(Kind::kAuth, {});
}

void Table::replace(Kind kind, Mounts mounts) {
  const WriterLock lock(mutex_);
  Mounts& own = kind == Kind::kSecret ? secret_ : auth_;
  own.swap(mounts);  // the old backends go after the lock, unless a request still holds one
}

Table::Mounts Table::copy_of(Kind kind) const {
  const ReaderLock lock(mutex_);
  return mounts(kind);
}

Result<Table::Mounts> Table::load_kind(Kind kind) {
  APM_TRY(std::vector<Entry> entries, read_or_make(kind));
  for (std::size_t i = 0; i < entries.size();) {
    if (!entries[i].tainted) {
      ++i;
      continue;
    }
    const Entry gone = entries[i];
    entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(i));
    APM_CHECK_OK(finish_removal(kind, gone, entries));
  }
  Mounts mounts;
  for (const Entry& entry : entries) {
    auto backend = build(kind, entry);
    if (!backend.ok()) return backend.error().within("loading the mount " + entry.path);
    mounts.push_back({entry, std::move(*backend)});
  }
  return mounts;
}

Result<std::vector<Entry>> Table::read_or_make(Kind kind) {
  APM_TRY(const std::optional<Bytes> stored, barrier_.get(record_path(kind)));
  if (stored) return parse_table(*stored);
  std::vector<Entry> entries = first_entries(kind);
  barrier::Change change;
  change.writes.push_back({record_path(kind), write_table(entries)});
  change.must_be_absent.push_back(record_path(kind));
  APM_CHECK_OK(barrier_.apply(change));
  return entries;
}

Result<std::shared_ptr<logical::Backend>> Table::build(Kind kind, const Entry& entry) {
  if (without_backend(entry)) return std::shared_ptr<logical::Backend>();
  const Factory& factory = kind == Kind::kSecret ? factories_.secret : factories_.auth;
  if (!factory) {
    return Error(Code::kInvalidArgument, "engine_unknown",
                 "plugin not found in the catalog: " + entry.type);
  }
  APM_TRY(std::unique_ptr<logical::Backend> backend, factory(entry, view_of(kind, entry)));
  return std::shared_ptr<logical::Backend>(std::move(backend));
}

Status Table::store(Kind kind, const std::vector<Entry>& entries) {
  return barrier_.put(record_path(kind), write_table(entries));
}

Status Table::finish_removal(Kind kind, const Entry& entry, const std::vector<Entry>& remaining) {
  APM_CHECK_OK(view_of(kind, entry).erase_all());
  return store(kind, remaining);
}

Status Table::check_free(Kind kind, const std::string& path) const {
  if (reserved(kind, path)) {
    return Error(Code::kConflict, "mount_in_use",
                 concat("path is already in use at ", path.substr(0, path.find('/') + 1)));
  }
  for (const Mounted& mounted : mounts(kind)) {
    if (path.starts_with(mounted.entry.path) || mounted.entry.path.starts_with(path)) {
      return Error(Code::kConflict, "mount_in_use",
                   concat("path is already in use at ", mounted.entry.path));
    }
  }
  if (mounts(kind).size() >= kMountsMax) {
    return Error(Code::kTooLarge, "mounts_too_many", concat("there are ", kMountsMax, " mounts"));
  }
  return {};
}

Status Table::enable(Kind kind, const MountSpec& spec) {
  APM_CHECK_OK(check_spec(spec));
  APM_TRY(std::string path, normalize_mount_path(spec.path));
  if (spec.type == "system" || spec.type == "token" || spec.type == "cubbyhole") {
    return Error(Code::kInvalidArgument, "mount_type",
                 "a mount of type \"" + spec.type + "\" exists once and cannot be added");
  }
  const MutexLock changing(changing_);
  {
    const ReaderLock lock(mutex_);
    APM_CHECK_OK(check_free(kind, path));
  }
  const Entry entry = make_entry(spec, std::move(path));
  APM_TRY(std::shared_ptr<logical::Backend> backend, build(kind, entry));

  Mounts next = copy_of(kind);
  next.push_back({entry, std::move(backend)});
  std::sort(next.begin(), next.end(),
            [](const Mounted& a, const Mounted& b) { return a.entry.path < b.entry.path; });
  std::vector<Entry> entries;
  for (const Mounted& mounted : next) entries.push_back(mounted.entry);
  APM_CHECK_OK(store(kind, entries));
  replace(kind, std::move(next));
  return {};
}

Status Table::disable(Kind kind, std::string_view path) {
  APM_TRY(const std::string wanted, normalize_mount_path(path));
  if (built_in(kind, wanted)) {
    return Error(Code::kInvalidArgument, "mount_built_in", "cannot unmount " + wanted);
  }
  const MutexLock changing(changing_);
  Mounts next;
  std::optional<Mounted> gone;
  std::vector<Entry> remaining;
  std::vector<Entry> marked;
  for (const Mounted& mounted : copy_of(kind)) {
    marked.push_back(mounted.entry);
    if (mounted.entry.path == wanted) {
      gone = mounted;
      marked.back().tainted = true;
      continue;
    }
    next.push_back(mounted);
    remaining.push_back(mounted.entry);
  }
  if (!gone) return {};
  // Marked first: whatever happens next, the mount is gone and its records will follow.
  APM_CHECK_OK(store(kind, marked));
  replace(kind, std::move(next));
  if (gone->backend) gone->backend->unmounted();
  return finish_removal(kind, gone->entry, remaining);
}

Status Table::tune(Kind kind, std::string_view path, const TuneSpec& spec) {
  APM_TRY(const std::string wanted, normalize_mount_path(path));
  if (spec.description && spec.description->size() > kDescriptionBytesMax) {
    return Error(Code::kTooLarge, "mount_size", "the description is too long");
  }
  const MutexLock changing(changing_);
  Mounts next = copy_of(kind);
  bool found = false;
  std::vector<Entry> entries;
  for (Mounted& mounted : next) {
    Entry& entry = mounted.entry;
    if (entry.path == wanted) {
      found = true;
      entry.description = spec.description.value_or(entry.description);
      entry.default_lease_ttl_s = spec.default_lease_ttl_s.value_or(entry.default_lease_ttl_s);
      entry.max_lease_ttl_s = spec.max_lease_ttl_s.value_or(entry.max_lease_ttl_s);
    }
    entries.push_back(entry);
  }
  if (!found) {
    return Error(Code::kNotFound, "mount_absent", concat("nothing is mounted at ", wanted));
  }
  APM_CHECK_OK(store(kind, entries));
  replace(kind, std::move(next));
  return {};
}

std::optional<Route> Table::route(std::string_view full_path) const {
  const bool is_auth = full_path.starts_with(kAuthPrefix);
  const Kind kind = is_auth ? Kind::kAuth : Kind::kSecret;
  const std::string_view below = is_auth ? full_path.substr(kAuthPrefix.size()) : full_path;
  const ReaderLock lock(mutex_);
  const Mounted* best = nullptr;
  for (const Mounted& mounted : mounts(kind)) {
    const std::string_view path = mounted.entry.path;
    // LIST of a mount's root may arrive without its slash.
    const bool matches = below.starts_with(path) || below == path.substr(0, path.size() - 1);
    if (matches && (best == nullptr || path.size() > best->entry.path.size())) best = &mounted;
  }
  if (best == nullptr) return std::nullopt;
  Route route;
  route.kind = kind;
  route.entry = best->entry;
  route.mount_path = concat(is_auth ? kAuthPrefix : "", best->entry.path);
  if (below.size() > best->entry.path.size()) route.rest = below.substr(best->entry.path.size());
  route.backend = best->backend;
  return route;
}

std::optional<Entry> Table::find(Kind kind, std::string_view path) const {
  const auto wanted = normalize_mount_path(path);
  if (!wanted.ok()) return std::nullopt;
  const ReaderLock lock(mutex_);
  for (const Mounted& mounted : mounts(kind)) {
    if (mounted.entry.path == *wanted) return mounted.entry;
  }
  return std::nullopt;
}

std::vector<Entry> Table::list(Kind kind) const {
  const ReaderLock lock(mutex_);
  std::vector<Entry> entries;
  for (const Mounted& mounted : mounts(kind)) entries.push_back(mounted.entry);
  return entries;
}

}  // namespace apm::mounts
