#pragma once

// Captured hardware evidence with expected verdicts, for tests only: the cases of one family from
// cases.json in the directory APM_VECTORS, or ../shared/vectors beside the sources.

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/json.h"

namespace apm::attestation::testing {

inline std::string vectors_directory() {
  if (const char* named = std::getenv("APM_VECTORS")) return named;
#ifdef APM_SOURCE_DIR
  return std::string(APM_SOURCE_DIR) + "/../shared/vectors";
#else
  return "";
#endif
}

class HardwareCase {
 public:
  explicit HardwareCase(json::Value value) : value_(std::move(value)) {}

  [[nodiscard]] std::string text(std::string_view name) const { return *value_.string_at(name); }
  [[nodiscard]] const json::Value* input(std::string_view name) const {
    return value_.at("inputs")->at(name);
  }
  [[nodiscard]] Bytes file(std::string_view name) const {
    return *read_file(vectors_directory() + "/" + *input(name)->as_string(), 1 << 20);
  }
  [[nodiscard]] std::int64_t time_s() const { return *parse_rfc3339_s(text("verify_time")); }
  [[nodiscard]] const json::Object& facts() const { return *value_.at("facts")->as_object(); }

  // Every fact has a value among `found`, and the same one: a fact that nobody reads fails.
  void expect_facts(const json::Object& found) const {
    for (const auto& [name, wanted] : facts()) {
      const json::Value* value = found.find(name);
      ASSERT_NE(value, nullptr) << text("id") << ": nobody reads the fact " << name;
      EXPECT_EQ(json::write(*value), json::write(wanted)) << text("id") << ": " << name;
    }
  }

 private:
  json::Value value_;
};

// Empty when there are no vectors: the test skips then.
inline std::vector<HardwareCase> hardware_cases(std::string_view family) {
  std::vector<HardwareCase> out;
  const auto raw = read_file(vectors_directory() + "/cases.json", 4 << 20);
  if (!raw.ok()) return out;
  const auto document = json::parse(*raw, {.bytes_max = 4 << 20, .values_max = 1'000'000});
  for (const json::Value& value : *document->at("cases")->as_array()) {
    if (*value.string_at("family") == family && *value.string_at("split") == "shared") {
      out.emplace_back(value);
    }
  }
  return out;
}

}  // namespace apm::attestation::testing
