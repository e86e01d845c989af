#include "secrets/kv2/fixture.h"

namespace apm::secrets::kv2 {
namespace {

TEST_F(Kv2Test, ADeletedVersionIsGoneUntilItIsUndeleted) {
  write("x", R"({"k":"one"})", 1);
  write("x", R"({"k":"two"})", 2);
  EXPECT_EQ(text(Operation::kDelete, "data/x"), "");
  EXPECT_EQ(text(Operation::kRead, "data/x"),
            R"({"data":null,"metadata":{"created_time":"2027-01-15T08:00:00.000000000Z",)"
            R"("deletion_time":"2027-01-15T08:00:00.000000000Z","destroyed":false,)"
            R"("custom_metadata":null,"version":2}})");
  EXPECT_EQ(read("x", R"({"version":1})"), R"({"k":"one"})");
  ASSERT_EQ(text(Operation::kUpdate, "undelete/x", R"({"versions":[2]})"), "");
  EXPECT_EQ(read("x"), R"({"k":"two"})");
  ASSERT_EQ(text(Operation::kUpdate, "delete/x", R"({"versions":"1, 2,77"})"), "");
  EXPECT_EQ(read("x"), "404 null");
  EXPECT_EQ(read("x", R"({"version":1})"), "404 null");
  ASSERT_EQ(text(Operation::kUpdate, "undelete/x", R"({"versions":1})"), "");
  EXPECT_EQ(read("x", R"({"version":1})"), R"({"k":"one"})");
  EXPECT_EQ(read("x"), "404 null");
}

TEST_F(Kv2Test, TheTimeOfADeletionStaysTheFirst) {
  write("x", R"({"k":"one"})", 1);
  ASSERT_EQ(text(Operation::kDelete, "data/x"), "");
  const std::string before = text(Operation::kRead, "data/x");
  clock_.advance(Milliseconds(60'000));
  ASSERT_EQ(text(Operation::kDelete, "data/x"), "");
  ASSERT_EQ(text(Operation::kUpdate, "delete/x", R"({"versions":[1]})"), "");
  EXPECT_EQ(text(Operation::kRead, "data/x"), before);
}

TEST_F(Kv2Test, ADeletionDoesNotEndWhenTheClockGoesBack) {
  write("x", R"({"k":"one"})", 1);
  ASSERT_EQ(text(Operation::kDelete, "data/x"), "");
  ManualClock earlier(barrier::kNow - 3600);
  Engine later(view_, earlier);
  const auto answer = later.handle(request(Operation::kRead, "data/x", "{}"));
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->status, 404);
  EXPECT_TRUE(at(answer, {"data"}).is_null());
}

TEST_F(Kv2Test, ADestroyedVersionNeverComesBack) {
  write("x", R"({"k":"one"})", 1);
  write("x", R"({"k":"two"})", 2);
  ASSERT_EQ(keys().size(), 3U);
  ASSERT_EQ(text(Operation::kUpdate, "destroy/x", R"({"versions":[1,1,9]})"), "");
  EXPECT_EQ(keys().size(), 2U);
  EXPECT_EQ(read("x", R"({"version":1})"), "404 null");
  ASSERT_EQ(text(Operation::kUpdate, "undelete/x", R"({"versions":[1]})"), "");
  EXPECT_EQ(read("x", R"({"version":1})"), "404 null");
  EXPECT_EQ(at(ask(Operation::kRead, "data/x", R"({"version":1})"), {"metadata", "destroyed"}),
            json::Value(true));
  EXPECT_EQ(read("x"), R"({"k":"two"})");
  ASSERT_EQ(text(Operation::kDelete, "data/x"), "");
  ASSERT_EQ(text(Operation::kUpdate, "destroy/x", R"({"versions":[2]})"), "");
  // When it was deleted stays known.
  const std::string before = text(Operation::kRead, "data/x");
  ASSERT_EQ(text(Operation::kUpdate, "undelete/x", R"({"versions":[2]})"), "");
  EXPECT_EQ(text(Operation::kRead, "data/x"), before);
  EXPECT_EQ(text(Operation::kDelete, "data/x"), "");
  EXPECT_EQ(read("x"), "404 null");
  write("x", R"({"k":"three"})", 3);
}

TEST_F(Kv2Test, VersionsMustBeNamed) {
  write("x", R"({"k":"one"})", 1);
  for (const char* area : {"delete/x", "undelete/x", "destroy/x"}) {
    for (const char* body :
         {"{}", R"({"versions":[]})", R"({"versions":""})", R"({"versions":null})"}) {
      const auto refused = ask(Operation::kUpdate, area, body);
      ASSERT_FALSE(refused.ok());
      EXPECT_EQ(refused.error().reason, "kv_versions_missing") << area << body;
      EXPECT_EQ(refused.error().message, "No version number provided");
    }
    for (const char* body : {R"({"versions":[-1]})", R"({"versions":"1,x"})", R"({"versions":{}})",
                             R"({"versions":[18446744073709551616]})"}) {
      EXPECT_EQ(reason(Operation::kUpdate, area, body), "field") << area << body;
    }
    EXPECT_EQ(reason(Operation::kRead, area), "kv_operation");
    EXPECT_EQ(reason(Operation::kPatch, area, R"({"versions":[1]})"), "kv_operation");
  }
  // As in Vault: nothing happens to what is not there, and that is fine.
  for (const char* area : {"delete/none", "undelete/none", "destroy/none"}) {
    EXPECT_EQ(text(Operation::kUpdate, area, R"({"versions":[1]})"), "");
  }
  EXPECT_EQ(text(Operation::kDelete, "data/none"), "");
  EXPECT_EQ(keys().size(), 2U);
}

TEST_F(Kv2Test, OldVersionsFallOutWithTheirValues) {
  for (std::uint64_t version = 1; version <= kVersionsKeptDefault; ++version) {
    write("x", R"({"k":"v"})", version);
  }
  EXPECT_EQ(at(ask(Operation::kRead, "metadata/x"), {"oldest_version"}), json::Value(0));
  EXPECT_EQ(keys().size(), 1 + kVersionsKeptDefault);
  write("x", R"({"k":"v"})", 11);
  EXPECT_EQ(at(ask(Operation::kRead, "metadata/x"), {"oldest_version"}), json::Value(2));
  EXPECT_EQ(keys().size(), 1 + kVersionsKeptDefault);
  EXPECT_EQ(read("x", R"({"version":1})"), "404");
  // The larger of the mount's and the secret's number counts, as in Vault.
  ASSERT_EQ(reason(Operation::kUpdate, "config", R"({"max_versions":2})"), "");
  ASSERT_EQ(reason(Operation::kUpdate, "metadata/x", R"({"max_versions":3})"), "");
  EXPECT_EQ(keys().size(), 2 + kVersionsKeptDefault);
  write("x", R"({"k":"v"})", 12);
  EXPECT_EQ(keys().size(), 2 + 3U);
  EXPECT_EQ(at(ask(Operation::kRead, "metadata/x"), {"oldest_version"}), json::Value(10));
  ASSERT_EQ(reason(Operation::kUpdate, "metadata/x", R"({"max_versions":1})"), "");
  write("x", R"({"k":"v"})", 13);
  EXPECT_EQ(keys().size(), 2 + 2U);
}

TEST_F(Kv2Test, TheMostVersionsThatAreKeptGoInOneBatch) {
  EXPECT_EQ(reason(Operation::kUpdate, "config", R"({"max_versions":501})"), "kv_max_versions");
  ASSERT_EQ(reason(Operation::kUpdate, "config", R"({"max_versions":500})"), "");
  for (std::uint64_t version = 1; version <= kVersionsKeptMax + 1; ++version) {
    write("x", R"({"k":"v"})", version);
    write("y", R"({"k":"v"})", version);
  }
  EXPECT_EQ(keys().size(), 1 + 2 * (1 + kVersionsKeptMax));
  EXPECT_EQ(text(Operation::kDelete, "metadata/y"), "");
  ASSERT_EQ(reason(Operation::kUpdate, "config", R"({"max_versions":1})"), "");
  write("x", R"({"k":"last"})", kVersionsKeptMax + 2);
  EXPECT_EQ(keys().size(), 3U);
  EXPECT_EQ(read("x"), R"({"k":"last"})");
}

TEST_F(Kv2Test, VersionsAreDeletedByThemselvesAfterTheShorterTime) {
  ASSERT_EQ(reason(Operation::kUpdate, "config", R"({"delete_version_after":"1h"})"), "");
  ASSERT_EQ(reason(Operation::kUpdate, "metadata/soon", R"({"delete_version_after":60})"), "");
  ASSERT_EQ(reason(Operation::kUpdate, "metadata/late", R"({"delete_version_after":"2h"})"), "");
  for (const char* path : {"soon", "late"}) write(path, R"({"k":"v"})", 1);
  EXPECT_EQ(at(ask(Operation::kRead, "data/soon"), {"metadata", "deletion_time"}),
            json::Value("2027-01-15T08:01:00.000000000Z"));
  clock_.advance(Milliseconds(59'999));
  EXPECT_EQ(read("soon"), R"({"k":"v"})");
  clock_.advance(Milliseconds(1));
  EXPECT_EQ(read("soon"), "404 null");
  EXPECT_EQ(read("late"), R"({"k":"v"})");
  EXPECT_EQ(text(Operation::kPatch, "data/soon", R"({"data":{}})").find("\"k\""),
            std::string::npos);
  clock_.advance(Milliseconds(3540'000));
  EXPECT_EQ(read("late"), "404 null");
  // Undeleted, the time runs again.
  ASSERT_EQ(text(Operation::kUpdate, "undelete/soon", R"({"versions":[1]})"), "");
  EXPECT_EQ(read("soon"), R"({"k":"v"})");
  clock_.advance(Milliseconds(60'000));
  EXPECT_EQ(read("soon"), "404 null");
  // A mount can switch it off for all its secrets.
  ASSERT_EQ(reason(Operation::kUpdate, "config", R"({"delete_version_after":"-1s"})"), "");
  write("soon", R"({"k":"w"})", 2);
  clock_.advance(Milliseconds(86'400'000));
  EXPECT_EQ(read("soon"), R"({"k":"w"})");
}

}  // namespace
}  // namespace apm::secrets::kv2
