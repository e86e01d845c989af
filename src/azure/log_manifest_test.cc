#include "azure/log_manifest.h"

#include <gtest/gtest.h>

#include "azure/limits.h"
#include "base/text.h"
#include "crypto/digest.h"

namespace apm::azure {
namespace {

Manifest sample() {
  Manifest out;
  out.epoch = 7;
  out.owner = "node one";
  out.checkpoint = "apm/checkpoint/7-x";
  out.checkpoint_epoch = 7;
  out.checkpoint_head = {3, {1, 2}};
  out.segment = "apm/segment/7-y";
  out.segment_epoch = 7;
  out.start = {41, {3, 4}};
  out.unused = {"apm/segment/6-z"};
  return out;
}

std::string reason(const Result<Manifest>& decoded) {
  return decoded.ok() ? "" : decoded.error().reason;
}

// With a hash that fits: what is behind it is judged.
Bytes sealed(Bytes bytes) {
  bytes.resize(bytes.size() - 32);
  append(bytes, crypto::sha256(bytes));
  return bytes;
}

TEST(LogManifestTest, DecodesWhatWasEncoded) {
  for (const Manifest& manifest : {Manifest(), sample()}) {
    const auto decoded = decode_manifest(*encode_manifest(manifest));
    ASSERT_TRUE(decoded.ok()) << decoded.error().message;
    EXPECT_EQ(*decoded, manifest);
  }
}

TEST(LogManifestTest, EveryFlippedBitAndEveryCutIsDamage) {
  const Bytes good = *encode_manifest(sample());
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes bad = good;
    bad[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    EXPECT_EQ(reason(decode_manifest(bad)), "azure_manifest_damaged") << bit;
  }
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_EQ(reason(decode_manifest(ByteView(good).first(size))), "azure_manifest_damaged");
  }
}

TEST(LogManifestTest, FieldsMustFillIt) {
  Bytes longer = *encode_manifest(sample());
  longer.insert(longer.end() - 32, 0);
  EXPECT_EQ(reason(decode_manifest(sealed(longer))), "azure_manifest_damaged");
}

TEST(LogManifestTest, ANewerFormatIsNotDamage) {
  Bytes newer = *encode_manifest(sample());
  newer[4] = 2;
  EXPECT_EQ(reason(decode_manifest(sealed(newer))), "azure_log_format");
}

TEST(LogManifestTest, UnusedNamesHaveALimit) {
  Manifest manifest = sample();
  manifest.unused.assign(kManifestNamesMax, "x");
  EXPECT_TRUE(encode_manifest(manifest).ok());
  manifest.unused.emplace_back("x");
  EXPECT_EQ(encode_manifest(manifest).error().reason, "azure_manifest");
}

}  // namespace
}  // namespace apm::azure
