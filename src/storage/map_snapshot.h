#pragma once

// The snapshot of a store that keeps its content in memory: a copy of it.

#include <map>

#include "storage/store.h"

namespace apm::storage {

class MapSnapshot final : public Snapshot {
 public:
  explicit MapSnapshot(std::map<std::string, Bytes> content) : content_(std::move(content)) {}
  [[nodiscard]] Result<std::optional<Put>> next() override {
    if (content_.empty()) return std::optional<Put>();
    auto first = content_.extract(content_.begin());
    return std::optional<Put>(Put{std::move(first.key()), std::move(first.mapped())});
  }

 private:
  std::map<std::string, Bytes> content_;
};

}  // namespace apm::storage
