#include "attestation/tdx/ccel.h"

#include <gtest/gtest.h>

#include "attestation/limits.h"
#include "base/byte_reader.h"
#include "base/encoding.h"
#include "crypto/digest.h"

namespace apm::attestation::tdx {
namespace {

Bytes spec_id(std::uint32_t banks = 1, std::uint16_t algorithm = 12, std::uint16_t size = 48) {
  Bytes body = to_bytes(std::string_view("Spec ID Event03\0", 16));
  append_u32_le(body, 0);
  append_u32_le(body, 0x02000200);
  append_u32_le(body, banks);
  append_u16_le(body, algorithm);
  append_u16_le(body, size);
  body.push_back(0);
  Bytes out;
  append_u32_le(out, 1);
  append_u32_le(out, 3);
  append(out, Bytes(20));
  append_u32_le(out, static_cast<std::uint32_t>(body.size()));
  append(out, body);
  return out;
}

Bytes event(std::uint32_t index, std::uint32_t type, std::string_view data) {
  Bytes out;
  append_u32_le(out, index);
  append_u32_le(out, type);
  append_u32_le(out, 1);
  append_u16_le(out, 12);
  append(out, crypto::digest(crypto::Hash::kSha384, as_bytes(data)));
  append_u32_le(out, static_cast<std::uint32_t>(data.size()));
  append(out, data);
  return out;
}

Bytes log_of(const std::vector<Bytes>& events) {
  Bytes out = spec_id();
  for (const Bytes& one : events) append(out, one);
  return out;
}

std::string reason_of(ByteView raw) {
  const auto log = parse_ccel(raw);
  return log.ok() ? "" : log.error().reason;
}

Register extended(std::string_view data) {
  const Bytes value = crypto::digest(
      crypto::Hash::kSha384, {Bytes(48), crypto::digest(crypto::Hash::kSha384, as_bytes(data))});
  Register out{};
  std::copy(value.begin(), value.end(), out.begin());
  return out;
}

TEST(Ccel, ReplaysByRegister) {
  Bytes raw = log_of({event(1, 8, "a"), event(2, 8, "b"), event(4, 8, "d"), event(3, 3, "nothing"),
                      event(0, 8, "mrtd")});
  for (const Bytes& padding : {Bytes(), Bytes(100, 0xff), Bytes(100)}) {
    Bytes buffer = raw;
    append(buffer, padding);
    const auto log = parse_ccel(buffer);
    ASSERT_TRUE(log.ok()) << log.error().message;
    ASSERT_EQ(log->events.size(), 3U);
    EXPECT_TRUE(log->events[0].data_matches());
    const auto registers = replay(*log);
    EXPECT_EQ(registers[0], extended("a"));
    EXPECT_EQ(registers[1], extended("b"));
    EXPECT_EQ(registers[2], Register{});
    EXPECT_EQ(registers[3], extended("d"));
    TdReport report;
    report.rtmr = registers;
    EXPECT_TRUE(check_ccel(*log, report, {0, 1, 2, 3}).ok());
    report.rtmr[3] = {};
    EXPECT_TRUE(check_ccel(*log, report, {0, 1, 2}).ok());
    EXPECT_EQ(check_ccel(*log, report, {0, 1, 2, 3}).error().reason, "ccel_mismatch");
    EXPECT_EQ(check_ccel(*log, report, {4}).error().reason, "ccel_mismatch");
  }
}

TEST(Ccel, DataThatIsNotTheMeasured) {
  Bytes raw = log_of({event(1, 8, "a")});
  raw.back() = 'b';
  EXPECT_FALSE(parse_ccel(raw)->events.front().data_matches());
}

TEST(Ccel, Malformed) {
  const Bytes good = log_of({event(1, 8, "a")});
  EXPECT_EQ(reason_of(good), "");
  EXPECT_EQ(reason_of({}), "ccel_malformed");
  EXPECT_EQ(reason_of(event(1, 8, "a")), "ccel_malformed");
  EXPECT_EQ(reason_of(spec_id(2)), "ccel_malformed");
  EXPECT_EQ(reason_of(spec_id(1, 11, 32)), "ccel_malformed");
  EXPECT_EQ(reason_of(spec_id(1, 12, 32)), "ccel_malformed");
  EXPECT_EQ(reason_of(log_of({event(5, 8, "a")})), "ccel_malformed");
  EXPECT_EQ(reason_of(log_of({Bytes{1, 2, 3}})), "ccel_malformed");
  for (std::size_t size = spec_id().size() + 1; size < good.size(); ++size) {
    EXPECT_EQ(reason_of(ByteView(good).first(size)), "ccel_malformed") << size;
  }
  Bytes two_digests = good;
  two_digests[spec_id().size() + 8] = 2;
  EXPECT_EQ(reason_of(two_digests), "ccel_malformed");
  Bytes other_hash = good;
  other_hash[spec_id().size() + 12] = 11;
  EXPECT_EQ(reason_of(other_hash), "ccel_malformed");
  EXPECT_EQ(reason_of(Bytes(kEventLogBytesMax + 1)), "ccel_malformed");
}

TEST(Ccel, Limits) {
  const std::string largest(kEventBytesMax, 'x');
  EXPECT_EQ(reason_of(log_of({event(1, 8, largest)})), "");
  EXPECT_EQ(reason_of(log_of({event(1, 8, largest + "x")})), "ccel_malformed");
  Bytes many = spec_id();
  const Bytes one = event(1, 8, "");
  for (std::size_t i = 0; i < kEventLogEventsMax; ++i) append(many, one);
  EXPECT_EQ(reason_of(many), "");
  append(many, one);
  EXPECT_EQ(reason_of(many), "ccel_malformed");
}

}  // namespace
}  // namespace apm::attestation::tdx
