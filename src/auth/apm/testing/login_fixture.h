#pragma once

// A login method over a store in memory, whose anchors are those of family_logins.h. Not part of
// any program.

#include <gtest/gtest.h>

#include "auth/apm/testing/family_logins.h"
#include "storage/leased_memory_store.h"

namespace apm::auth_apm::testing {

class LoginTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto plan = barrier_.plan_init(barrier::StoreKind::kTest, {1, 1});
    ASSERT_TRUE(plan.ok()) << plan.error().message;
    ASSERT_TRUE(barrier_.commit_init(std::move(*plan)).ok());
    needs_.clock = &clock_;
    needs_.anchors = amd_anchors();
    needs_.intel_anchors = intel_anchors();
    needs_.aws_anchors = aws_anchors();
    needs_.cluster_id = "cluster-1";
    needs_.server_key_sha256 = [] { return Result<Bytes>(Bytes(32, 0x5e)); };
    needs_.issue_token = [this](const logical::AttestedIdentity& identity, std::int64_t,
                                std::uint64_t, const std::string&) {
      issued_to_ = identity;
      return Result<std::string>("the token");
    };
    open();
  }
  // With needs_ as they are.
  void open() { method_ = must(Method::open(barrier::View(barrier_, "auth/1/"), needs_)); }

  Result<logical::Response> call(const std::string& path, json::Object data,
                                 logical::Operation operation = logical::Operation::kUpdate) {
    logical::Request request;
    request.operation = operation;
    request.mount_path = "auth/apm/";
    request.path = path;
    request.request_id = "request-" + std::to_string(++requests_);
    request.data = std::move(data);
    return method_->handle(request);
  }
  void be_at(std::int64_t unix_s) {
    clock_.advance(Milliseconds((unix_s - clock_.unix_s()) * 1000));
  }
  json::Value challenge() { return json::Value(*must(call("challenge", {})).data); }
  Login good(const Direct& family) {
    be_at(family.now);
    return direct_login(family, challenge());
  }
  Login good(const FamilyLogin& family) {
    be_at(family.now);
    return family.login(challenge());
  }
  std::string reason(const json::Object& body) {
    const auto result = call("login", body);
    return result.ok() ? "accepted" : result.error().reason;
  }
  // Every rule that failed in the last refused login.
  std::vector<std::string> failed_rules() {
    const auto kept =
        must(call("refusals/request-" + std::to_string(requests_), {}, logical::Operation::kRead));
    const json::Value data(*kept.data);
    std::vector<std::string> out;
    for (const json::Value& rule : *data.at("rules")->as_array()) {
      if (!*rule.at("holds")->as_bool()) out.push_back(*rule.string_at("rule"));
    }
    return out;
  }

  ManualClock clock_{attestation::testing::kNow};
  storage::LeasedMemoryStore store_;
  barrier::Barrier barrier_{store_, clock_};
  Dependencies needs_;
  logical::AttestedIdentity issued_to_;
  std::unique_ptr<Method> method_;
  int requests_ = 0;
};

}  // namespace apm::auth_apm::testing
