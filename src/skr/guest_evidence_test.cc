#include "skr/guest_evidence.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/byte_reader.h"
#include "base/text.h"

namespace apm::skr {
namespace {

struct Hcl {
  std::uint32_t magic = 0x414C4348;
  std::uint32_t version = 1;
  std::uint32_t type = 2;
  std::uint32_t hash = 1;
  std::string runtime = "{}";
  std::size_t cut = 0;
};

Bytes report(const Hcl& hcl) {
  Bytes out;
  append_u32_le(out, hcl.magic);
  append_u32_le(out, hcl.version);
  out.resize(32);
  out.resize(32 + 1184, 0xab);
  out.resize(out.size() + 8);
  append_u32_le(out, hcl.type);
  append_u32_le(out, hcl.hash);
  append_u32_le(out, static_cast<std::uint32_t>(hcl.runtime.size()));
  append(out, as_bytes(hcl.runtime));
  out.resize(out.size() - hcl.cut);
  return out;
}

TEST(GuestEvidence, HclReportIsTakenApart) {
  for (const std::uint32_t version : {1U, 2U}) {
    for (const std::uint32_t hash : {1U, 2U, 3U}) {
      Hcl hcl;
      hcl.version = version;
      hcl.hash = hash;
      const auto parts = split_hcl_report(report(hcl));
      ASSERT_TRUE(parts.ok()) << parts.error().message;
      EXPECT_EQ(parts->snp_report, Bytes(1184, 0xab));
      EXPECT_EQ(as_text(parts->runtime_json), "{}");
    }
  }
}

// One reason for all of them; the text says what is wrong.
TEST(GuestEvidence, HclReportOfAnotherForm) {
  const auto refused = [](const auto& change, std::string_view why) {
    Hcl hcl;
    change(hcl);
    const auto parts = split_hcl_report(report(hcl));
    ASSERT_FALSE(parts.ok()) << why;
    EXPECT_EQ(parts.error().reason, "hcl_report");
    EXPECT_NE(parts.error().message.find(why), std::string::npos) << parts.error().message;
  };
  refused([](Hcl& h) { h.cut = 1; }, "cut short");
  refused([](Hcl& h) { h.magic += 1; }, "another format");
  refused([](Hcl& h) { h.version = 0; }, "another format");
  refused([](Hcl& h) { h.version = 3; }, "another format");
  refused([](Hcl& h) { h.type = 4; }, "not of type SEV-SNP");
  refused([](Hcl& h) { h.hash = 0; }, "no runtime data");
  refused([](Hcl& h) { h.hash = 4; }, "no runtime data");
  refused([](Hcl& h) { h.runtime.clear(); }, "no runtime data");
}

TEST(GuestEvidence, CertificateWithoutItsPadding) {
  const Bytes whole{0x30, 0x82, 0, 2, 7, 8};
  EXPECT_EQ(*trim_certificate(whole), whole);
  EXPECT_EQ(*trim_certificate(Bytes{0x30, 0x82, 0, 2, 7, 8, 0, 0}), whole);
  for (const Bytes& wrong : std::vector<Bytes>{{0x31, 0x82, 0, 2, 7, 8},
                                               {0x30, 0x81, 0, 2, 7, 8},
                                               {0x30, 0x82, 0, 3, 7, 8},
                                               {0x30, 0x82, 0},
                                               {}}) {
    const auto refused = trim_certificate(wrong);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().reason, "ak_certificate");
  }
}

TEST(GuestEvidence, OsFacts) {
  const std::string path = ::testing::TempDir() + "apm_os_release";
  const auto facts = [&path](std::string_view text) {
    std::ofstream(path) << text;
    return read_os_facts(path);
  };
  const OsFacts debian =
      facts("PRETTY_NAME=\"x\"\nNAMES=y\nNAME=\"Debian\"\nVERSION_ID=\"12.5\"\n");
  EXPECT_EQ(debian.distro, "Debian");
  EXPECT_EQ(debian.major, 12);
  EXPECT_EQ(debian.minor, 5);
  EXPECT_EQ(facts("NAME=Debian\nVERSION_ID=12\n").major, 12);
  EXPECT_EQ(facts("NAME=Debian\nVERSION_ID=12\n").minor, 0);
  EXPECT_EQ(facts("NAME=\"\n").distro, "\"");
  EXPECT_EQ(facts("NAME=\"a\n").distro, "\"a");
  EXPECT_EQ(facts("NAME=a\"\n").distro, "a\"");
  EXPECT_EQ(facts("VERSION_ID=12\n").distro, "Linux");
  const OsFacts none = read_os_facts("/nonexistent");
  EXPECT_EQ(none.distro, "Linux");
  EXPECT_EQ(none.major, 0);
}

}  // namespace
}  // namespace apm::skr
