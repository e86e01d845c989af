#pragma once

// Snapshots through the API, for tests: saved whole, and sent piece by piece.

#include <algorithm>
#include <string>

#include "api/api_fixture.h"
#include "api/limits.h"
#include "base/encoding.h"

namespace apm::api {

inline std::string text(const Reply& reply, std::string_view name) {
  const json::Value* value = reply.data(name);
  return value == nullptr || value->as_string() == nullptr ? "" : *value->as_string();
}

inline Bytes save(Server& from) {
  const Reply begun = from.ask("POST", "sys/apm/snapshot/save");
  EXPECT_EQ(begun.status, 200) << begun.error();
  const std::string id = text(begun, "id");
  Bytes file;
  for (int piece = 0;; ++piece) {
    const Reply got =
        from.ask("POST", "sys/apm/snapshot/save/" + id, concat(R"({"piece":)", piece, "}"));
    EXPECT_EQ(got.status, 200) << got.error();
    if (got.status != 200) return file;
    append(file, *base64_decode(text(got, "data")));
    if (*got.data("last")->as_bool()) return file;
  }
}

inline Reply send_piece(Server& to, const std::string& id, std::size_t piece, const Bytes& data) {
  return to.ask("POST", "sys/apm/snapshot/restore/" + id,
                concat(R"({"piece":)", piece, R"(,"data":")", base64_encode(data), "\"}"));
}

// The id of the restore, ready to be committed.
inline std::string upload_to(Server& to, const Bytes& file) {
  const std::string id = text(to.ask("POST", "sys/apm/snapshot/restore"), "id");
  for (std::size_t at = 0, piece = 0; at < file.size(); at += kSnapshotPieceBytes, ++piece) {
    const std::size_t end = std::min(file.size(), at + kSnapshotPieceBytes);
    const Bytes part(file.begin() + static_cast<std::ptrdiff_t>(at),
                     file.begin() + static_cast<std::ptrdiff_t>(end));
    const Reply sent = send_piece(to, id, piece, part);
    EXPECT_EQ(sent.status, 204) << sent.error();
  }
  return id;
}

}  // namespace apm::api
