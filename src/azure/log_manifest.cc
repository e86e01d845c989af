#include "azure/log_manifest.h"

#include <algorithm>

#include "azure/limits.h"
#include "base/byte_reader.h"
#include "base/text.h"
#include "crypto/digest.h"

namespace apm::azure {
namespace {

constexpr std::string_view kMagic = "APMM";
constexpr std::uint8_t kFormat = 1;
constexpr std::size_t kHashBytes = 32;

Error damaged(std::string_view what) {
  return {Code::kCorrupt, "azure_manifest_damaged",
          concat("the manifest of the commit log is damaged: ", what, ". Restore the container")};
}

void append_text(Bytes& out, std::string_view text) {
  append_u32_be(out, static_cast<std::uint32_t>(text.size()));
  append(out, text);
}

void append_head(Bytes& out, const LogHead& head) {
  append_u64_be(out, head.sequence);
  append(out, ByteView(head.hash));
}

std::string read_text(ByteReader& reader) {
  return std::string(as_text(reader.take(reader.u32_be())));
}

LogHead read_head(ByteReader& reader) {
  LogHead head;
  head.sequence = reader.u64_be();
  const ByteView hash = reader.take(kHashBytes);
  std::copy(hash.begin(), hash.end(), head.hash.begin());
  return head;
}

Result<Manifest> read_fields(ByteView body) {
  ByteReader reader(body);
  if (reader.u8() != kFormat) {
    return Error(Code::kUnsupported, "azure_log_format",
                 "the commit log's manifest has a format of a newer program; run that one");
  }
  Manifest out;
  out.epoch = reader.u64_be();
  out.owner = read_text(reader);
  out.checkpoint = read_text(reader);
  out.checkpoint_epoch = reader.u64_be();
  out.checkpoint_head = read_head(reader);
  out.segment = read_text(reader);
  out.segment_epoch = reader.u64_be();
  out.start = read_head(reader);
  const std::uint32_t unused = reader.u32_be();
  if (unused > kManifestNamesMax) return damaged("it names too many blobs");
  for (std::uint32_t i = 0; i < unused && reader.ok(); ++i) {
    out.unused.push_back(read_text(reader));
  }
  if (!reader.finish()) return damaged("its fields do not fill it");
  return out;
}

}  // namespace

Result<Bytes> encode_manifest(const Manifest& manifest) {
  if (manifest.unused.size() > kManifestNamesMax) {
    return Error(Code::kTooLarge, "azure_manifest",
                 concat("more than ", kManifestNamesMax,
                        " old blobs of the commit log could not be deleted. Give this server the "
                        "right to delete blobs in its container"));
  }
  Bytes body = {kFormat};
  append_u64_be(body, manifest.epoch);
  append_text(body, manifest.owner);
  append_text(body, manifest.checkpoint);
  append_u64_be(body, manifest.checkpoint_epoch);
  append_head(body, manifest.checkpoint_head);
  append_text(body, manifest.segment);
  append_u64_be(body, manifest.segment_epoch);
  append_head(body, manifest.start);
  append_u32_be(body, static_cast<std::uint32_t>(manifest.unused.size()));
  for (const std::string& name : manifest.unused) append_text(body, name);
  Bytes out = to_bytes(kMagic);
  append(out, body);
  append(out, crypto::sha256(out));
  return out;
}

Result<Manifest> decode_manifest(ByteView bytes) {
  if (bytes.size() < kMagic.size() + kHashBytes) return damaged("it is too short");
  const ByteView covered = bytes.first(bytes.size() - kHashBytes);
  if (!equal(covered.first(kMagic.size()), as_bytes(kMagic))) {
    return damaged("it does not begin as a manifest");
  }
  if (!equal(bytes.last(kHashBytes), crypto::sha256(covered))) {
    return damaged("its hash does not fit its bytes");
  }
  return read_fields(covered.subspan(kMagic.size()));
}

}  // namespace apm::azure
