#pragma once

// The two documents that a sealed store shows: core/seal-config and core/journal, as JSON
// (docs/formats/seal.md). Pure; any thread. Malformed: kCorrupt "seal_config_malformed" or
// "journal_malformed". Members that are not known are refused.

#include "barrier/barrier.h"

namespace apm::barrier {

inline constexpr std::string_view kSealConfigPath = "core/seal-config";
inline constexpr std::string_view kJournalPath = "core/journal";
inline constexpr std::string_view kRootKeyPath = "core/root-key";
inline constexpr std::string_view kKeyringPath = "core/keyring";
// There while the content of the store is being replaced. What is in such a store is not a store:
// part of it is new, part of it is old.
inline constexpr std::string_view kIncompletePath = "core/incomplete";

// True for the five paths above: the barrier's own, closed to its callers.
[[nodiscard]] bool is_own_path(std::string_view path);

[[nodiscard]] json::Object seal_config_to_json(const SealConfig& config);
[[nodiscard]] Result<SealConfig> seal_config_from_json(const json::Value& document);
[[nodiscard]] Result<SealConfig> parse_seal_config(ByteView text);

[[nodiscard]] Bytes journal_text(const std::string& store_id);
[[nodiscard]] Result<std::string> parse_journal(ByteView text);  // the store id

}  // namespace apm::barrier
