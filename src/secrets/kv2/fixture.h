#pragma once

// A kv version 2 mount over a store in memory, for the tests of this folder.

#include <gtest/gtest.h>

#include <string>

#include "barrier/barrier_fixture.h"
#include "secrets/kv2/engine.h"

namespace apm::secrets::kv2 {

using logical::Operation;

inline json::Object object(const std::string& text) {
  auto value = json::parse(text, {.bytes_max = 2 * kValueBytesMax});
  EXPECT_TRUE(value.ok()) << text.substr(0, 200);
  return value.ok() && value->as_object() != nullptr ? *value->as_object() : json::Object();
}

class Kv2Test : public barrier::BarrierTest {
 protected:
  void SetUp() override { init(barrier_); }

  static logical::Request request(Operation operation, const std::string& path,
                                  const std::string& body) {
    logical::Request out;
    out.operation = operation;
    out.mount_path = "secret/";
    out.path = path;
    out.data = object(body);
    return out;
  }
  Result<logical::Response> ask(Operation operation, const std::string& path,
                                const std::string& body = "{}") {
    return engine_.handle(request(operation, path, body));
  }
  // The answer's data as JSON text; "<code>: <reason>" of an error.
  std::string text(Operation operation, const std::string& path, const std::string& body = "{}") {
    const auto answer = ask(operation, path, body);
    if (!answer.ok())
      return std::string(code_name(answer.error().code)) + ": " + answer.error().reason;
    return answer->data ? json::write(*answer->data) : "";
  }
  // A member deep in the data: at(answer, {"data", "a"}).
  static json::Value at(const Result<logical::Response>& answer,
                        std::initializer_list<std::string_view> names) {
    if (!answer.ok() || !answer->data) return {};
    json::Value value = *answer->data;
    for (const std::string_view name : names) {
      const json::Value* member = value.at(name);
      if (member == nullptr) return "(no such member)";
      value = json::Value(*member);
    }
    return value;
  }
  // Writes a value and expects its version.
  void write(const std::string& path, const std::string& value, std::uint64_t version) {
    const auto done = ask(Operation::kUpdate, "data/" + path, R"({"data":)" + value + "}");
    ASSERT_TRUE(done.ok()) << done.error().message;
    ASSERT_EQ(at(done, {"version"}), json::Value(version));
  }
  // The value that a read gives, or its status.
  std::string read(const std::string& path, const std::string& query = "{}") {
    const auto answer = ask(Operation::kRead, "data/" + path, query);
    if (!answer.ok()) return answer.error().code == Code::kNotFound ? "404" : answer.error().reason;
    if (answer->status == 404) return "404 " + json::write(at(answer, {"data"}));
    return json::write(at(answer, {"data"}));
  }
  std::string reason(Operation operation, const std::string& path, const std::string& body = "{}") {
    return barrier::reason_of(ask(operation, path, body));
  }
  // All keys below the mount, to see what is left.
  std::vector<std::string> keys(const std::string& folder = "") {
    std::vector<std::string> all;
    const auto names = view_.list(folder);
    EXPECT_TRUE(names.ok());
    for (const std::string& name : *names) {
      if (!name.ends_with('/')) {
        all.push_back(folder + name);
        continue;
      }
      for (const std::string& below : keys(folder + name)) all.push_back(below);
    }
    return all;
  }

  barrier::Barrier barrier_{store_, clock_};
  barrier::View view_{barrier_, "logical/mount/"};
  Engine engine_{view_, clock_};
};

}  // namespace apm::secrets::kv2
