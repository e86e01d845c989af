#pragma once

// The file of a SqliteStore: making it, knowing it again, its schema, and connections to it with
// their statements. Used by sqlite_store.cc alone.

#include <sys/stat.h>

#include <string>

#include "base/result.h"
#include "storage/sqlite_connection.h"

namespace apm::storage {

struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  bool operator==(const FileIdentity&) const = default;
};

struct SqliteReader {
  SqliteConnection connection;
  SqliteStatement get;
  SqliteStatement range;
  SqliteStatement lease;  // owner, epoch
};

struct SqliteWriter {
  SqliteConnection connection;
  SqliteStatement get;
  SqliteStatement put;
  SqliteStatement erase;
  SqliteStatement epoch;
  SqliteStatement take_lease;  // ?1: the owner
};

// Created empty with its mode, before SQLite sees it. A file that exists is never opened here:
// closing a descriptor of it would drop the locks of another store on it in this process.
[[nodiscard]] Status create_if_absent(const std::string& path);
[[nodiscard]] Result<FileIdentity> identify(const std::string& path);  // kRefused "store_mode"
[[nodiscard]] Status check_same_file(const std::string& path, const FileIdentity& identity);

[[nodiscard]] Result<SqliteWriter> open_writer(const std::string& path);  // makes the schema
[[nodiscard]] Result<SqliteReader> open_reader(const std::string& path);

}  // namespace apm::storage
