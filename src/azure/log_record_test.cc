#include "azure/log_record.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "azure/limits.h"
#include "base/encoding.h"
#include "crypto/digest.h"

namespace apm::azure {
namespace {

EncodedRecord record(std::uint64_t epoch, const LogHead& after, std::vector<LogPut> puts,
                     std::vector<std::string> deletes = {}) {
  auto made =
      encode_record({epoch, after.sequence + 1, after.hash, std::move(puts), std::move(deletes)});
  EXPECT_TRUE(made.ok());
  return std::move(made).value();
}

struct Log {
  Bytes bytes;
  LogHead head;
  std::vector<std::size_t> ends;
};

Log three_records() {
  Log log;
  const auto add = [&log](const EncodedRecord& r) {
    append(log.bytes, r.bytes);
    log.head = r.head;
    log.ends.push_back(log.bytes.size());
  };
  add(record(7, log.head, {{"a", {1}}, {"b/c", {}}}));
  add(record(7, log.head, {{"b", {2, 3}}}, {"a"}));
  add(record(7, log.head, {}, {"absent", "b/c"}));
  return log;
}

std::string replay_reason(ByteView bytes, LogState state = {}, std::uint64_t epoch = 7) {
  const Status done = replay_log(bytes, epoch, state);
  return done.ok() ? "" : done.error().reason;
}

// The hash is made to fit, so that only the check behind it can refuse.
Bytes rehashed(Bytes bytes) {
  bytes.resize(bytes.size() - 32);
  append(bytes, ByteView(crypto::sha256(bytes)));
  return bytes;
}

TEST(LogRecordTest, RoundTrips) {
  LogHead after{41, {}};
  after.hash.fill(9);
  const EncodedRecord made = record(3, after, {{"k", {0, 255}}}, {"x"});
  const auto read = decode_record(made.bytes);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->size, made.bytes.size());
  EXPECT_EQ(read->head, made.head);
  EXPECT_EQ(read->record.epoch, 3U);
  EXPECT_EQ(read->record.sequence, 42U);
  EXPECT_EQ(read->record.previous, after.hash);
  const auto again = encode_record(read->record);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->bytes, made.bytes);
}

TEST(LogRecordTest, BytesAreAsDocumented) {
  const EncodedRecord made = record(1, {}, {{"k", {0xab}}}, {"x"});
  const std::string head =
      "41504d4c"
      "00000048"
      "01"
      "0000000000000001"
      "0000000000000001";
  const std::string tail =
      "00000001"
      "00000001"
      "000000016b"
      "00000001ab"
      "0000000178";
  const std::string text = hex_encode(made.bytes);
  EXPECT_EQ(text.substr(0, text.size() - 64), head + std::string(64, '0') + tail);
}

TEST(LogRecordTest, ReplayGivesStateAndHead) {
  const Log log = three_records();
  LogState state;
  ASSERT_TRUE(replay_log(log.bytes, 7, state).ok());
  EXPECT_EQ(state.head, log.head);
  EXPECT_EQ(state.values, (std::map<std::string, Bytes>{{"b", {2, 3}}}));
}

TEST(LogRecordTest, EveryFlippedBitIsRefused) {
  const Log log = three_records();
  for (std::size_t bit = 0; bit < log.bytes.size() * 8; ++bit) {
    Bytes changed = log.bytes;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1U << (bit % 8)));
    EXPECT_NE(replay_reason(changed), "") << "bit " << bit;
  }
}

TEST(LogRecordTest, EveryCutInsideARecordIsTruncation) {
  const Log log = three_records();
  for (std::size_t size = 1; size < log.bytes.size(); ++size) {
    const bool whole = std::find(log.ends.begin(), log.ends.end(), size) != log.ends.end();
    EXPECT_EQ(replay_reason(ByteView(log.bytes).first(size)), whole ? "" : "azure_log_truncated");
  }
}

TEST(LogRecordTest, HoleSwapAndRepeatBreakTheChain) {
  const Log log = three_records();
  const ByteView all(log.bytes);
  const ByteView one = all.first(log.ends[0]);
  const ByteView two = all.subspan(log.ends[0], log.ends[1] - log.ends[0]);
  const ByteView three = all.subspan(log.ends[1]);
  const auto joined = [](std::initializer_list<ByteView> parts) {
    Bytes out;
    for (const ByteView part : parts) append(out, part);
    return out;
  };
  EXPECT_EQ(replay_reason(joined({one, two, three})), "");
  EXPECT_EQ(replay_reason(joined({one, three})), "azure_log_chain");
  EXPECT_EQ(replay_reason(joined({two, three})), "azure_log_chain");
  EXPECT_EQ(replay_reason(joined({one, three, two})), "azure_log_chain");
  EXPECT_EQ(replay_reason(joined({one, two, two})), "azure_log_chain");
}

TEST(LogRecordTest, AnotherHistoryOfTheSameLengthBreaksTheChain) {
  const Log log = three_records();
  const EncodedRecord other = record(7, {}, {{"a", {2}}});
  Bytes mixed = other.bytes;
  append(mixed, ByteView(log.bytes).subspan(log.ends[0]));
  EXPECT_EQ(replay_reason(mixed), "azure_log_chain");
}

TEST(LogRecordTest, AnotherEpochIsRefused) {
  EXPECT_EQ(replay_reason(three_records().bytes, {}, 8), "azure_log_epoch");
}

TEST(LogRecordTest, NewerFormatIsRefused) {
  Bytes bytes = record(7, {}, {}).bytes;
  bytes[8] = 2;
  EXPECT_EQ(replay_reason(rehashed(bytes)), "azure_log_format");
}

TEST(LogRecordTest, FieldsMustFillTheRecordExactly) {
  Bytes longer = record(7, {}, {}).bytes;
  longer[7] = static_cast<std::uint8_t>(longer[7] + 1);
  longer.insert(longer.end() - 32, 0);
  EXPECT_EQ(replay_reason(rehashed(longer)), "azure_log_damaged");
}

TEST(LogRecordTest, KeysOutOfOrderAreRefusedBothWays) {
  const LogRecord twice{1, 1, {}, {{"a", {}}, {"a", {}}}, {}};
  const LogRecord falling{1, 1, {}, {}, {"b", "a"}};
  const LogRecord both{1, 1, {}, {{"a", {}}}, {"a"}};
  for (const LogRecord& bad : {twice, falling, both}) {
    const auto refused = encode_record(bad);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().reason, "azure_log_record");
  }
  Bytes bytes = record(7, {}, {}, {"a", "b"}).bytes;
  std::swap(bytes[bytes.size() - 33], bytes[bytes.size() - 38]);  // the letters of the two keys
  EXPECT_EQ(replay_reason(rehashed(bytes)), "azure_log_damaged");
}

TEST(LogRecordTest, SizeLimitIsExact) {
  const std::size_t around = record(1, {}, {{"k", {}}}).bytes.size();
  const auto sized = [&](std::size_t total) {
    return encode_record({1, 1, {}, {{"k", Bytes(total - around)}}, {}});
  };
  ASSERT_TRUE(sized(kLogRecordBytesMax).ok());
  EXPECT_TRUE(decode_record(sized(kLogRecordBytesMax)->bytes).ok());
  ASSERT_FALSE(sized(kLogRecordBytesMax + 1).ok());
  EXPECT_EQ(sized(kLogRecordBytesMax + 1).error().code, Code::kTooLarge);
}

}  // namespace
}  // namespace apm::azure
