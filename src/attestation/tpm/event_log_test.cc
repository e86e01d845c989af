#include "attestation/tpm/event_log.h"

#include <gtest/gtest.h>

#include "attestation/limits.h"
#include "attestation/testing/synthetic_machine.h"
#include "base/byte_reader.h"

namespace apm::attestation::tpm {
namespace {

struct Bank {
  std::uint16_t algorithm = 0x000b;
  std::uint16_t size = 32;
};

struct SpecId {
  std::uint32_t pcr = 0;
  std::uint32_t type = kEvNoAction;
  std::string signature = std::string("Spec ID Event03\0", 16);
  std::vector<Bank> banks = {{}};
  std::uint8_t vendor_size = 0;
  std::size_t more = 0;  // bytes behind the vendor's
};

Bytes spec_id(const SpecId& spec) {
  Bytes body = to_bytes(std::string_view(spec.signature));
  body.resize(body.size() + 8);
  append_u32_le(body, static_cast<std::uint32_t>(spec.banks.size()));
  for (const Bank& bank : spec.banks) {
    append_u16_le(body, bank.algorithm);
    append_u16_le(body, bank.size);
  }
  body.push_back(spec.vendor_size);
  body.resize(body.size() + spec.more);
  Bytes out;
  append_u32_le(out, spec.pcr);
  append_u32_le(out, spec.type);
  out.resize(out.size() + 20);
  append_u32_le(out, static_cast<std::uint32_t>(body.size()));
  append(out, body);
  return out;
}

struct Digest {
  std::uint16_t algorithm = 0x000b;
  std::size_t size = 32;
};

struct Entry {
  std::uint32_t pcr = 4;
  std::uint32_t type = 1;
  std::vector<Digest> digests = {{}};
  Bytes data = {1, 2};
};

Bytes entry(const Entry& event) {
  Bytes out;
  append_u32_le(out, event.pcr);
  append_u32_le(out, event.type);
  append_u32_le(out, static_cast<std::uint32_t>(event.digests.size()));
  for (const Digest& digest : event.digests) {
    append_u16_le(out, digest.algorithm);
    out.resize(out.size() + digest.size, 0xd1);
  }
  append_u32_le(out, static_cast<std::uint32_t>(event.data.size()));
  append(out, event.data);
  return out;
}

bool accepted(const Bytes& log) {
  const auto parsed = parse_event_log(log);
  if (!parsed.ok()) {
    EXPECT_EQ(parsed.error().reason, "event_log_malformed");
  }
  return parsed.ok();
}
bool begins(const SpecId& spec) { return accepted(spec_id(spec)); }
bool holds(const Entry& event, const SpecId& spec = {}) {
  Bytes log = spec_id(spec);
  append(log, entry(event));
  return accepted(log);
}

TEST(TpmEventLog, SpecIdEvent) {
  EXPECT_TRUE(begins({}));
  EXPECT_TRUE(begins({.vendor_size = 2, .more = 2}));
  EXPECT_TRUE(begins({.banks = {{4, 20}, {0x000b, 32}, {0x000d, 64}}}));
  EXPECT_FALSE(begins({.pcr = 1}));
  EXPECT_FALSE(begins({.type = 1}));
  EXPECT_FALSE(begins({.signature = std::string("Spec ID Event02\0", 16)}));
  EXPECT_FALSE(begins({.banks = {}}));
  EXPECT_TRUE(begins({.banks = std::vector<Bank>(kEventLogBanksMax)}));
  EXPECT_FALSE(begins({.banks = std::vector<Bank>(kEventLogBanksMax + 1)}));
  EXPECT_FALSE(begins({.banks = {{}, {4, 0}}}));
  EXPECT_FALSE(begins({.banks = {{}, {4, 65}}}));
  EXPECT_FALSE(begins({.banks = {{0x000b, 20}}}));
  EXPECT_FALSE(begins({.more = 1}));
  EXPECT_FALSE(begins({.vendor_size = 1}));
  Bytes cut = spec_id({.vendor_size = 2, .more = 2});
  cut.resize(cut.size() - 1);
  EXPECT_FALSE(accepted(cut));
}

TEST(TpmEventLog, Events) {
  const SpecId two{.banks = {{4, 20}, {0x000b, 32}}};
  EXPECT_TRUE(holds({}));
  EXPECT_TRUE(holds({.digests = {{4, 20}, {}}}, two));
  EXPECT_TRUE(holds({.digests = {{}, {4, 20}}}, two));
  EXPECT_FALSE(holds({.digests = {{}}}, two));
  EXPECT_FALSE(holds({.digests = {{}, {}}}));
  EXPECT_FALSE(holds({.digests = {{}, {}}}, two)) << "two of one bank";
  EXPECT_FALSE(holds({.digests = {{4, 20}, {4, 20}}}, two)) << "none of SHA-256";
  EXPECT_FALSE(holds({.digests = {{4, 32}}})) << "a bank that is not declared";
  EXPECT_TRUE(holds({.pcr = 23}));
  EXPECT_FALSE(holds({.pcr = 24}));
  EXPECT_TRUE(holds({.data = Bytes(kEventBytesMax)}));
  EXPECT_FALSE(holds({.data = Bytes(kEventBytesMax + 1)}));
  for (std::size_t cut = 1; cut < entry({}).size(); ++cut) {
    Bytes log = spec_id({});
    append(log, entry({}));
    log.resize(log.size() - cut);
    EXPECT_FALSE(accepted(log)) << cut;
  }
}

TEST(TpmEventLog, AsManyEventsAndBytesAsThereMayBeAndOneBeyond) {
  Bytes log = spec_id({});
  for (std::size_t i = 0; i < kEventLogEventsMax; ++i) append(log, entry({}));
  EXPECT_TRUE(accepted(log));
  append(log, entry({}));
  EXPECT_FALSE(accepted(log));
  Bytes large = spec_id({});
  while (large.size() + kEventBytesMax < kEventLogBytesMax) {
    append(large, entry({.data = Bytes(kEventBytesMax - 1024)}));
  }
  const std::size_t spare = kEventLogBytesMax - large.size() - entry({.data = {}}).size();
  Bytes most = large;
  append(most, entry({.data = Bytes(spare)}));
  ASSERT_EQ(most.size(), kEventLogBytesMax);
  EXPECT_TRUE(accepted(most));
  append(large, entry({.data = Bytes(spare + 1)}));
  EXPECT_FALSE(accepted(large));
}

TEST(TpmEventLog, StartupLocality) {
  const auto locality = [](Bytes value, std::uint32_t pcr = 0) {
    Bytes data = to_bytes(std::string_view("StartupLocality\0", 16));
    append(data, ByteView(value));
    Bytes log = spec_id({});
    append(log, entry({.pcr = pcr, .type = kEvNoAction, .data = data}));
    return log;
  };
  for (const std::uint8_t known : Bytes{0, 3, 4}) {
    const auto log = parse_event_log(locality({known}));
    ASSERT_TRUE(log.ok());
    EXPECT_EQ(log->startup_locality, known);
    EXPECT_EQ(replay(*log, 0).back(), known);
    EXPECT_EQ(replay(*log, 1), Bytes(32, 0));
  }
  EXPECT_FALSE(accepted(locality({1})));
  EXPECT_FALSE(accepted(locality({})));
  EXPECT_FALSE(accepted(locality({3, 0})));
  EXPECT_FALSE(accepted(locality({3}, 1)));
  Bytes twice = locality({3});
  append(twice, entry({.pcr = 0,
                       .type = kEvNoAction,
                       .data = to_bytes(std::string_view("StartupLocality\0\3", 17))}));
  EXPECT_FALSE(accepted(twice));
  Bytes without = spec_id({});
  append(without, entry({.pcr = 1, .type = kEvNoAction, .data = Bytes(17)}));
  const auto other = parse_event_log(without);
  ASSERT_TRUE(other.ok());
  EXPECT_FALSE(other->startup_locality);
  EXPECT_TRUE(other->events.empty());
}

TEST(TpmEventLog, ReplayBeginsWithOnesInTheDynamicLaunchPcrs) {
  for (unsigned pcr = 0; pcr < 24; ++pcr) {
    EXPECT_EQ(replay({}, pcr), Bytes(32, pcr >= 17 && pcr <= 22 ? 0xff : 0)) << pcr;
  }
  EventLog log;
  log.startup_locality = 3;
  EXPECT_EQ(replay(log, 7), Bytes(32, 0));
  log.events = {{7, 1, Bytes(32, 1), {}}};
  EXPECT_EQ(replay(log, 7), crypto::digest(crypto::Hash::kSha256, {Bytes(32, 0), Bytes(32, 1)}));
  EXPECT_EQ(replay(log, 8), Bytes(32, 0));
}

TEST(TpmEventLog, APcrThatWasNotQuotedDoesNotReplay) {
  Appraisal appraisal;
  EXPECT_TRUE(require_replay({}, {{7, Bytes(32, 0)}}, {7}, appraisal).ok());
  EXPECT_EQ(require_replay({}, {{7, Bytes(32, 0)}}, {7, 8}, appraisal).error().reason,
            "event_log_mismatch");
}

TEST(TpmEventLog, UefiVariables) {
  const Bytes guid(16, 9);
  const auto read = [](const Bytes& data) { return parse_uefi_variable(data); };
  const Bytes good = testing::uefi_variable(guid, "d\x1f\x7f ~b", Bytes{1, 2});
  ASSERT_TRUE(read(good));
  EXPECT_EQ(read(good)->name, "d?? ~b");
  EXPECT_EQ(read(good)->data, (Bytes{1, 2}));
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_FALSE(read(longer));
  Bytes shorter = good;
  shorter.pop_back();
  EXPECT_FALSE(read(shorter));
  Bytes endless = testing::uefi_variable(guid, "", Bytes{});
  endless[23] = 0x80;
  EXPECT_FALSE(read(endless));
  for (std::size_t size = 0; size < 32; ++size) EXPECT_FALSE(read(Bytes(size))) << size;
}

}  // namespace
}  // namespace apm::attestation::tpm
