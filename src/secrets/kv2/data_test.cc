#include <thread>

#include "base/text.h"
#include "secrets/kv2/fixture.h"

namespace apm::secrets::kv2 {
namespace {

TEST_F(Kv2Test, EachWriteIsANewVersionAndOldOnesStay) {
  write("a/b", R"({"k":"one"})", 1);
  clock_.advance(Milliseconds(1500));
  write("a/b", R"({"k":"two","n":18446744073709551616})", 2);
  EXPECT_EQ(read("a/b"), R"({"k":"two","n":18446744073709551616})");
  EXPECT_EQ(read("a/b", R"({"version":"1"})"), R"({"k":"one"})");
  EXPECT_EQ(read("a/b", R"({"version":0})"), read("a/b"));
  EXPECT_EQ(read("a/b", R"({"version":3})"), "404");
  EXPECT_EQ(read("a"), "404");
  EXPECT_EQ(text(Operation::kRead, "data/a/b"),
            R"({"data":{"k":"two","n":18446744073709551616},)"
            R"("metadata":{"created_time":"2027-01-15T08:00:01.500000000Z","deletion_time":"",)"
            R"("destroyed":false,"custom_metadata":null,"version":2}})");
}

TEST_F(Kv2Test, AWriteSaysWhatItMade) {
  EXPECT_EQ(text(Operation::kCreate, "data/x", R"({"data":{}})"),
            R"({"created_time":"2027-01-15T08:00:00.000000000Z","deletion_time":"",)"
            R"("destroyed":false,"custom_metadata":null,"version":1})");
  EXPECT_EQ(read("x"), "{}");
  const auto strange = ask(Operation::kUpdate, "data/x", R"({"data":{},"cas":1,"options":null})");
  ASSERT_TRUE(strange.ok());
  EXPECT_EQ(strange->warnings,
            std::vector<std::string>{"Endpoint ignored these unrecognized parameters: [cas]"});
}

TEST_F(Kv2Test, AWriteWithoutDataIsRefused) {
  for (const char* body : {"{}", R"({"data":null})", R"({"k":"v"})"}) {
    const auto refused = ask(Operation::kUpdate, "data/x", body);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().reason, "kv_data_missing");
    EXPECT_EQ(refused.error().message, "no data provided");
    EXPECT_EQ(reason(Operation::kPatch, "data/x", body), "kv_data_missing");
  }
  EXPECT_EQ(reason(Operation::kUpdate, "data/x", R"({"data":"text"})"), "field");
  EXPECT_EQ(reason(Operation::kUpdate, "data/x", R"({"data":{},"options":7})"), "field");
  EXPECT_TRUE(keys().empty());
}

TEST_F(Kv2Test, CheckAndSetComparesTheCurrentVersion) {
  const auto put = [this](const std::string& cas) {
    return reason(Operation::kUpdate, "data/x",
                  R"({"data":{"a":1},"options":{"cas":)" + cas + "}}");
  };
  EXPECT_EQ(put("1"), "kv_cas_mismatch");
  EXPECT_EQ(put("0"), "");
  EXPECT_EQ(put("0"), "kv_cas_mismatch");
  EXPECT_EQ(put("\"1\""), "");
  EXPECT_EQ(put("1"), "kv_cas_mismatch");
  EXPECT_EQ(put("2"), "");
  for (const char* bad : {"-1", "null", "\"x\"", "1.5", "18446744073709551616", "true", "[3]"}) {
    EXPECT_EQ(put(bad), "kv_cas_format") << bad;
  }
  const auto mismatch =
      ask(Operation::kUpdate, "data/x", R"({"data":{},"options":{"cas":18446744073709551615}})");
  EXPECT_EQ(mismatch.error().message, "check-and-set parameter did not match the current version");
  // A deleted version still is the current one.
  ASSERT_EQ(text(Operation::kDelete, "data/x"), "");
  EXPECT_EQ(put("0"), "kv_cas_mismatch");
  EXPECT_EQ(put("3"), "");
}

TEST_F(Kv2Test, CheckAndSetIsRequiredByTheMountOrTheSecret) {
  const auto bare = [this](const char* path) {
    const auto done = ask(Operation::kUpdate, path, R"({"data":{}})");
    return done.ok() ? "" : done.error().message;
  };
  const std::string required = "check-and-set parameter required for this call";
  ASSERT_EQ(reason(Operation::kUpdate, "metadata/own", R"({"cas_required":true})"), "");
  EXPECT_EQ(bare("data/own"), required);
  EXPECT_EQ(bare("data/other"), "");
  ASSERT_EQ(reason(Operation::kUpdate, "config", R"({"cas_required":true})"), "");
  EXPECT_EQ(bare("data/other"), required);
  EXPECT_EQ(reason(Operation::kPatch, "data/other", R"({"data":{"a":1}})"), "kv_cas_required");
  EXPECT_EQ(reason(Operation::kUpdate, "data/own", R"({"data":{},"options":{"cas":0}})"), "");
}

TEST_F(Kv2Test, OfWritersWithTheSameCheckAndSetExactlyOneWins) {
  Engine other(view_, clock_);  // as after a seal and unseal, while the first still works
  constexpr int kRounds = 20;
  constexpr int kWriters = 8;
  for (int round = 0; round < kRounds; ++round) {
    std::atomic<int> won{0};
    std::atomic<int> lost{0};
    std::vector<std::thread> writers;
    for (int i = 0; i < kWriters; ++i) {
      writers.emplace_back([&, i] {
        Engine& engine = i % 2 == 0 ? engine_ : other;
        const auto done = engine.handle(
            request(Operation::kUpdate, "data/x",
                    concat(R"({"data":{"by":)", i, R"(},"options":{"cas":)", round, "}}")));
        if (done.ok()) {
          ++won;
        } else if (done.error().reason == "kv_cas_mismatch") {
          ++lost;
        }
      });
    }
    for (std::thread& writer : writers) writer.join();
    ASSERT_EQ(won, 1) << round;
    ASSERT_EQ(lost, kWriters - 1) << round;
  }
}

TEST_F(Kv2Test, NoWriteOfManyWritersIsLost) {
  constexpr int kWriters = 4;
  constexpr int kEach = 25;
  std::vector<std::thread> writers;
  ASSERT_EQ(reason(Operation::kUpdate, "config", R"({"max_versions":200})"), "");
  for (int i = 0; i < kWriters; ++i) {
    writers.emplace_back([&, i] {
      for (int n = 0; n < kEach; ++n) {
        const auto done = engine_.handle(request(
            Operation::kUpdate, "data/x", concat(R"({"data":{"by":)", i, R"(,"n":)", n, "}}")));
        EXPECT_TRUE(done.ok()) << done.error().message;
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  std::set<std::string> values;
  for (int version = 1; version <= kWriters * kEach; ++version) {
    values.insert(read("x", concat(R"({"version":)", version, "}")));
  }
  EXPECT_EQ(values.size(), kWriters * kEach);
  EXPECT_FALSE(values.contains("404"));
}

TEST_F(Kv2Test, ReadersBesideAWriterAlwaysGetAVersion) {
  // Each write removes the value of the version before.
  ASSERT_EQ(reason(Operation::kUpdate, "config", R"({"max_versions":1})"), "");
  write("x", R"({"n":0})", 1);
  Engine other(view_, clock_);
  std::atomic<bool> writing{true};
  std::atomic<int> failed{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&, i] {
      Engine& engine = i == 0 ? other : engine_;
      while (writing) {
        const auto answer = engine.handle(request(Operation::kRead, "data/x", "{}"));
        if (!answer.ok() || answer->status != 0) ++failed;
      }
    });
  }
  for (std::uint64_t version = 2; version < 600; ++version) write("x", R"({"n":1})", version);
  writing = false;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(failed, 0);
}

TEST_F(Kv2Test, AValueThatWasRemovedMeanwhileIsNotTakenForALostOne) {
  write("x", R"({"n":1})", 1);
  const Records records(view_);
  const auto before = *records.find("x");
  ASSERT_EQ(text(Operation::kUpdate, "destroy/x", R"({"versions":[1]})"), "");
  EXPECT_EQ(barrier::reason_of(records.value("x", *before, 1)), "kv_changed");
  ASSERT_EQ(text(Operation::kDelete, "metadata/x"), "");
  EXPECT_EQ(barrier::reason_of(records.value("x", *before, 1)), "kv_changed");
}

TEST_F(Kv2Test, APatchMergesIntoTheCurrentVersion) {
  EXPECT_EQ(text(Operation::kPatch, "data/x", R"({"data":{"a":1}})"), "not_found: secret_absent");
  write("x", R"({"a":1,"b":{"c":2,"d":3},"e":[1,2]})", 1);
  ASSERT_EQ(
      reason(Operation::kPatch, "data/x",
             R"({"data":{"a":null,"b":{"c":null,"x":{"y":null,"z":0}},"e":{"f":1},"new":""}})"),
      "");
  EXPECT_EQ(read("x"), R"({"b":{"d":3,"x":{"z":0}},"e":{"f":1},"new":""})");
  EXPECT_EQ(read("x", R"({"version":1})"), R"({"a":1,"b":{"c":2,"d":3},"e":[1,2]})");
  EXPECT_EQ(reason(Operation::kPatch, "data/x", R"({"data":{},"options":{"cas":1}})"),
            "kv_cas_mismatch");
  EXPECT_EQ(reason(Operation::kPatch, "data/x", R"({"data":{},"options":{"cas":2}})"), "");

  ASSERT_EQ(text(Operation::kDelete, "data/x"), "");
  const auto gone = ask(Operation::kPatch, "data/x", R"({"data":{"a":1}})");
  ASSERT_TRUE(gone.ok());
  EXPECT_EQ(gone->status, 404);
  EXPECT_EQ(at(gone, {"version"}), json::Value(3));
  EXPECT_EQ(read("x"), "404 null");
  ASSERT_EQ(reason(Operation::kUpdate, "metadata/bare", R"({"max_versions":2})"), "");
  EXPECT_EQ(text(Operation::kPatch, "data/bare", R"({"data":{}})"), "not_found: secret_absent");
}

TEST_F(Kv2Test, PatchesCannotMakeASecretThatIsTooLargeToRead) {
  const auto members = [](char letter, std::size_t count) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i) {
      out += concat(i == 0 ? "" : ",", "\"", letter, i, "\":0");
    }
    return "{" + out + "}";
  };
  constexpr std::size_t kHalf = kValueNodesMax / 2;
  write("x", members('a', kHalf - 1), 1);
  const auto patch = [&](std::size_t count) {
    return reason(Operation::kPatch, "data/x", R"({"data":)" + members('b', count) + "}");
  };
  EXPECT_EQ(patch(kHalf + 1), "secret_values");
  EXPECT_EQ(patch(kHalf), "");
  EXPECT_NE(read("x").find("\"b0\":0"), std::string::npos);

  const std::string half(kValueBytesMax / 2, 'v');
  write("y", R"({"a":")" + half + "\"}", 1);
  EXPECT_EQ(reason(Operation::kPatch, "data/y", R"({"data":{"b":")" + half + "\"}}"),
            "secret_size");
  const std::string rest(kValueBytesMax / 2 - 15, 'v');
  EXPECT_EQ(reason(Operation::kPatch, "data/y", R"({"data":{"b":")" + rest + "\"}}"), "");
  EXPECT_EQ(read("y").size(), kValueBytesMax);
}

TEST_F(Kv2Test, SubkeysShowNamesAndNoValue) {
  write("x", R"({"a":"VALUE","b":{"c":{"d":"VALUE"},"e":{}},"f":["VALUE"]})", 1);
  const auto names = [this](const std::string& query) {
    return json::write(at(ask(Operation::kRead, "subkeys/x", query), {"subkeys"}));
  };
  EXPECT_EQ(names("{}"), R"({"a":null,"b":{"c":{"d":null},"e":null},"f":null})");
  EXPECT_EQ(names(R"({"depth":"1"})"), R"({"a":null,"b":null,"f":null})");
  EXPECT_EQ(names(R"({"depth":2})"), R"({"a":null,"b":{"c":null,"e":null},"f":null})");
  EXPECT_EQ(text(Operation::kRead, "subkeys/x").find("VALUE"), std::string::npos);
  EXPECT_EQ(at(ask(Operation::kRead, "subkeys/x"), {"metadata", "version"}), json::Value(1));
  EXPECT_EQ(reason(Operation::kRead, "subkeys/x", R"({"depth":-1})"), "field");
  EXPECT_EQ(reason(Operation::kRead, "subkeys/none"), "secret_absent");
  EXPECT_EQ(reason(Operation::kUpdate, "subkeys/x"), "kv_operation");
  ASSERT_EQ(text(Operation::kDelete, "data/x"), "");
  const auto gone = ask(Operation::kRead, "subkeys/x");
  EXPECT_EQ(gone->status, 404);
  EXPECT_TRUE(at(gone, {"subkeys"}).is_null());
}

TEST_F(Kv2Test, NumbersOfVersionsBeyondAllBoundsAreRefused) {
  write("x", R"({"a":1})", 1);
  for (const char* bad : {"-1", "\"-1\"", "18446744073709551616", "1.0", "1e3", "\"1 \"", "[]"}) {
    EXPECT_EQ(reason(Operation::kRead, "data/x", concat(R"({"version":)", bad, "}")), "field")
        << bad;
  }
  EXPECT_EQ(read("x", R"({"version":18446744073709551615})"), "404");
}

TEST_F(Kv2Test, ANumberIsNeverGivenTwice) {
  write("x", R"({"a":1})", 1);
  // A record as a store could hold it after 2^53 - 2 writes.
  auto held = *Records(view_).find("x");
  held->content.versions.clear();
  held->content.current = kVersionNumberMax - 1;
  ASSERT_TRUE(Records(view_).put("x", *held, {}).ok());
  write("x", R"({"a":2})", kVersionNumberMax);
  EXPECT_EQ(reason(Operation::kUpdate, "data/x", R"({"data":{}})"), "kv_version_number");
  EXPECT_EQ(read("x"), R"({"a":2})");
}

}  // namespace
}  // namespace apm::secrets::kv2
