#include "expiry/token_index.h"

#include "expiry/limits.h"
#include "expiry/token_record.h"

namespace apm::expiry {

std::int64_t TokenIndex::end_of(const TokenEntry& entry) {
  if (entry.revoked || (entry.limited && entry.uses_left == 0)) return 1;
  return entry.expires_unix_s;
}

void TokenIndex::put(TokenEntry entry) {
  remove(entry.id);
  by_accessor_[entry.accessor] = entry.id;
  if (!entry.parent.empty()) children_[entry.parent].insert(entry.id);
  if (end_of(entry) != 0) ends_.insert({end_of(entry), entry.id});
  std::string id = entry.id;
  by_id_.insert_or_assign(std::move(id), std::move(entry));
}

void TokenIndex::remove(const std::string& id) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return;
  const TokenEntry& entry = found->second;
  by_accessor_.erase(entry.accessor);
  if (const auto siblings = children_.find(entry.parent); siblings != children_.end()) {
    siblings->second.erase(id);
    if (siblings->second.empty()) children_.erase(siblings);
  }
  ends_.erase({end_of(entry), id});
  by_id_.erase(found);
}

void TokenIndex::clear() {
  by_id_.clear();
  by_accessor_.clear();
  children_.clear();
  ends_.clear();
}

const TokenEntry* TokenIndex::find(const std::string& id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &found->second;
}

const TokenEntry* TokenIndex::find_by_accessor(const std::string& accessor) const {
  const auto found = by_accessor_.find(accessor);
  return found == by_accessor_.end() ? nullptr : find(found->second);
}

std::vector<std::string> TokenIndex::children(const std::string& id) const {
  const auto found = children_.find(id);
  if (found == children_.end()) return {};
  return {found->second.begin(), found->second.end()};
}

std::vector<std::string> TokenIndex::tree(const std::string& id) const {
  std::vector<std::string> ids{id};
  for (std::size_t i = 0; i < ids.size(); ++i) {
    for (std::string& child : children(ids[i])) ids.push_back(std::move(child));
  }
  return ids;
}

std::vector<std::string> TokenIndex::ended(std::int64_t now_unix_s, std::size_t max) const {
  std::vector<std::string> ids;
  for (const auto& [end, id] : ends_) {
    if (end > now_unix_s || ids.size() == max) break;
    ids.push_back(id);
  }
  return ids;
}

std::vector<std::string> TokenIndex::strays() const {
  std::vector<std::string> ids;
  for (const auto& [id, entry] : by_id_) {
    if (!entry.parent.empty() && find(entry.parent) == nullptr) ids.push_back(id);
  }
  return ids;
}

bool TokenIndex::alive(const TokenEntry& entry, std::int64_t now_unix_s) const {
  const TokenEntry* at = &entry;
  for (std::size_t depth = 0; depth <= kTreeDepthMax; ++depth) {
    if (is_over(*at, now_unix_s)) return false;
    if (at->parent.empty()) return true;
    at = find(at->parent);
    if (at == nullptr) return false;
  }
  return false;
}

std::size_t TokenIndex::depth(const std::string& id) const {
  std::size_t depth = 0;
  const TokenEntry* at = find(id);
  while (at != nullptr && !at->parent.empty() && depth <= kTreeDepthMax) {
    at = find(at->parent);
    ++depth;
  }
  return depth;
}

}  // namespace apm::expiry
