// kv version 2 as clients see it over HTTP.

#include "api/api_fixture.h"

namespace apm::api {
namespace {

class Kv2ApiTest : public ApiTest {
 protected:
  void SetUp() override {
    ApiTest::SetUp();
    ASSERT_EQ(server.ask("POST", "sys/mounts/secret", R"({"type":"kv","options":{"version":"2"}})")
                  .status,
              204);
  }
  std::string token_for(const std::string& rules) {
    const json::Object policy{{"policy", rules}};
    EXPECT_EQ(server.ask("PUT", "sys/policies/acl/some", json::write(policy)).status, 204);
    return server.make_token(R"({"policies":["some"]})");
  }
  Reply patch(const std::string& path, const std::string& body, const std::string& type) {
    http::Request request;
    request.method = "PATCH";
    request.path = "/v1/" + path;
    request.body = body;
    request.headers = {{"X-Vault-Token", server.root}, {"Content-Type", type}};
    return server.send(std::move(request));
  }
  static std::string version_of(const Reply& reply) {
    const json::Value* options = reply.data("options");
    const std::string* version = options == nullptr ? nullptr : options->string_at("version");
    return version == nullptr ? "" : *version;
  }
};

TEST_F(Kv2ApiTest, MountsTellTheirVersion) {
  ASSERT_EQ(server.ask("POST", "sys/mounts/two", R"({"type":"kv-v2"})").status, 204);
  ASSERT_EQ(
      server.ask("POST", "sys/mounts/number", R"({"type":"kv","options":{"version":2}})").status,
      204);
  ASSERT_EQ(server.ask("POST", "sys/mounts/one", R"({"type":"kv-v1"})").status, 204);
  ASSERT_EQ(server.ask("POST", "sys/mounts/plain", R"({"type":"kv"})").status, 204);
  for (const auto& [path, version] :
       {std::pair{"secret", "2"}, std::pair{"two", "2"}, std::pair{"number", "2"},
        std::pair{"one", "1"}, std::pair{"plain", ""}}) {
    const Reply shown =
        server.ask("GET", std::string("sys/internal/ui/mounts/") + path + "/some/where");
    ASSERT_EQ(shown.status, 200) << path;
    EXPECT_EQ(version_of(shown), version) << path;
    EXPECT_EQ(*shown.data("type"), json::Value("kv"));
    EXPECT_EQ(*shown.data("path"), json::Value(std::string(path) + "/"));
  }
  const Reply refused =
      server.ask("POST", "sys/mounts/bad", R"({"type":"kv-v2","options":{"version":"1"}})");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(*refused.body.string_at("reason"), "engine_option");
  EXPECT_EQ(
      server.ask("POST", "sys/mounts/bad", R"({"type":"kv","options":{"version":"3"}})").status,
      400);
  EXPECT_EQ(server.ask("GET", "sys/mounts/bad").status, 400);
}

TEST_F(Kv2ApiTest, AVersionIsNotChangedInPlace) {
  ASSERT_EQ(server.ask("POST", "sys/mounts/one", R"({"type":"kv"})").status, 204);
  ASSERT_EQ(server.ask("PUT", "one/x", R"({"k":"v"})").status, 204);
  for (const auto& [path, version] : {std::pair{"one", "2"}, std::pair{"secret", "1"}}) {
    const Reply refused = server.ask("POST", std::string("sys/mounts/") + path + "/tune",
                                     std::string(R"({"options":{"version":")") + version + "\"}}");
    EXPECT_EQ(refused.status, 400) << path;
    EXPECT_EQ(*refused.body.string_at("reason"), "kv_upgrade_unsupported");
  }
  EXPECT_EQ(
      server.ask("POST", "sys/mounts/secret/tune", R"({"options":{"version":2},"description":"d"})")
          .status,
      204);
  EXPECT_EQ(server.ask("GET", "one/x").status, 200);
  const Reply other = server.ask("POST", "sys/mounts/one/tune", R"({"options":{"odd":"1"}})");
  EXPECT_EQ(other.status, 400);
  EXPECT_EQ(*other.body.string_at("reason"), "mount_option");
}

TEST_F(Kv2ApiTest, ADeletedVersionIsNotFoundWithWhatIsKnownOfIt) {
  ASSERT_EQ(server.ask("PUT", "secret/data/x", R"({"data":{"k":"CANARY"}})").status, 200);
  ASSERT_EQ(server.ask("DELETE", "secret/data/x").status, 204);
  const Reply gone = server.ask("GET", "secret/data/x");
  EXPECT_EQ(gone.status, 404);
  ASSERT_NE(gone.data("data"), nullptr);
  EXPECT_TRUE(gone.data("data")->is_null());
  EXPECT_EQ(*gone.data("metadata")->at("version"), json::Value(1));
  EXPECT_EQ(gone.body.at("errors"), nullptr);
  EXPECT_EQ(json::write(gone.body).find("CANARY"), std::string::npos);

  const Reply absent = server.ask("GET", "secret/data/none");
  EXPECT_EQ(absent.status, 404);
  EXPECT_EQ(json::write(absent.body), R"({"errors":[]})");
  EXPECT_EQ(server.ask("GET", "secret/data/x?version=2").status, 404);
  EXPECT_EQ(server.ask("GET", "secret/data/x?version=two").status, 400);
  EXPECT_EQ(server.ask("PUT", "secret/undelete/x", R"({"versions":[1]})").status, 204);
  EXPECT_EQ(server.ask("GET", "secret/data/x?version=1").status, 200);
  EXPECT_EQ(server.ask("HEAD", "secret/data/x").status, 200);
}

TEST_F(Kv2ApiTest, ListsNeedTheirOwnPermission) {
  ASSERT_EQ(server.ask("PUT", "secret/data/team/x", R"({"data":{"k":"v"}})").status, 200);
  const std::string reader =
      token_for(R"(path "secret/data/team/*" { capabilities = ["read","list"] })");
  EXPECT_EQ(server.ask("GET", "secret/data/team/x", "", reader).status, 200);
  EXPECT_EQ(server.ask("LIST", "secret/metadata/team", "", reader).status, 403);
  EXPECT_EQ(server.ask("LIST", "secret/metadata", "", reader).status, 403);
  EXPECT_EQ(server.ask("GET", "secret/metadata/team/x", "", reader).status, 403);
  EXPECT_EQ(server.ask("GET", "secret/subkeys/team/x", "", reader).status, 403);
  EXPECT_EQ(server.ask("LIST", "secret/data/team", "", reader).status, 405);
  for (const char* area : {"delete", "undelete", "destroy"}) {
    EXPECT_EQ(
        server.ask("PUT", std::string("secret/") + area + "/team/x", R"({"versions":[1]})", reader)
            .status,
        403);
  }
  // The preflight of the kv commands needs some access to the mount, not to this path.
  EXPECT_EQ(server.ask("GET", "sys/internal/ui/mounts/secret/team/x", "", reader).status, 200);

  const std::string lister = token_for(R"(path "secret/metadata/*" { capabilities = ["list"] })");
  const Reply listed = server.ask("LIST", "secret/metadata/team", "", lister);
  EXPECT_EQ(listed.status, 200);
  EXPECT_EQ(json::write(*listed.data("keys")), R"(["x"])");
  EXPECT_EQ(server.ask("GET", "secret/data/team/x", "", lister).status, 403);
  EXPECT_EQ(server.ask("GET", "secret/metadata/team/x", "", lister).status, 403);
  EXPECT_EQ(server.ask("LIST", "secret/metadata/empty", "", lister).status, 404);
}

TEST_F(Kv2ApiTest, CreateUpdateAndPatchAreToldApart) {
  const std::string creator = token_for(R"(path "secret/data/*" { capabilities = ["create"] })");
  const std::string body = R"({"data":{"k":"v"}})";
  EXPECT_EQ(server.ask("PUT", "secret/data/x", body, creator).status, 200);
  EXPECT_EQ(server.ask("PUT", "secret/data/x", body, creator).status, 403);
  // A deleted secret still is one.
  ASSERT_EQ(server.ask("DELETE", "secret/data/x").status, 204);
  EXPECT_EQ(server.ask("PUT", "secret/data/x", body, creator).status, 403);

  EXPECT_EQ(server.ask("PUT", "secret/data/y", R"({"data":{"a":1,"b":2}})").status, 200);
  EXPECT_EQ(patch("secret/data/y", R"({"data":{"a":null}})", "application/json").status, 415);
  const std::string merge = "application/merge-patch+json";
  EXPECT_EQ(patch("secret/data/y", R"({"data":{"a":null}})", merge).status, 200);
  EXPECT_EQ(json::write(*server.ask("GET", "secret/data/y").data("data")), R"({"b":2})");
  EXPECT_EQ(patch("secret/data/none", R"({"data":{}})", merge).status, 404);
  EXPECT_EQ(patch("secret/metadata/y", R"({"custom_metadata":{"a":"1"}})", merge).status, 204);
  EXPECT_EQ(patch("secret/config", R"({"max_versions":1})", merge).status, 405);
}

TEST_F(Kv2ApiTest, RefusalsHaveVaultsStatusAndText) {
  const Reply none = server.ask("PUT", "secret/data/x", R"({"k":"v"})");
  EXPECT_EQ(none.status, 400);
  EXPECT_EQ(none.error(), "no data provided");
  const Reply cas = server.ask("PUT", "secret/data/x", R"({"data":{},"options":{"cas":7}})");
  EXPECT_EQ(cas.status, 400);
  EXPECT_EQ(cas.error(), "check-and-set parameter did not match the current version");
  const Reply first = server.ask("GET", "secret/x");
  EXPECT_EQ(first.status, 404);
  EXPECT_EQ(first.body.at("errors"), nullptr);
  EXPECT_TRUE(first.body.at("data")->is_null());
  EXPECT_NE(json::write(*first.body.at("warnings")).find("versioned K/V"), std::string::npos);
  EXPECT_EQ(server.ask("LIST", "secret").status, 404);
  EXPECT_EQ(server.ask("PUT", "secret/x", R"({"k":"v"})").status, 404);
  EXPECT_EQ(server.ask("PUT", "secret/data/a/../../config", R"({"data":{}})").status, 400);
  EXPECT_EQ(server.ask("GET", "secret/data/%2e%2e/config").status, 400);
  EXPECT_EQ(server.ask("PUT", "secret/data/x/", R"({"data":{}})").status, 400);
}

TEST_F(Kv2ApiTest, EverythingIsThereAfterSealAndUnseal) {
  ASSERT_EQ(server.ask("PUT", "secret/data/x", R"({"data":{"k":"1"}})").status, 200);
  ASSERT_EQ(server.ask("PUT", "secret/data/x", R"({"data":{"k":"2"}})").status, 200);
  ASSERT_EQ(server.ask("PUT", "secret/config", R"({"cas_required":true})").status, 204);
  ASSERT_EQ(server.ask("PUT", "sys/seal").status, 204);
  server.unseal();
  EXPECT_EQ(*server.ask("GET", "secret/data/x?version=1").data("data")->at("k"), json::Value("1"));
  EXPECT_EQ(server.ask("PUT", "secret/data/x", R"({"data":{}})").error(),
            "check-and-set parameter required for this call");
  // Unmounted, nothing is left.
  ASSERT_EQ(server.ask("DELETE", "sys/mounts/secret").status, 204);
  EXPECT_TRUE(memory.list("logical/")->empty());
}

}  // namespace
}  // namespace apm::api
