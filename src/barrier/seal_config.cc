#include "barrier/seal_config.h"

#include <algorithm>

#include "barrier/limits.h"
#include "base/text.h"

namespace apm::barrier {
namespace {

constexpr std::int64_t kSealConfigFormat = 1;
constexpr std::int64_t kJournalFormat = 1;
constexpr std::size_t kStoreIdSize = 32;

Error bad_config(std::string_view why) {
  return Error(Code::kCorrupt, "seal_config_malformed",
               concat("core/seal-config ", why, "; restore the store from a backup"));
}

bool is_store_id(std::string_view text) {
  return text.size() == kStoreIdSize &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::optional<unsigned> count_at(const json::Value& document, std::string_view name) {
  const json::Value* value = document.at(name);
  const auto number = value == nullptr ? std::nullopt : value->as_uint();
  if (!number || *number > 255) return std::nullopt;
  return static_cast<unsigned>(*number);
}

std::optional<std::int64_t> int_at(const json::Value& document, std::string_view name) {
  const json::Value* value = document.at(name);
  return value == nullptr ? std::nullopt : value->as_int();
}

std::optional<StoreKind> kind_at(const json::Value& document) {
  const std::string* name = document.string_at("kind");
  if (name == nullptr) return std::nullopt;
  if (*name == kind_name(StoreKind::kProduction)) return StoreKind::kProduction;
  if (*name == kind_name(StoreKind::kTest)) return StoreKind::kTest;
  return std::nullopt;
}

}  // namespace

std::string_view kind_name(StoreKind kind) {
  switch (kind) {
    case StoreKind::kProduction: return "production";
    case StoreKind::kTest: return "test";
  }
  return "production";
}

bool is_own_path(std::string_view path) {
  return path == kSealConfigPath || path == kJournalPath || path == kRootKeyPath ||
         path == kKeyringPath || path == kIncompletePath;
}

json::Object seal_config_to_json(const SealConfig& config) {
  return json::Object{{"format", kSealConfigFormat},
                      {"store_id", config.store_id},
                      {"kind", kind_name(config.kind)},
                      {"shares", config.scheme.shares},
                      {"threshold", config.scheme.threshold},
                      {"created_unix_s", config.created_unix_s},
                      {"custody", config.custody}};
}

Result<SealConfig> seal_config_from_json(const json::Value& document) {
  const json::Object* object = document.as_object();
  if (object == nullptr || object->size() != 7) return bad_config("has not the known members");
  if (int_at(document, "format") != kSealConfigFormat) return bad_config("has an unknown format");
  SealConfig config;
  const std::string* store_id = document.string_at("store_id");
  if (store_id == nullptr || !is_store_id(*store_id)) return bad_config("has no valid store_id");
  config.store_id = *store_id;
  const auto kind = kind_at(document);
  if (!kind) return bad_config("has no valid kind");
  config.kind = *kind;
  const auto shares = count_at(document, "shares");
  const auto threshold = count_at(document, "threshold");
  if (!shares || !threshold) return bad_config("has no valid shares and threshold");
  config.scheme = {*shares, *threshold};
  if (!shamir::check(config.scheme).ok()) return bad_config("has no valid shares and threshold");
  const auto created = int_at(document, "created_unix_s");
  if (!created) return bad_config("has no valid created_unix_s");
  config.created_unix_s = *created;
  const json::Value* custody = document.at("custody");
  if (custody == nullptr || custody->as_object() == nullptr) return bad_config("has no custody");
  config.custody = *custody->as_object();
  return config;
}

Result<SealConfig> parse_seal_config(ByteView text) {
  json::Limits limits;
  limits.bytes_max = kSealConfigBytesMax;
  const Result<json::Value> document = json::parse(text, limits);
  if (!document.ok()) return bad_config("is not valid JSON: " + document.error().message);
  return seal_config_from_json(*document);
}

Bytes journal_text(const std::string& store_id) {
  return to_bytes(std::string_view(
      json::write(json::Object{{"format", kJournalFormat}, {"store_id", store_id}})));
}

Result<std::string> parse_journal(ByteView text) {
  const Result<json::Value> document = json::parse(text);
  const std::string* store_id = document.ok() ? document->string_at("store_id") : nullptr;
  if (store_id == nullptr || !is_store_id(*store_id) || !equal(journal_text(*store_id), text)) {
    return Error(Code::kCorrupt, "journal_malformed",
                 "core/journal is not a journal of an initialisation; if nothing was ever kept "
                 "in this store, empty it and start again");
  }
  return *store_id;
}

}  // namespace apm::barrier
