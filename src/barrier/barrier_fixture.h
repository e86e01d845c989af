#pragma once

// What the barrier's tests share: a store in memory, a clock moved by hand, initialised barriers.

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "barrier/barrier.h"
#include "storage/leased_memory_store.h"

namespace apm::barrier {

using storage::LeasedMemoryStore;
using Names = std::vector<std::string>;
using Shares = std::vector<crypto::SecretBytes>;

inline constexpr std::int64_t kNow = 1'800'000'000;
inline constexpr shamir::Scheme kThreeOfFive{5, 3};

template <class R>
Code code_of(const R& result) {
  return result.ok() ? Code::kInternal : result.error().code;
}
template <class R>
std::string reason_of(const R& result) {
  return result.ok() ? "" : result.error().reason;
}
inline Bytes bytes(std::string_view text) { return to_bytes(text); }

inline void write_raw(storage::Store& store, const std::string& key, Bytes value) {
  storage::Batch batch;
  batch.puts.push_back({key, std::move(value)});
  ASSERT_TRUE(store.commit(batch).ok());
}
inline Bytes read_raw(storage::Store& store, const std::string& key) {
  const auto value = store.get(key);
  return value.ok() && *value ? **value : Bytes{};
}

inline Shares clones(const Shares& shares) {
  Shares out;
  for (const auto& share : shares) out.push_back(share.clone());
  return out;
}

class BarrierTest : public testing::Test {
 protected:
  // Initialises `store` and gives its shares.
  Shares init(Barrier& barrier, StoreKind kind = StoreKind::kTest,
              shamir::Scheme scheme = kThreeOfFive) {
    auto plan = barrier.plan_init(kind, scheme);
    EXPECT_TRUE(plan.ok()) << plan.error().message;
    plan->config.custody.set("where", "people");
    Shares shares = clones(plan->shares);
    const Status done = barrier.commit_init(std::move(*plan));
    EXPECT_TRUE(done.ok()) << done.error().message;
    return shares;
  }
  static Result<UnsealProgress> unseal(Barrier& barrier, const Shares& shares,
                                       std::initializer_list<std::size_t> which) {
    Result<UnsealProgress> last = Error(Code::kInternal, "no share");
    for (const std::size_t i : which) {
      last = barrier.unseal(shares[i]);
      if (!last.ok()) return last;
    }
    return last;
  }
  // Replaces text in core/seal-config, as somebody with access to the disk could.
  void edit_config(const std::string& from, const std::string& to) {
    std::string text(as_text(read_raw(store_, "core/seal-config")));
    const std::size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << text;
    write_raw(store_, "core/seal-config", bytes(text.replace(at, from.size(), to)));
  }

  LeasedMemoryStore store_;
  ManualClock clock_{kNow};
};

}  // namespace apm::barrier
