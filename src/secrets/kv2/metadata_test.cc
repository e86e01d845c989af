#include "base/text.h"
#include "secrets/catalog.h"
#include "secrets/kv2/fixture.h"

namespace apm::secrets::kv2 {
namespace {

TEST_F(Kv2Test, ConfigStartsEmptyAndIsMerged) {
  EXPECT_EQ(text(Operation::kRead, "config"),
            R"({"cas_required":false,"delete_version_after":"0s","max_versions":0})");
  ASSERT_EQ(reason(Operation::kUpdate, "config", R"({"max_versions":"7"})"), "");
  ASSERT_EQ(reason(Operation::kUpdate, "config",
                   R"({"cas_required":true,"delete_version_after":"3h25m19s"})"),
            "");
  EXPECT_EQ(text(Operation::kRead, "config"),
            R"({"cas_required":true,"delete_version_after":"3h25m19s","max_versions":7})");
  EXPECT_EQ(reason(Operation::kDelete, "config"), "kv_operation");
  EXPECT_EQ(reason(Operation::kList, "config"), "kv_operation");
}

TEST_F(Kv2Test, SettingsOutOfBoundsAreRefusedAndChangeNothing) {
  const std::string before = text(Operation::kRead, "config");
  for (const auto& [body, expected] : {
           std::pair{R"({"max_versions":501})", "kv_max_versions"},
           std::pair{R"({"max_versions":4294967297})", "kv_max_versions"},
           std::pair{R"({"max_versions":-1})", "field"},
           std::pair{R"({"max_versions":18446744073709551616})", "field"},
           std::pair{R"({"cas_required":"perhaps"})", "field"},
           std::pair{R"({"delete_version_after":"soon"})", "field"},
           std::pair{R"({"delete_version_after":"500ms"})", "field"},
           std::pair{R"({"delete_version_after":3153600001})", "field"},
           std::pair{R"({"delete_version_after":[1]})", "field"},
           std::pair{R"({"delete_version_after":"-x"})", "field"},
       }) {
    EXPECT_EQ(reason(Operation::kUpdate, "config", body), expected) << body;
    EXPECT_EQ(reason(Operation::kUpdate, "metadata/x", body), expected) << body;
  }
  EXPECT_EQ(reason(Operation::kUpdate, "metadata/x", R"({"delete_version_after":"-1s"})"), "field");
  EXPECT_EQ(reason(Operation::kUpdate, "metadata/x", R"({"delete_version_after":-1})"), "field");
  EXPECT_EQ(text(Operation::kRead, "config"), before);
  EXPECT_TRUE(keys().empty());
  ASSERT_EQ(reason(Operation::kUpdate, "config", R"({"delete_version_after":3153600000})"), "");
  write("x", R"({"k":"v"})", 1);
  EXPECT_EQ(at(ask(Operation::kRead, "data/x"), {"metadata", "deletion_time"}),
            json::Value("2126-12-22T08:00:00.000000000Z"));
}

TEST_F(Kv2Test, MetadataComesFirstOrWithTheFirstVersion) {
  EXPECT_EQ(text(Operation::kRead, "metadata/x"), "not_found: secret_absent");
  EXPECT_EQ(text(Operation::kUpdate, "metadata/x"), "");
  EXPECT_EQ(text(Operation::kRead, "metadata/x"), "not_found: secret_absent");
  ASSERT_EQ(text(Operation::kCreate, "metadata/x",
                 R"({"max_versions":5,"custom_metadata":{"team":"a","n":7}})"),
            "");
  EXPECT_EQ(text(Operation::kRead, "metadata/x"),
            R"({"created_time":"2027-01-15T08:00:00.000000000Z","current_version":0,)"
            R"("custom_metadata":{"n":"7","team":"a"},"oldest_version":0,)"
            R"("updated_time":"2027-01-15T08:00:00.000000000Z","versions":{},)"
            R"("cas_required":false,"delete_version_after":"0s","max_versions":5})");
  EXPECT_EQ(read("x"), "404");
  EXPECT_EQ(text(Operation::kDelete, "data/x"), "");
  clock_.advance(Milliseconds(2000));
  write("x", R"({"k":"v"})", 1);
  EXPECT_EQ(json::write(at(ask(Operation::kRead, "metadata/x"), {"versions"})),
            R"({"1":{"created_time":"2027-01-15T08:00:02.000000000Z","deletion_time":"",)"
            R"("destroyed":false}})");
  EXPECT_EQ(json::write(at(ask(Operation::kRead, "data/x"), {"metadata", "custom_metadata"})),
            R"({"n":"7","team":"a"})");
}

TEST_F(Kv2Test, MetadataIsWrittenMemberByMemberAndPatched) {
  ASSERT_EQ(text(Operation::kUpdate, "metadata/x",
                 R"({"max_versions":5,"cas_required":true,"delete_version_after":"1m30s",)"
                 R"("custom_metadata":{"a":"1","b":"2"}})"),
            "");
  const auto shown = [this] {
    const auto answer = ask(Operation::kRead, "metadata/x");
    return json::write(at(answer, {"custom_metadata"})) +
           json::write(at(answer, {"max_versions"})) + json::write(at(answer, {"cas_required"})) +
           json::write(at(answer, {"delete_version_after"}));
  };
  ASSERT_EQ(text(Operation::kUpdate, "metadata/x",
                 R"({"custom_metadata":{"c":"3"},"max_versions":null})"),
            "");
  EXPECT_EQ(shown(), R"({"c":"3"}5true"1m30s")");
  ASSERT_EQ(text(Operation::kPatch, "metadata/x",
                 R"({"custom_metadata":{"c":null,"d":"4","gone":null},"max_versions":null})"),
            "");
  EXPECT_EQ(shown(), R"({"d":"4"}0true"1m30s")");
  ASSERT_EQ(text(Operation::kPatch, "metadata/x",
                 R"({"custom_metadata":null,"cas_required":null,"delete_version_after":null})"),
            "");
  EXPECT_EQ(shown(), R"(null0false"0s")");
  EXPECT_EQ(text(Operation::kPatch, "metadata/none", R"({"max_versions":1})"),
            "not_found: secret_absent");
  EXPECT_EQ(text(Operation::kPatch, "metadata/none"), "");
}

TEST_F(Kv2Test, WhatTheMountDemandsIsNotSwitchedOffForOneSecret) {
  ASSERT_EQ(reason(Operation::kUpdate, "config", R"({"cas_required":true})"), "");
  const auto done = ask(Operation::kUpdate, "metadata/x", R"({"cas_required":false,"odd":1})");
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(done->warnings,
            (std::vector<std::string>{
                "Endpoint ignored these unrecognized parameters: [odd]",
                "\"cas_required\" set to false, but is mandated by backend config. This value will "
                "be ignored."}));
  EXPECT_EQ(reason(Operation::kUpdate, "data/x", R"({"data":{}})"), "kv_cas_required");
}

TEST_F(Kv2Test, CustomMetadataHasVaultsBounds) {
  const auto put = [this](const std::string& custom) {
    return reason(Operation::kUpdate, "metadata/x", R"({"custom_metadata":)" + custom + "}");
  };
  const auto member = [](std::size_t key, std::size_t value) {
    return "{\"" + std::string(key, 'k') + "\":\"" + std::string(value, 'v') + "\"}";
  };
  EXPECT_EQ(put(member(kCustomKeyBytesMax, kCustomValueBytesMax)), "");
  EXPECT_EQ(put(member(kCustomKeyBytesMax + 1, 1)), "kv_custom_metadata");
  EXPECT_EQ(put(member(1, kCustomValueBytesMax + 1)), "kv_custom_metadata");
  EXPECT_EQ(put(member(0, 1)), "kv_custom_metadata");
  EXPECT_EQ(put(member(1, 0)), "kv_custom_metadata");
  for (const char* bad : {"[]", "\"a\"", R"({"a":null})", R"({"a":{}})", R"({"a":true})",
                          "{\"a\":\"\\n\"}", "{\"\\u0007\":\"b\"}", "{\"a\":\"\\u007f\"}"}) {
    EXPECT_EQ(put(bad), "kv_custom_metadata") << bad;
  }
  const auto many = [](std::size_t from, std::size_t count) {
    std::string out;
    for (std::size_t i = from; i < from + count; ++i) {
      out += concat(i == from ? "" : ",", "\"k", i, "\":\"v\"");
    }
    return "{" + out + "}";
  };
  EXPECT_EQ(put(many(0, kCustomKeysMax + 1)), "kv_custom_metadata");
  EXPECT_EQ(put(many(0, kCustomKeysMax)), "");
  // Patch by patch neither.
  const auto patch = [this](const std::string& custom) {
    return reason(Operation::kPatch, "metadata/x", R"({"custom_metadata":)" + custom + "}");
  };
  EXPECT_EQ(patch(many(kCustomKeysMax, 1)), "kv_custom_metadata");
  EXPECT_EQ(patch(R"({"k0":null,"new":"v"})"), "");
  EXPECT_EQ(patch(R"({"more":"v"})"), "kv_custom_metadata");
  EXPECT_EQ(patch("[]"), "kv_custom_metadata");
}

TEST_F(Kv2Test, DeletingMetadataLeavesNothing) {
  write("x", R"({"k":"one"})", 1);
  write("x", R"({"k":"two"})", 2);
  write("x/below", R"({"k":"other"})", 1);
  const auto old = *Records(view_).find("x");
  EXPECT_EQ(text(Operation::kDelete, "metadata/x"), "");
  EXPECT_EQ(keys().size(), 2U);
  EXPECT_EQ(read("x"), "404");
  EXPECT_EQ(read("x/below"), R"({"k":"other"})");
  EXPECT_EQ(text(Operation::kDelete, "metadata/x"), "");
  // Made anew, it has another id: values of before cannot be taken for its own.
  write("x", R"({"k":"new"})", 1);
  EXPECT_EQ(read("x", R"({"version":2})"), "404");
  EXPECT_NE((*Records(view_).find("x"))->content.id, old->content.id);
}

TEST_F(Kv2Test, ListsShowPathsAlone) {
  EXPECT_EQ(text(Operation::kList, "metadata"), R"({"keys":[]})");
  write("x", R"({"k":"v"})", 1);
  write("x/y", R"({"k":"v"})", 1);
  write("dir/deep/z", R"({"k":"v"})", 1);
  ASSERT_EQ(reason(Operation::kUpdate, "config", R"({"max_versions":5})"), "");
  EXPECT_EQ(text(Operation::kList, "metadata"), R"({"keys":["dir/","x","x/"]})");
  EXPECT_EQ(text(Operation::kList, "metadata/dir"), R"({"keys":["deep/"]})");
  EXPECT_EQ(text(Operation::kList, "metadata/x"), R"({"keys":["y"]})");
  // A deleted secret is still listed, one without metadata is not.
  ASSERT_EQ(text(Operation::kDelete, "data/x/y"), "");
  EXPECT_EQ(text(Operation::kList, "metadata/x"), R"({"keys":["y"]})");
  ASSERT_EQ(text(Operation::kDelete, "metadata/x/y"), "");
  EXPECT_EQ(text(Operation::kList, "metadata/x"), R"({"keys":[]})");
  for (const char* path : {"data", "data/x", "value", "meta"}) {
    const auto answer = ask(Operation::kList, path);
    EXPECT_TRUE(!answer.ok() || !answer->data) << path;
  }
}

TEST_F(Kv2Test, PathsStayBelowTheMetadata) {
  write("x", R"({"k":"v"})", 1);
  for (const char* bad : {"", "/x", "x/", "/", "a//b"}) {
    EXPECT_FALSE(ask(Operation::kUpdate, std::string("data/") + bad, R"({"data":{}})").ok()) << bad;
    EXPECT_FALSE(ask(Operation::kRead, std::string("data/") + bad).ok()) << bad;
    EXPECT_FALSE(ask(Operation::kDelete, std::string("metadata/") + bad).ok()) << bad;
  }
  // Dots are names like others here, and the API refuses them before.
  EXPECT_EQ(read("../config"), "404");
  EXPECT_EQ(text(Operation::kRead, "metadata/../meta/x"), "not_found: secret_absent");
  const std::string longest(kPathBytesMax, 'p');
  write(longest, R"({"k":"v"})", 1);
  EXPECT_EQ(read(longest), R"({"k":"v"})");
  EXPECT_EQ(reason(Operation::kUpdate, "data/" + longest + "p", R"({"data":{}})"),
            "secret_path_length");
  EXPECT_EQ(reason(Operation::kRead, "metadata/" + longest + "p"), "secret_path_length");
}

TEST_F(Kv2Test, PathsOfVersionOneAreToldFromAbsentSecrets) {
  for (const auto& [operation, word] : {std::pair{Operation::kRead, "'vault kv get'"},
                                        std::pair{Operation::kUpdate, "'vault kv put'"},
                                        std::pair{Operation::kList, "'vault kv list'"},
                                        std::pair{Operation::kDelete, "'vault kv delete'"}}) {
    for (const char* path : {"x", "", "a/b", "config/x", "datax/y"}) {
      const auto answer = ask(operation, path);
      ASSERT_TRUE(answer.ok());
      EXPECT_EQ(answer->status, 404);
      EXPECT_FALSE(answer->data);
      ASSERT_EQ(answer->warnings.size(), 1U);
      EXPECT_TRUE(
          answer->warnings[0].starts_with("Invalid path for a versioned K/V secrets engine"));
      EXPECT_NE(answer->warnings[0].find(word), std::string::npos);
    }
  }
}

TEST_F(Kv2Test, ExistingIsToldForDataAndMetadata) {
  const auto exists = [this](const char* path) {
    return *engine_.exists(request(Operation::kUpdate, path, "{}"));
  };
  EXPECT_EQ(exists("data/x"), std::optional<bool>(false));
  write("x", R"({"k":"v"})", 1);
  EXPECT_EQ(exists("data/x"), std::optional<bool>(true));
  EXPECT_EQ(exists("metadata/x"), std::optional<bool>(true));
  for (const char* path : {"config", "delete/x", "undelete/x", "destroy/x", "other"}) {
    EXPECT_EQ(exists(path), std::nullopt) << path;
  }
}

TEST_F(Kv2Test, DamagedRecordsAreRefused) {
  write("x", R"({"k":"v"})", 1);
  const Bytes whole = **view_.get("meta/x");
  const std::string good(as_text(whole));
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const std::size_t place = text.find(from);
    EXPECT_NE(place, std::string::npos) << from << " in " << good;
    text.replace(place, from.size(), to);
    EXPECT_TRUE(view_.put("meta/x", as_bytes(text)).ok());
    return reason(Operation::kRead, "data/x");
  };
  EXPECT_EQ(with("\"v\":1", "\"v\":1"), "");
  for (const auto& [from, to] :
       {std::pair{"\"v\":1", "\"v\":2"}, std::pair{"\"current\":1", "\"current\":0"},
        std::pair{"\"current\":1", "\"current\":-1"}, std::pair{"\"number\":1", "\"number\":2"},
        std::pair{"\"number\":1", "\"number\":0"}, std::pair{"\"id\":\"", "\"id\":\"../"},
        std::pair{"\"deleted\":false", "\"deleted\":0"},
        std::pair{"\"destroyed\":false", "\"other\":false"},
        std::pair{"\"custom\":{}", "\"custom\":{\"a\":\"\"}"},
        std::pair{"\"max_versions\":0", "\"max_versions\":501"},
        std::pair{"\"delete_version_after_s\":0", "\"delete_version_after_s\":-2"},
        std::pair{"\"updated_ns\":", "\"other\":"}}) {
    EXPECT_EQ(with(from, to), "kv_metadata_record") << from << " -> " << to;
  }
  ASSERT_TRUE(view_.put("meta/x", as_bytes(good)).ok());
  const std::string id = (*Records(view_).find("x"))->content.id;
  ASSERT_TRUE(view_.put("value/" + id + "/1", as_bytes("[]")).ok());
  EXPECT_EQ(reason(Operation::kRead, "data/x"), "kv_value_record");
  ASSERT_TRUE(view_.erase("value/" + id + "/1").ok());
  EXPECT_EQ(reason(Operation::kRead, "data/x"), "kv_value_absent");
  ASSERT_TRUE(view_.put("config", as_bytes("{}")).ok());
  EXPECT_EQ(reason(Operation::kRead, "config"), "kv_config_record");
  EXPECT_EQ(reason(Operation::kUpdate, "data/x", R"({"data":{}})"), "kv_config_record");
}

TEST_F(Kv2Test, WhatAnotherEngineChangedMeanwhileIsNotOverwritten) {
  write("x", R"({"k":"v"})", 1);
  const Records records(view_);
  auto secret = *records.find("x");
  auto settings = *records.settings();
  write("x", R"({"k":"w"})", 2);
  ASSERT_EQ(reason(Operation::kUpdate, "config", R"({"max_versions":3})"), "");
  EXPECT_EQ(barrier::code_of(records.put("x", *secret, {})), Code::kPrecondition);
  EXPECT_EQ(barrier::code_of(records.erase("x", *secret)), Code::kPrecondition);
  EXPECT_EQ(barrier::code_of(records.put_settings(settings)), Code::kPrecondition);
  // A version that was added under settings that are no more: cas_required may stand there by now.
  secret = *records.find("x");
  const std::uint64_t next = secret->content.current + 1;
  EXPECT_EQ(barrier::code_of(records.put("x", *secret, {next, "{}", settings, {}})),
            Code::kPrecondition);
  EXPECT_TRUE(records.put("x", *secret, {next, "{}", *records.settings(), {}}).ok());
  EXPECT_EQ(barrier::code_of(records.put("x", {new_metadata(1), {}}, {})), Code::kPrecondition);
  EXPECT_EQ(read("x"), R"({"k":"w"})");
}

TEST(Catalog, TypesOfVersionsAreNamesOfOneType) {
  const auto two = plain_type({"kv-v2", {}});
  ASSERT_TRUE(two.ok());
  EXPECT_EQ(two->type, "kv");
  EXPECT_EQ(two->options.at("version"), "2");
  EXPECT_EQ(engine_version(*two), "2");
  EXPECT_EQ(engine_version({"kv", {}}), "1");
  EXPECT_EQ(engine_version(*plain_type({"kv-v1", {}})), "1");
  EXPECT_EQ(plain_type({"kv-v2", {{"version", "1"}}}).error().reason, "engine_option");
  EXPECT_EQ(plain_type({"kv-v1", {{"version", "2"}}}).error().reason, "engine_option");
  EXPECT_EQ(plain_type({"generic", {{"version", "2"}}})->type, "generic");
}

TEST_F(Kv2Test, TheCatalogMakesTheVersionThatTheOptionSays) {
  const auto made = [this](const char* type, std::map<std::string, std::string> options) {
    return barrier::reason_of(make_engine(type, options, view_, clock_));
  };
  EXPECT_EQ(made("kv", {{"version", "2"}}), "");
  EXPECT_EQ(made("kv", {{"version", "1"}}), "");
  EXPECT_EQ(made("kv", {{"version", "3"}}), "engine_option");
  EXPECT_EQ(made("kv", {{"version", ""}}), "engine_option");
  EXPECT_EQ(made("generic", {{"version", "2"}}), "engine_option");
  EXPECT_EQ(made("kv-v3", {}), "engine_unknown");
  auto engine = make_engine("kv", {{"version", "2"}}, view_, clock_);
  EXPECT_NE(dynamic_cast<Engine*>(engine->get()), nullptr);
}

}  // namespace
}  // namespace apm::secrets::kv2
