#pragma once

// Every token record in memory, by id, accessor, parent and end. No locking and no storage of its
// own: the TokenStore's lock guards it.

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "expiry/token_store.h"

namespace apm::expiry {

class TokenIndex {
 public:
  void put(TokenEntry entry);  // adds or replaces
  void remove(const std::string& id);
  void clear();

  [[nodiscard]] const TokenEntry* find(const std::string& id) const;
  [[nodiscard]] const TokenEntry* find_by_accessor(const std::string& accessor) const;
  [[nodiscard]] std::vector<std::string> children(const std::string& id) const;
  // The token and all its descendants, parents before children.
  [[nodiscard]] std::vector<std::string> tree(const std::string& id) const;
  // Ids of tokens that are over by themselves, the earliest first.
  [[nodiscard]] std::vector<std::string> ended(std::int64_t now_unix_s, std::size_t max) const;
  // Ids whose parent does not exist.
  [[nodiscard]] std::vector<std::string> strays() const;
  // Neither the token nor an ancestor is over or missing.
  [[nodiscard]] bool alive(const TokenEntry& entry, std::int64_t now_unix_s) const;
  [[nodiscard]] std::size_t depth(const std::string& id) const;  // ancestors
  [[nodiscard]] std::size_t size() const { return by_id_.size(); }
  [[nodiscard]] const std::unordered_map<std::string, TokenEntry>& all() const { return by_id_; }

 private:
  using End = std::pair<std::int64_t, std::string>;
  [[nodiscard]] static std::int64_t end_of(const TokenEntry& entry);  // 0: never

  std::unordered_map<std::string, TokenEntry> by_id_;
  std::unordered_map<std::string, std::string> by_accessor_;
  std::map<std::string, std::set<std::string>> children_;
  std::set<End> ends_;
};

}  // namespace apm::expiry
