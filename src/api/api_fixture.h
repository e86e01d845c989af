#pragma once

// A whole API over a store in memory, for the tests of this folder.

#include <gtest/gtest.h>

#include <atomic>

#include "api/limits.h"
#include "api/pipeline.h"
#include "base/text.h"
#include "secrets/catalog.h"
#include "storage/leased_memory_store.h"

namespace apm::api {

// A login method that authorises one identity for one path, as auth/apm does.
class OnePath final : public logical::Backend {
 public:
  [[nodiscard]] Result<logical::Response> handle(const logical::Request& request) override {
    written = request.data;
    return logical::Response();
  }
  [[nodiscard]] bool unauthenticated(const std::string& path) const override {
    return path == "login";
  }
  [[nodiscard]] bool authorises(const logical::AttestedIdentity& identity, logical::Operation op,
                                const std::string& full_path) const override {
    return op == logical::Operation::kRead && identity.enclave_id == std::string(64, 'e') &&
           full_path == "anjuna/dek";
  }
  json::Object written;
};

class FailingDevice final : public audit::Device {
 public:
  explicit FailingDevice(const std::atomic<bool>& fail) : fail_(fail) {}
  [[nodiscard]] Status write(const json::Object&) override {
    if (fail_) return Error(Code::kIo, "audit_device", "the disk is full");
    return {};
  }
  [[nodiscard]] Status reopen() override { return {}; }
  [[nodiscard]] std::string name() const override { return "failing"; }

 private:
  const std::atomic<bool>& fail_;
};

struct Reply {
  int status = 0;
  json::Value body;
  std::string location;
  [[nodiscard]] const json::Value* data(std::string_view name) const {
    const json::Value* all = body.at("data");
    return all == nullptr ? nullptr : all->at(name);
  }
  [[nodiscard]] std::string auth_token() const {
    const json::Value* auth = body.at("auth");
    const std::string* token = auth == nullptr ? nullptr : auth->string_at("client_token");
    return token == nullptr ? "" : *token;
  }
  [[nodiscard]] std::string error() const {
    const json::Value* errors = body.at("errors");
    if (errors == nullptr || errors->as_array() == nullptr || errors->as_array()->empty())
      return "";
    return *errors->as_array()->front().as_string();
  }
};

class Server {
 public:
  Server(storage::Store& memory, ManualClock& manual, Mode mode, Phase phase)
      : Server(memory, manual, mode, phase, factories(manual)) {}
  Server(storage::Store& memory, ManualClock& manual, Mode mode, Phase phase,
         mounts::Factories made)
      : clock(manual),
        barrier(memory, manual),
        tokens(barrier, manual),
        batch(manual),
        policies(barrier),
        table(barrier, std::move(made)),
        broker(log),
        core(CoreParts{barrier, tokens, batch, table, policies, broker, manual, log},
             ServerInfo{"inmem", "test", "https://127.0.0.1:8200"}, mode, phase,
             barrier::StoreKind::kTest),
        pipeline(core) {}

  static mounts::Factories factories(const Clock& clock) {
    mounts::Factories made;
    made.secret = [&clock](const mounts::Entry& entry, barrier::View view) {
      return secrets::make_engine(entry.type, entry.options, std::move(view), clock);
    };
    made.auth = [](const mounts::Entry& entry,
                   const barrier::View&) -> Result<std::unique_ptr<logical::Backend>> {
      if (entry.type == "apm")
        return std::unique_ptr<logical::Backend>(std::make_unique<OnePath>());
      return Error(Code::kInvalidArgument, "engine_unknown",
                   "plugin not found in the catalog: " + entry.type);
    };
    return made;
  }

  Reply ask(const std::string& method, const std::string& path, const std::string& body = "",
            const std::optional<std::string>& token = std::nullopt) {
    http::Request request;
    request.method = method;
    const std::size_t mark = path.find('?');
    request.path = "/v1/" + path.substr(0, mark);
    if (mark != std::string::npos) request.query = path.substr(mark + 1);
    request.body = body;
    request.remote_address = "127.0.0.1";
    const std::string presented = token.value_or(root);
    if (!presented.empty()) request.headers.push_back({"X-Vault-Token", presented});
    return send(std::move(request));
  }

  Reply send(http::Request request) {
    const http::Response response = pipeline.handle(request);
    Reply reply;
    reply.status = response.status;
    for (const http::Header& header : response.headers) {
      if (header.name == "Location") reply.location = header.value;
    }
    if (!response.body.empty()) {
      auto parsed = json::parse(response.body, {.bytes_max = 4 * kSnapshotPieceBytes});
      EXPECT_TRUE(parsed.ok()) << response.body;
      if (parsed.ok()) reply.body = std::move(*parsed);
    }
    return reply;
  }

  // Initialises with 3 shares of which 2 are needed, and unseals.
  void bring_up() {
    const Reply init = ask("PUT", "sys/init", R"({"secret_shares":3,"secret_threshold":2})", "");
    ASSERT_EQ(init.status, 200) << init.error();
    for (const json::Value& key : *init.body.at("keys")->as_array())
      keys.push_back(*key.as_string());
    root = *init.body.string_at("root_token");
    unseal();
  }
  void unseal() {
    ASSERT_EQ(give(keys[0]).status, 200);
    const Reply last = give(keys[2]);
    ASSERT_EQ(last.status, 200) << last.error();
    ASSERT_FALSE(*last.body.at("sealed")->as_bool());
  }
  Reply give(const std::string& key) {
    return ask("PUT", "sys/unseal", R"({"key":")" + key + "\"}", "");
  }

  // A token with these policies (JSON array) and more members.
  std::string make_token(const std::string& members, const std::optional<std::string>& by = {}) {
    const Reply made = ask("POST", "auth/token/create", members, by);
    EXPECT_EQ(made.status, 200) << made.error();
    return made.auth_token();
  }

  ManualClock& clock;
  NullLog log;
  barrier::Barrier barrier;
  expiry::TokenStore tokens;
  expiry::BatchTokens batch;
  PolicyStore policies;
  mounts::Table table;
  audit::Broker broker;
  Core core;
  Pipeline pipeline;
  std::string root;
  std::vector<std::string> keys;
};

class ApiTest : public ::testing::Test {
 protected:
  void SetUp() override { server.bring_up(); }

  storage::LeasedMemoryStore memory;
  ManualClock clock{1'800'000'000};
  Server server{memory, clock, Mode::kNetworkOperated, Phase::kServing};
};

}  // namespace apm::api
