// The snapshot file: what is written is read, and no damage is taken for a snapshot.

#include "base/byte_reader.h"
#include "crypto/digest.h"
#include "snapshot/limits.h"
#include "snapshot/snapshot_fixture.h"
#include "storage/limits.h"
#include "storage/map_snapshot.h"

namespace apm::snapshot {
namespace {

using barrier::reason_of;

class FormatTest : public SnapshotTest {
 protected:
  void SetUp() override {
    shares_ = init(barrier_);
    ASSERT_TRUE(barrier_.put("logical/a", as_bytes("alpha")).ok());
    ASSERT_TRUE(barrier_.put("logical/b", as_bytes("beta")).ok());
  }
  // A file with this content, with every sum right.
  Bytes file_with(std::map<std::string, Bytes> content) {
    Writer writer(header_of(barrier_), std::make_unique<storage::MapSnapshot>(std::move(content)),
                  key_of(barrier_));
    return whole(writer);
  }
  std::string verdict(const Bytes& file) { return reason_of(verify(source_of(file))); }

  barrier::Barrier barrier_{store_, clock_};
  barrier::Shares shares_;
};

// Puts the sums of a changed file right again, without the key of its code.
Bytes resealed(Bytes file) {
  file.resize(file.size() - kDigestSize);
  const Bytes digest = crypto::sha256(file);
  append(file, digest);
  return file;
}

TEST_F(FormatTest, WhatIsWrittenIsReadInPiecesOfAnySize) {
  const Bytes file = file_of(barrier_, 1);
  EXPECT_EQ(file, file_of(barrier_, 7));
  EXPECT_EQ(file, file_of(barrier_, 1 << 20));
  const auto verified = verify(source_of(file));
  ASSERT_TRUE(verified.ok()) << verified.error().message;
  EXPECT_EQ(verified->header.store_id, header_of(barrier_).store_id);
  EXPECT_EQ(verified->header.kind, barrier::StoreKind::kTest);
  EXPECT_EQ(verified->header.epoch, 7U);
  EXPECT_EQ(verified->header.created_unix_s, barrier::kNow);
  EXPECT_EQ(verified->header.storage_type, "inmem");
  auto reader = Reader::open(source_of(file));
  ASSERT_TRUE(reader.ok());
  std::map<std::string, Bytes> read;
  while (true) {
    auto record = (*reader)->next();
    ASSERT_TRUE(record.ok());
    if (!*record) break;
    read.emplace((*record)->key, (*record)->value);
  }
  EXPECT_EQ(read, content_of(store_));
  EXPECT_EQ(read.size(), verified->records);
  EXPECT_FALSE((*reader)->next()->has_value());  // the end stays the end
}

TEST_F(FormatTest, TheDigestIsThatOfTheWholeFileBeforeIt) {
  const Bytes file = file_of(barrier_);
  const ByteView all(file);
  EXPECT_TRUE(equal(crypto::sha256(all.first(all.size() - kDigestSize)), all.last(kDigestSize)));
}

TEST_F(FormatTest, DamageAtAnyByteIsRefused) {
  const Bytes file = file_of(barrier_);
  for (std::size_t at = 0; at < file.size(); ++at) {
    for (const std::uint8_t bit : Bytes{0x01, 0x80}) {
      Bytes damaged = file;
      damaged[at] ^= bit;
      const std::string reason = verdict(damaged);
      EXPECT_TRUE(reason.starts_with("snapshot_")) << at << ": \"" << reason << '"';
    }
  }
}

TEST_F(FormatTest, EveryTruncationAndEveryAdditionIsRefused) {
  const Bytes file = file_of(barrier_);
  for (std::size_t size = 0; size < file.size(); ++size) {
    const Bytes part(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(verdict(part), "snapshot_truncated") << size;
  }
  Bytes more = file;
  more.push_back(0);
  EXPECT_EQ(verdict(more), "snapshot_trailing");
  // Also when the first read ends exactly where the file should.
  bool given = false;
  EXPECT_EQ(reason_of(verify([&](std::size_t) -> Result<Bytes> {
              if (given) return Bytes{0};
              given = true;
              return file;
            })),
            "snapshot_trailing");
}

TEST_F(FormatTest, EachCheckRefusesWhatOnlyItSees) {
  const Bytes file = file_of(barrier_);
  EXPECT_EQ(verdict(to_bytes(std::string_view("PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n"))),
            "snapshot_format");
  Bytes version = file;
  version[kMagic.size() + 1] = 2;
  EXPECT_EQ(verdict(resealed(version)), "snapshot_version");
  Bytes count = file;
  count[count.size() - kDigestSize - kMacSize - 1] ^= 1;
  EXPECT_EQ(verdict(resealed(count)), "snapshot_count");
  Bytes digest = file;
  digest.back() ^= 1;
  EXPECT_EQ(verdict(digest), "snapshot_digest");
  Bytes tag = file;
  const std::size_t first_record = kMagic.size() + 2 + 4 + header_bytes(header_of(barrier_)).size();
  ASSERT_EQ(tag[first_record], kRecordTag);
  tag[first_record] = 2;
  EXPECT_EQ(verdict(resealed(tag)), "snapshot_record");
}

TEST_F(FormatTest, AHeaderHasAtMostItsLimit) {
  const auto verdict_of_size = [this](std::size_t size) {
    Bytes head = to_bytes(kMagic);
    append_u16_be(head, kFormatVersion);
    append_u32_be(head, static_cast<std::uint32_t>(size));
    return verdict(head);
  };
  EXPECT_EQ(verdict_of_size(kHeaderBytesMax), "snapshot_truncated");  // would be read
  EXPECT_EQ(verdict_of_size(kHeaderBytesMax + 1), "snapshot_header");
}

TEST_F(FormatTest, TheContentMustBeThatOfAWholeStore) {
  const std::map<std::string, Bytes> good = content_of(store_);
  EXPECT_EQ(verdict(file_with(good)), "");
  for (const std::string_view key :
       {barrier::kSealConfigPath, barrier::kRootKeyPath, barrier::kKeyringPath}) {
    auto without = good;
    without.erase(std::string(key));
    EXPECT_EQ(verdict(file_with(without)), "snapshot_keys") << key;
  }
  for (const std::string_view key : {barrier::kIncompletePath, barrier::kJournalPath}) {
    auto with = good;
    with[std::string(key)] = {};
    EXPECT_EQ(verdict(file_with(with)), "snapshot_record") << key;
  }
  auto bad_key = good;
  bad_key["z//z"] = {};
  EXPECT_EQ(verdict(file_with(bad_key)), "snapshot_record");
  auto long_key = good;
  long_key[std::string(storage::kKeyBytesMax + 1, 'k')] = {};
  EXPECT_EQ(verdict(file_with(long_key)), "snapshot_record");
  auto long_value = good;
  long_value["v"] = Bytes(storage::kValueBytesMax + 1);
  EXPECT_EQ(verdict(file_with(long_value)), "snapshot_record");
  long_value["v"].pop_back();
  EXPECT_EQ(verdict(file_with(long_value)), "");
  auto malformed = good;
  malformed[std::string(barrier::kSealConfigPath)] = Bytes{'{', '}'};
  EXPECT_EQ(verdict(file_with(malformed)), "snapshot_header");
}

// A store that hands out keys out of order, or one twice.
class Disordered final : public storage::Snapshot {
 public:
  explicit Disordered(std::vector<std::string> keys) : keys_(std::move(keys)) {}
  Result<std::optional<storage::Put>> next() override {
    if (at_ == keys_.size()) return std::optional<storage::Put>();
    return std::optional<storage::Put>(storage::Put{keys_[at_++], {}});
  }

 private:
  std::vector<std::string> keys_;
  std::size_t at_ = 0;
};

TEST_F(FormatTest, KeysMustAscend) {
  for (const auto& keys : {std::vector<std::string>{"a", "c", "b"}, {"a", "a"}}) {
    Writer writer(header_of(barrier_), std::make_unique<Disordered>(keys), key_of(barrier_));
    EXPECT_EQ(verdict(whole(writer)), "snapshot_record");
  }
}

TEST_F(FormatTest, TheHeaderMustBeTheStoresOwn) {
  const auto verdict_of = [this](const Header& header) {
    Writer writer(header, std::make_unique<storage::MapSnapshot>(content_of(store_)),
                  key_of(barrier_));
    return verdict(whole(writer));
  };
  EXPECT_EQ(verdict_of(header_of(barrier_)), "");
  Header other = header_of(barrier_);
  other.store_id = std::string(32, 'a');
  EXPECT_EQ(verdict_of(other), "snapshot_header");
  other = header_of(barrier_);
  other.kind = barrier::StoreKind::kProduction;
  EXPECT_EQ(verdict_of(other), "snapshot_header");
  other = header_of(barrier_);
  other.storage_type = std::string(65, 'x');
  EXPECT_EQ(verdict_of(other), "snapshot_header");
}

TEST_F(FormatTest, HeadersAreReadStrictly) {
  const Header good = header_of(barrier_);
  const std::string text(as_text(header_bytes(good)));
  ASSERT_TRUE(parse_header(as_bytes(text)).ok());
  const auto changed = [&text](std::string_view from, std::string_view to) {
    std::string out = text;
    out.replace(out.find(from), from.size(), to);
    return reason_of(parse_header(as_bytes(out)));
  };
  EXPECT_EQ(changed("\"epoch\":7", "\"epoch\":-7"), "snapshot_header");
  EXPECT_EQ(changed("\"epoch\":7", "\"epoch\":\"7\""), "snapshot_header");
  EXPECT_EQ(changed("\"epoch\":7", "\"epoch\":7,\"more\":1"), "snapshot_header");
  EXPECT_EQ(changed("\"epoch\":7", "\"epoc\":7"), "snapshot_header");
  EXPECT_EQ(changed("\"epoch\":7,", ""), "snapshot_header");
  EXPECT_EQ(changed("\"test\"", "\"Test\""), "snapshot_header");
  EXPECT_EQ(changed("1800000000", "1800000000.5"), "snapshot_header");
  EXPECT_EQ(changed(good.store_id, std::string(31, 'a')), "snapshot_header");
  EXPECT_EQ(changed(good.store_id, std::string(32, 'A')), "snapshot_header");
  EXPECT_EQ(reason_of(parse_header(as_bytes("[]"))), "snapshot_header");
  EXPECT_EQ(reason_of(parse_header(as_bytes(text + " x"))), "snapshot_header");
}

// The keeper of the backups leaves a record out and puts all open sums right: the barrier would
// not notice a record that is absent; the code does.
TEST_F(FormatTest, TheCodeFindsWhatTheSumsAndTheBarrierDoNot) {
  const crypto::SecretBytes key = key_of(barrier_);
  const Bytes file = file_of(barrier_);
  EXPECT_TRUE(verify(source_of(file), &key).ok());
  auto without = content_of(store_);
  without.erase("logical/b");
  Writer writer(header_of(barrier_), std::make_unique<storage::MapSnapshot>(without),
                crypto::SecretBytes::random(32));
  const Bytes forged = whole(writer);
  EXPECT_EQ(verdict(forged), "");
  EXPECT_EQ(reason_of(verify(source_of(forged), &key)), "snapshot_mac");
  Bytes mac = file;
  mac[mac.size() - kDigestSize - 1] ^= 1;
  EXPECT_EQ(verdict(resealed(mac)), "");
  EXPECT_EQ(reason_of(verify(source_of(resealed(mac)), &key)), "snapshot_mac");
  // Before its end nothing is known of a file.
  const auto reader = Reader::open(source_of(file));
  EXPECT_EQ(reason_of((*reader)->check_mac(key)), "snapshot_mac");
}

TEST_F(FormatTest, NoPlaintextAndNoKeyIsInTheFile) {
  const Bytes file = file_of(barrier_);
  for (const std::string_view text : {"alpha", "beta"}) {
    EXPECT_EQ(as_text(file).find(text), std::string_view::npos) << text;
  }
  EXPECT_EQ(as_text(file).find(key_of(barrier_).text()), std::string_view::npos);
}

TEST_F(FormatTest, ASealedStoreMakesNoSnapshot) {
  barrier_.seal();
  EXPECT_EQ(reason_of(barrier_.stored_content()), "sealed");
}

TEST_F(FormatTest, ErrorsOfTheSourceArePassedOn) {
  const auto failing = [](std::size_t) -> Result<Bytes> { return Error(Code::kIo, "eio", "eio"); };
  EXPECT_EQ(reason_of(verify(failing)), "eio");
}

}  // namespace
}  // namespace apm::snapshot
