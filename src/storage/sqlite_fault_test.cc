// A full disk, input/output errors and short writes under SQLite: every call of the operating
// system that a commit makes is failed in turn. An error is answered, what was acknowledged stays,
// nothing is there in part, and the same store goes on when the fault is over.

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/mount.h>

#include <cstring>
#include <filesystem>

#include "base/text.h"
#include "storage/limits.h"
#include "storage/sqlite_store.h"
#include "storage/temp_dir.h"

namespace apm::storage {
namespace {

enum class Fault { kFull, kIo, kShortWrite, kSync };

// Which call of the file system fails. Set between commits, by the thread that commits.
struct Plan {
  Fault fault = Fault::kIo;
  int fail_from = 0;  // counts calls that the fault concerns, from 1; 0: none fails
  bool lasting = false;
  int calls = 0;
  int failed = 0;

  bool fails(bool sync) {
    if (fail_from == 0 || sync != (fault == Fault::kSync)) return false;
    ++calls;
    const bool now = lasting ? calls >= fail_from : calls == fail_from;
    failed += now ? 1 : 0;
    return now;
  }
};
Plan plan;

// SQLite's own file system with the plan's faults in front: its default while an instance lives.
class FaultyFileSystem {
 public:
  FaultyFileSystem() : real_(sqlite3_vfs_find(nullptr)) {
    vfs_ = *real_;
    vfs_.zName = "apm-faults";
    vfs_.pAppData = real_;
    vfs_.szOsFile = static_cast<int>(sizeof(File)) + real_->szOsFile;
    vfs_.xOpen = open;
    sqlite3_vfs_register(&vfs_, 1);
  }
  FaultyFileSystem(const FaultyFileSystem&) = delete;
  FaultyFileSystem& operator=(const FaultyFileSystem&) = delete;
  ~FaultyFileSystem() {
    sqlite3_vfs_unregister(&vfs_);
    sqlite3_vfs_register(real_, 1);
  }

 private:
  struct File {
    sqlite3_file base;
    sqlite3_io_methods methods;
  };
  static sqlite3_file* real(sqlite3_file* file) {
    return reinterpret_cast<sqlite3_file*>(reinterpret_cast<File*>(file) + 1);
  }
  // The real file's methods find it right behind ours: each one is passed on by its offset.
  static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out) {
    auto* inner = static_cast<sqlite3_vfs*>(vfs->pAppData);
    auto* ours = reinterpret_cast<File*>(file);
    ours->base.pMethods = nullptr;
    const int rc = inner->xOpen(inner, name, real(file), flags, out);
    if (rc != SQLITE_OK) return rc;
    fill(*ours, real(file)->pMethods->iVersion);
    ours->base.pMethods = &ours->methods;
    return SQLITE_OK;
  }
  static void fill(File& ours, int version);
  static int write(sqlite3_file* file, const void* data, int size, sqlite3_int64 at) {
    if (!plan.fails(false)) return real(file)->pMethods->xWrite(real(file), data, size, at);
    if (plan.fault == Fault::kShortWrite) {
      real(file)->pMethods->xWrite(real(file), data, size / 2, at);
      return SQLITE_IOERR_WRITE;
    }
    return plan.fault == Fault::kFull ? SQLITE_FULL : SQLITE_IOERR_WRITE;
  }
  static int sync(sqlite3_file* file, int flags) {
    if (plan.fails(true)) return SQLITE_IOERR_FSYNC;
    return real(file)->pMethods->xSync(real(file), flags);
  }

  sqlite3_vfs* real_;
  sqlite3_vfs vfs_{};
};

void FaultyFileSystem::fill(File& ours, int version) {
  sqlite3_io_methods& m = ours.methods;
  m = {};
  m.iVersion = version;
  m.xClose = [](sqlite3_file* f) { return real(f)->pMethods->xClose(real(f)); };
  m.xRead = [](sqlite3_file* f, void* to, int size, sqlite3_int64 at) {
    return real(f)->pMethods->xRead(real(f), to, size, at);
  };
  m.xWrite = write;
  m.xSync = sync;
  m.xTruncate = [](sqlite3_file* f, sqlite3_int64 n) {
    return real(f)->pMethods->xTruncate(real(f), n);
  };
  m.xFileSize = [](sqlite3_file* f, sqlite3_int64* n) {
    return real(f)->pMethods->xFileSize(real(f), n);
  };
  m.xLock = [](sqlite3_file* f, int how) { return real(f)->pMethods->xLock(real(f), how); };
  m.xUnlock = [](sqlite3_file* f, int how) { return real(f)->pMethods->xUnlock(real(f), how); };
  m.xCheckReservedLock = [](sqlite3_file* f, int* out) {
    return real(f)->pMethods->xCheckReservedLock(real(f), out);
  };
  m.xFileControl = [](sqlite3_file* f, int op, void* arg) {
    return real(f)->pMethods->xFileControl(real(f), op, arg);
  };
  m.xSectorSize = [](sqlite3_file* f) { return real(f)->pMethods->xSectorSize(real(f)); };
  m.xDeviceCharacteristics = [](sqlite3_file* f) {
    return real(f)->pMethods->xDeviceCharacteristics(real(f));
  };
  m.xShmMap = [](sqlite3_file* f, int page, int size, int extend, void volatile** out) {
    return real(f)->pMethods->xShmMap(real(f), page, size, extend, out);
  };
  m.xShmLock = [](sqlite3_file* f, int offset, int n, int flags) {
    return real(f)->pMethods->xShmLock(real(f), offset, n, flags);
  };
  m.xShmBarrier = [](sqlite3_file* f) { real(f)->pMethods->xShmBarrier(real(f)); };
  m.xShmUnmap = [](sqlite3_file* f, int remove) {
    return real(f)->pMethods->xShmUnmap(real(f), remove);
  };
  m.xFetch = [](sqlite3_file* f, sqlite3_int64 at, int n, void** out) {
    return real(f)->pMethods->xFetch(real(f), at, n, out);
  };
  m.xUnfetch = [](sqlite3_file* f, sqlite3_int64 at, void* page) {
    return real(f)->pMethods->xUnfetch(real(f), at, page);
  };
}

struct Opened {
  std::unique_ptr<Store> store;
  std::unique_ptr<Lease> lease;  // ends first

  void close() {
    lease.reset();
    store.reset();
  }
};

Opened open(const std::string& path) {
  Opened out;
  auto store = open_sqlite_store(path);
  EXPECT_TRUE(store.ok()) << store.error().message;
  if (!store.ok()) return out;
  out.store = std::move(*store);
  auto lease = out.store->acquire_lease("test", Deadline::after(Milliseconds(0)));
  EXPECT_TRUE(lease.ok()) << lease.error().message;
  if (lease.ok()) out.lease = std::move(*lease);
  return out;
}

// Change i sets three twins, of several pages that all change, to i.
Batch change(int i) {
  const std::string filler(9000, static_cast<char>('a' + i % 26));
  Batch batch;
  for (const char* twin : {"a", "b/c", "d"}) {
    batch.puts.push_back({twin, to_bytes(std::string_view(concat(i, ";", filler)))});
  }
  return batch;
}

int seen(Store& store) {
  int common = -1;
  for (const char* twin : {"a", "b/c", "d"}) {
    const auto value = store.get(twin);
    EXPECT_TRUE(value.ok()) << value.error().message;
    if (!value.ok()) return -2;
    int number = 0;
    if (*value) {
      const std::string_view text = as_text(**value);
      number = static_cast<int>(parse_u64(text.substr(0, text.find(';'))).value_or(0));
    }
    EXPECT_TRUE(common == -1 || common == number) << "half a batch: " << common << ", " << number;
    common = number;
  }
  return common;
}

struct Sweep {
  Fault fault;
  bool lasting;
  const char* name;
};

class SqliteFaults : public testing::TestWithParam<Sweep> {
 protected:
  void TearDown() override { plan = {}; }

  // Commits under a fault at call `fail_from`; false when the commits ended before that call.
  bool round(const std::string& path, int fail_from) {
    Opened opened = open(path);
    int last = seen(*opened.store);
    plan = {GetParam().fault, fail_from, GetParam().lasting, 0, 0};
    int refused = 0;
    for (int i = 0; i < 3; ++i) {
      const Status done = opened.store->commit(change(last + 1));
      if (done.ok()) {
        ++last;
        continue;
      }
      ++refused;
      EXPECT_TRUE(done.error().reason == "store_io") << done.error().reason;
      const int found = seen(*opened.store);
      EXPECT_TRUE(found == last || found == last + 1) << found << " after " << last;
      last = found;
    }
    const bool reached = plan.failed > 0;
    // A checkpoint that fails leaves the log as it is: no commit has to fail then.
    failures_ += refused;
    plan = {};
    EXPECT_TRUE(opened.store->commit(change(last + 1)).ok()) << "the fault is over";
    EXPECT_EQ(seen(*opened.store), last + 1);
    opened.close();
    EXPECT_EQ(seen(*open(path).store), last + 1) << "after opening again";
    return reached;
  }

  FaultyFileSystem faulty_;
  TempDir dir_;
  int failures_ = 0;
};

TEST_P(SqliteFaults, AreAnsweredAndLoseNothing) {
  int rounds = 0;
  while (round(dir_.file("store.db"), rounds + 1)) {
    ++rounds;
    if (HasFailure()) FAIL() << "at call " << rounds;
  }
  const bool sync = GetParam().fault == Fault::kSync;
  EXPECT_GE(rounds, sync ? 3 : 30);
  EXPECT_GE(failures_, rounds);
  RecordProperty("rounds", rounds);
  RecordProperty("failed_commits", failures_);
}

INSTANTIATE_TEST_SUITE_P(Each, SqliteFaults,
                         testing::Values(Sweep{Fault::kFull, true, "DiskFull"},
                                         Sweep{Fault::kFull, false, "DiskFullOnce"},
                                         Sweep{Fault::kIo, true, "WriteError"},
                                         Sweep{Fault::kIo, false, "WriteErrorOnce"},
                                         Sweep{Fault::kShortWrite, true, "ShortWrite"},
                                         Sweep{Fault::kShortWrite, false, "ShortWriteOnce"},
                                         Sweep{Fault::kSync, true, "SyncError"},
                                         Sweep{Fault::kSync, false, "SyncErrorOnce"}),
                         [](const auto& param) { return std::string(param.param.name); });

// A file system of the kernel's that is full in fact.
TEST(SqliteFull, ASmallFileSystemFillsUpAndIsUsableAgain) {
  const TempDir dir;
  if (::mount("tmpfs", dir.path().c_str(), "tmpfs", 0, "size=4m") != 0) {
    GTEST_SKIP() << "mounting a small file system: " << std::strerror(errno);
  }
  {
    Opened opened = open(dir.file("store.db"));
    int stored = 0;
    Status done;
    while (stored < 100'000 && done.ok()) {
      Batch batch;
      batch.puts.push_back({concat("fill/", stored), Bytes(60'000, 7)});
      batch.puts.push_back({"count", to_bytes(std::string_view(concat(stored + 1)))});
      done = opened.store->commit(batch);
      if (done.ok()) ++stored;
    }
    ASSERT_FALSE(done.ok());
    EXPECT_EQ(done.error().reason, "store_io");
    EXPECT_TRUE(done.error().message.find("full") != std::string::npos) << done.error().message;
    EXPECT_GT(stored, 5);
    EXPECT_EQ(**opened.store->get("count"), to_bytes(std::string_view(concat(stored))));
    EXPECT_EQ(opened.store->list("fill/")->size(), static_cast<std::size_t>(stored));
    ASSERT_EQ(::mount("tmpfs", dir.path().c_str(), "tmpfs", MS_REMOUNT, "size=64m"), 0);
    EXPECT_TRUE(opened.store->commit(change(1)).ok());
    opened.close();
    EXPECT_EQ(open(dir.file("store.db")).store->list("fill/")->size(),
              static_cast<std::size_t>(stored));
  }
  EXPECT_EQ(::umount(dir.path().c_str()), 0);
}

}  // namespace
}  // namespace apm::storage
