#include "snapshot/format.h"

#include "base/text.h"
#include "crypto/digest.h"
#include "snapshot/limits.h"

namespace apm::snapshot {
namespace {

constexpr std::size_t kMembers = 5;
constexpr std::size_t kStoreIdSize = 32;
constexpr std::size_t kTypeBytesMax = 64;

Error bad_header() {
  return Error(Code::kInvalidArgument, "snapshot_header",
               "the snapshot's header is malformed: the file is damaged; use another copy");
}

bool is_store_id(std::string_view text) {
  return text.size() == kStoreIdSize &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::optional<barrier::StoreKind> kind_of(const std::string* name) {
  for (const auto kind : {barrier::StoreKind::kProduction, barrier::StoreKind::kTest}) {
    if (name != nullptr && *name == barrier::kind_name(kind)) return kind;
  }
  return std::nullopt;
}

}  // namespace

Bytes header_bytes(const Header& header) {
  return to_bytes(
      std::string_view(json::write(json::Object{{"store_id", header.store_id},
                                                {"store_kind", barrier::kind_name(header.kind)},
                                                {"epoch", header.epoch},
                                                {"created_unix_s", header.created_unix_s},
                                                {"storage_type", header.storage_type}})));
}

Result<Header> parse_header(ByteView text) {
  const auto parsed = json::parse(text, {.bytes_max = kHeaderBytesMax, .depth_max = 2});
  if (!parsed.ok() || parsed->as_object() == nullptr) return bad_header();
  if (parsed->as_object()->size() != kMembers) return bad_header();
  const std::string* store_id = parsed->string_at("store_id");
  const auto kind = kind_of(parsed->string_at("store_kind"));
  const std::string* type = parsed->string_at("storage_type");
  const json::Value* epoch = parsed->at("epoch");
  const json::Value* created = parsed->at("created_unix_s");
  if (store_id == nullptr || !is_store_id(*store_id) || !kind || type == nullptr ||
      type->size() > kTypeBytesMax || epoch == nullptr || !epoch->as_uint() || created == nullptr ||
      !created->as_int()) {
    return bad_header();
  }
  return Header{*store_id, *kind, *epoch->as_uint(), *created->as_int(), *type};
}

Bytes mac_of(const crypto::SecretBytes& key, ByteView body_digest) {
  return crypto::hmac_sha256(key.view(), {as_bytes(kMacLabel), body_digest});
}

}  // namespace apm::snapshot
