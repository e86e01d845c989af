// Somebody with access to the storage changes, moves and exchanges what is stored, many times and
// at random: each change must be found when it is read, and nothing of it may be served. A deleted
// record and an older version of the same record are not found yet (docs/threat-model.md).
//
// APM_TAMPER_ROUNDS sets the number of rounds, APM_TAMPER_SEED the seed; a failure names both.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <sstream>

#include "barrier/barrier_fixture.h"
#include "base/text.h"
#include "storage/sqlite_store.h"
#include "storage/temp_dir.h"

namespace apm::barrier {
namespace {

constexpr std::size_t kRecords = 60;
constexpr const char* kOwn[] = {"core/keyring", "core/root-key", "core/seal-config"};

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : parse_u64(text).value_or(otherwise);
}

class Chance {
 public:
  explicit Chance(std::uint64_t seed) : engine_(seed) {}
  std::size_t below(std::size_t end) {
    return std::uniform_int_distribution<std::size_t>(0, end - 1)(engine_);
  }

 private:
  std::mt19937_64 engine_;
};

void flip_bit(Bytes& bytes, Chance& chance) {
  const std::size_t bit = chance.below(bytes.size() * 8);
  bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ (1U << (bit % 8)));
}

// A store with records, and what they are in the clear and as stored.
class Victim {
 public:
  Victim(storage::Store& store, const Clock& clock) : store_(store), clock_(clock) {
    Barrier barrier(store, clock);
    auto plan = barrier.plan_init(StoreKind::kTest, {1, 1});
    share_ = plan->shares[0].clone();
    EXPECT_TRUE(barrier.commit_init(std::move(*plan)).ok());
    for (std::size_t i = 0; i < kRecords; ++i) {
      const std::string path = concat("logical/", i % 7, "/", i);
      plain_[path] = bytes(concat("value ", i % 5) + std::string(i * 11, 'x'));
      EXPECT_TRUE(barrier.put(path, plain_[path]).ok());
      paths_.push_back(path);
      if (i != kRecords / 2) continue;
      EXPECT_TRUE(barrier.rotate().ok());  // two terms in use
    }
    for (const auto& [path, value] : plain_) raw_[path] = read_raw(store, path);
    for (const char* path : kOwn) raw_[path] = read_raw(store, path);
    reader_ = unsealed();
  }

  std::unique_ptr<Barrier> unsealed() {
    auto barrier = std::make_unique<Barrier>(store_, clock_);
    EXPECT_TRUE(barrier->unseal(share_).ok());
    return barrier;
  }
  Status unseal_fresh() {
    Barrier barrier(store_, clock_);
    const auto done = barrier.unseal(share_);
    return done.ok() ? Status() : Status(done.error());
  }
  void write(const std::map<std::string, std::optional<Bytes>>& changes) {
    storage::Batch batch;
    for (const auto& [path, value] : changes) {
      if (value) {
        batch.puts.push_back({path, *value});
      } else {
        batch.deletes.push_back(path);
      }
    }
    ASSERT_TRUE(store_.commit(batch).ok());
  }
  void restore(const std::map<std::string, std::optional<Bytes>>& changes) {
    std::map<std::string, std::optional<Bytes>> back;
    for (const auto& [path, value] : changes) {
      const auto good = raw_.find(path);
      back[path] = good == raw_.end() ? std::nullopt : std::optional(good->second);
    }
    write(back);
  }
  std::string any(Chance& chance) const { return paths_[chance.below(paths_.size())]; }

  storage::Store& store_;
  const Clock& clock_;
  crypto::SecretBytes share_;
  std::vector<std::string> paths_;
  std::map<std::string, Bytes> plain_;
  std::map<std::string, Bytes> raw_;
  std::unique_ptr<Barrier> reader_;
};

using Changes = std::map<std::string, std::optional<Bytes>>;

// One thing that the storage's operator may do to the records of others.
Changes tamper(const Victim& victim, Chance& chance) {
  const std::string one = victim.any(chance);
  std::string two = victim.any(chance);
  while (two == one) two = victim.any(chance);
  Bytes record = victim.raw_.at(one);
  switch (chance.below(6)) {
    case 0:
    case 1: flip_bit(record, chance); return {{one, record}};
    case 2: return {{one, victim.raw_.at(two)}, {two, record}};                   // exchanged
    case 3: return {{concat("logical/new/", one), record}, {one, std::nullopt}};  // renamed
    case 4: return {{two, record}};  // copied over another
    default:
      if (chance.below(2) == 0) {
        record.resize(chance.below(record.size()));
      } else {
        record.push_back(static_cast<std::uint8_t>(chance.below(256)));
      }
      return {{one, record}};
  }
}

void one_round(Victim& victim, Chance& chance) {
  const Changes changes = tamper(victim, chance);
  victim.write(changes);
  for (const auto& [path, value] : changes) {
    const auto got = victim.reader_->get(path);
    if (value) {
      ASSERT_FALSE(got.ok()) << path << " was served";
      ASSERT_EQ(got.error().code, Code::kCorrupt) << path << ": " << got.error().message;
    } else {
      ASSERT_TRUE(got.ok() && !got->has_value()) << path << " was served from nowhere";
    }
  }
  const std::string other = victim.any(chance);
  if (!changes.contains(other)) {
    const auto untouched = victim.reader_->get(other);
    ASSERT_TRUE(untouched.ok()) << other << ": " << untouched.error().message;
    ASSERT_EQ(**untouched, victim.plain_.at(other));
  }
  victim.restore(changes);
}

void own_round(Victim& victim, Chance& chance) {
  const std::string one = kOwn[chance.below(3)];
  const std::string two = kOwn[chance.below(3)];
  Bytes record = victim.raw_.at(one);
  Changes changes;
  if (one == two) {
    flip_bit(record, chance);
    changes = {{one, record}};
  } else {
    changes = {{one, victim.raw_.at(two)}, {two, record}};
  }
  victim.write(changes);
  ASSERT_FALSE(victim.unseal_fresh().ok()) << one << " and " << two << " were changed";
  victim.restore(changes);
}

void tamper_rounds(storage::Store& store, const Clock& clock, std::uint64_t rounds) {
  const std::uint64_t seed = number_from("APM_TAMPER_SEED", 20'261'124);
  Victim victim(store, clock);
  Chance chance(seed);
  for (std::uint64_t round = 0; round < rounds; ++round) {
    SCOPED_TRACE(concat("seed ", seed, " round ", round));
    if (chance.below(10) == 0) {
      own_round(victim, chance);
    } else {
      one_round(victim, chance);
    }
    if (testing::Test::HasFatalFailure()) return;
  }
  EXPECT_TRUE(victim.unseal_fresh().ok());
}

TEST_F(BarrierTest, TamperingWithTheStoreIsFoundAndNothingOfItIsServed) {
  tamper_rounds(store_, clock_, number_from("APM_TAMPER_ROUNDS", 10'000));
}

TEST_F(BarrierTest, TamperingWithAStoreOnDiskIsFoundToo) {
  const storage::TempDir dir;
  const auto store = storage::open_sqlite_store(dir.file("store.db"));
  ASSERT_TRUE(store.ok()) << store.error().message;
  const auto lease = (*store)->acquire_lease("test", Deadline::after(Milliseconds(0)));
  ASSERT_TRUE(lease.ok());
  tamper_rounds(**store, clock_, number_from("APM_TAMPER_ROUNDS", 10'000) / 10);
}

// What became of the records of a file in which one bit was flipped.
struct Findings {
  int refused = 0;  // the file, or unsealing, or a record
  int absent = 0;   // a key was hit, so a record is under another name
  int nothing = 0;  // an unused place
};

void look(const std::string& path, const Victim& victim, const Clock& clock, Findings& findings) {
  auto store = storage::open_sqlite_store(path);
  if (!store.ok()) return void(++findings.refused);
  Barrier barrier(**store, clock);
  if (!barrier.unseal(victim.share_).ok()) return void(++findings.refused);
  bool refused = false;
  bool absent = false;
  for (const auto& [key, plain] : victim.plain_) {
    const auto got = barrier.get(key);
    if (!got.ok()) {
      refused = true;
    } else if (!*got) {
      absent = true;
    } else {
      ASSERT_EQ(**got, plain) << key << ": another value was served";
    }
  }
  ++(refused ? findings.refused : absent ? findings.absent : findings.nothing);
}

// Below the store: bits of SQLite's own file, its structures included.
TEST_F(BarrierTest, AFlippedBitInTheFileNeverMakesAnotherValue) {
  const storage::TempDir dir;
  const std::string path = dir.file("store.db");
  auto store = storage::open_sqlite_store(path);
  ASSERT_TRUE(store.ok());
  auto lease = (*store)->acquire_lease("test", Deadline::after(Milliseconds(0)));
  ASSERT_TRUE(lease.ok());
  Victim victim(**store, clock_);
  lease->reset();
  victim.reader_.reset();
  store->reset();  // the last one to close folds the log into the file
  std::stringstream good;
  good << std::ifstream(path).rdbuf();
  Chance chance(number_from("APM_TAMPER_SEED", 20'261'124));
  Findings findings;
  const std::uint64_t rounds = number_from("APM_TAMPER_ROUNDS", 10'000) / 20;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    SCOPED_TRACE(concat("round ", round));
    Bytes file = to_bytes(std::string_view(good.str()));
    flip_bit(file, chance);
    for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(path + suffix);
    std::ofstream(path, std::ios::trunc) << as_text(file);
    look(path, victim, clock_, findings);
    if (HasFatalFailure()) return;
  }
  RecordProperty("refused", findings.refused);
  RecordProperty("absent", findings.absent);
  RecordProperty("unused", findings.nothing);
  EXPECT_GT(findings.refused, 0);
}

}  // namespace
}  // namespace apm::barrier
