#pragma once

// What is mounted where: secret engines below "<path>/", login methods below "auth/<path>/". The
// tables are the records core/mounts and core/auth; a mount's own records stand below
// logical/<uuid>/ or auth/<uuid>/.
//
// Built in, and not to be removed: cubbyhole/ (an engine), sys/ and auth/token/ (served by the API
// itself: their entries have no backend). Factories make the backends, so that this folder knows no
// particular one. A backend stays alive as long as a request holds its route. Any thread may call.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "barrier/barrier.h"
#include "base/mutex.h"
#include "base/result.h"
#include "logical/backend.h"
#include "mounts/entry.h"

namespace apm::mounts {

// Called with the barrier unsealed. kInvalidArgument for a type that it does not know.
using Factory = std::function<Result<std::unique_ptr<logical::Backend>>(const Entry& entry,
                                                                        barrier::View view)>;

struct Factories {
  Factory secret;
  Factory auth;
};

// What an operator asks for.
struct MountSpec {
  std::string path;
  std::string type;
  std::string description;
  std::map<std::string, std::string> options;
  std::uint64_t default_lease_ttl_s = 0;
  std::uint64_t max_lease_ttl_s = 0;
};

struct TuneSpec {
  std::optional<std::string> description;
  std::optional<std::uint64_t> default_lease_ttl_s;
  std::optional<std::uint64_t> max_lease_ttl_s;
};

struct Route {
  Kind kind = Kind::kSecret;
  Entry entry;
  std::string mount_path;                     // from the root: "anjuna/", "auth/apm/"
  std::string rest;                           // below the mount
  std::shared_ptr<logical::Backend> backend;  // nullptr: the API serves it
};

class Table {
 public:
  Table(barrier::Barrier& barrier, Factories factories);
  ~Table();

  // Reads both tables (makes them in a fresh store) and builds the backends; finishes removals that
  // were interrupted. The barrier must be unsealed. unload() drops every backend.
  [[nodiscard]] Status load();
  void unload();

  // kConflict "mount_in_use" ("path is already in use at X/"), kInvalidArgument "mount_path" or
  // the factory's refusal. On any error nothing is mounted.
  [[nodiscard]] Status enable(Kind kind, const MountSpec& spec);
  // Removes the mount and everything that it stored. Absent is fine. kInvalidArgument
  // "mount_built_in".
  [[nodiscard]] Status disable(Kind kind, std::string_view path);
  [[nodiscard]] Status tune(Kind kind, std::string_view path, const TuneSpec& spec);  // kNotFound

  // The mount that owns a canonical request path, the longest one first; nothing when there is
  // none.
  [[nodiscard]] std::optional<Route> route(std::string_view full_path) const;
  [[nodiscard]] std::optional<Entry> find(Kind kind, std::string_view path) const;
  [[nodiscard]] std::vector<Entry> list(Kind kind) const;  // by path
  // The mount's part of the barrier.
  [[nodiscard]] barrier::View view_of(Kind kind, const Entry& entry) const;

 private:
  struct Mounted {
    Entry entry;
    std::shared_ptr<logical::Backend> backend;
  };
  using Mounts = std::vector<Mounted>;  // sorted by path

  [[nodiscard]] Result<Mounts> load_kind(Kind kind);
  [[nodiscard]] Result<std::vector<Entry>> read_or_make(Kind kind);
  [[nodiscard]] Result<std::shared_ptr<logical::Backend>> build(Kind kind, const Entry& entry);
  [[nodiscard]] Status check_free(Kind kind, const std::string& path) const
      APM_REQUIRES_SHARED(mutex_);
  [[nodiscard]] Status store(Kind kind, const std::vector<Entry>& entries);
  [[nodiscard]] Status finish_removal(Kind kind, const Entry& entry,
                                      const std::vector<Entry>& remaining);
  void replace(Kind kind, Mounts mounts) APM_REQUIRES(changing_);
  [[nodiscard]] Mounts copy_of(Kind kind) const;
  [[nodiscard]] const Mounts& mounts(Kind kind) const APM_REQUIRES_SHARED(mutex_) {
    return kind == Kind::kSecret ? secret_ : auth_;
  }

  barrier::Barrier& barrier_;
  Factories factories_;
  Mutex changing_;  // held over storage and memory, so that they agree
  mutable SharedMutex mutex_;
  Mounts secret_ APM_GUARDED_BY(mutex_);
  Mounts auth_ APM_GUARDED_BY(mutex_);
};

}  // namespace apm::mounts
