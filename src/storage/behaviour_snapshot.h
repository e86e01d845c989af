#pragma once

// The part of the behaviour suite that is about snapshots; included by behaviour_suite.h.

#include "storage/behaviour_suite.h"

namespace apm::storage {

// All of a snapshot, with its order checked.
inline std::vector<std::pair<std::string, std::string>> all_of(Snapshot& snapshot) {
  std::vector<std::pair<std::string, std::string>> out;
  while (true) {
    auto next = snapshot.next();
    EXPECT_TRUE(next.ok()) << next.error().message;
    if (!next.ok() || !*next) return out;
    if (!out.empty()) {
      EXPECT_LT(out.back().first, (*next)->key);
    }
    out.emplace_back((*next)->key, std::string(as_text((*next)->value)));
  }
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

TEST_P(StoreBehaviour, ASnapshotIsWhatWasThereWhenItWasMade) {
  auto empty = store_->snapshot();
  ASSERT_TRUE(empty.ok()) << empty.error().message;
  write("b", "1");
  write("a/x", std::string("\0\xff", 2));
  write("a", "");
  write("\xc3\xa4", "umlaut");
  auto first = store_->snapshot();
  ASSERT_TRUE(first.ok()) << first.error().message;
  write("b", "2");
  write("c", "3");
  Batch gone;
  gone.deletes = {"a"};
  ASSERT_TRUE(store_->commit(gone).ok());
  auto second = store_->snapshot();
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(all_of(**empty), Pairs{});
  EXPECT_EQ(
      all_of(**first),
      (Pairs{{"a", ""}, {"a/x", std::string("\0\xff", 2)}, {"b", "1"}, {"\xc3\xa4", "umlaut"}}));
  EXPECT_EQ(
      all_of(**second),
      (Pairs{{"a/x", std::string("\0\xff", 2)}, {"b", "2"}, {"c", "3"}, {"\xc3\xa4", "umlaut"}}));
  const auto after = (*second)->next();  // the end stays the end
  ASSERT_TRUE(after.ok());
  EXPECT_FALSE(after->has_value());
}

// More than one page of a backend that reads in pages, by rows and by bytes.
TEST_P(StoreBehaviour, ASnapshotHoldsEveryKeyOfALargeStore) {
  Pairs expected;
  for (int part = 0; part < 5; ++part) {
    Batch batch;
    for (int i = 0; i < 500; ++i) {
      const std::string key = concat("k/", 10'000 + part * 500 + i);
      batch.puts.push_back({key, text(key)});
      expected.emplace_back(key, key);
    }
    ASSERT_TRUE(store_->commit(batch).ok());
  }
  for (int i = 0; i < 3; ++i) {
    const std::string value(kValueBytesMax, static_cast<char>('a' + i));
    write(concat("l/", i), value);
    expected.emplace_back(concat("l/", i), value);
  }
  auto snapshot = store_->snapshot();
  ASSERT_TRUE(snapshot.ok()) << snapshot.error().message;
  EXPECT_TRUE(all_of(**snapshot) == expected);
}

// Two keys that every batch changes together, far apart in the order and with much between them.
TEST_P(StoreBehaviour, ASnapshotUnderWritesIsOneMoment) {
  Batch filling;
  for (int i = 0; i < 200; ++i) filling.puts.push_back({concat("m/", i), Bytes(4096)});
  ASSERT_TRUE(store_->commit(filling).ok());
  std::atomic<int> written{0};
  std::atomic<bool> failed{false};
  const std::jthread writer([&](const std::stop_token& stop) {
    for (int n = 1; !stop.stop_requested() && !failed; ++n) {
      Batch batch = put("a", concat(n));
      batch.puts.push_back({"z", text(concat(n))});
      const Status committed = store_->commit(batch);
      EXPECT_TRUE(committed.ok()) << committed.error().message;
      failed = !committed.ok();
      written = n;
    }
  });
  while (written == 0) std::this_thread::yield();
  for (int i = 0; i < 10; ++i) {
    const int before = written;
    auto snapshot = store_->snapshot();
    ASSERT_TRUE(snapshot.ok()) << snapshot.error().message;
    const int target = written + 1;
    while (written < target && !failed)
      std::this_thread::yield();  // a write falls into every reading
    const Pairs pairs = all_of(**snapshot);
    ASSERT_EQ(pairs.size(), 202U);
    EXPECT_EQ(pairs.front().second, pairs.back().second);
    EXPECT_GE(static_cast<int>(parse_u64(pairs.front().second).value_or(0)), before);
  }
}

}  // namespace apm::storage
