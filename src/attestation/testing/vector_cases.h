#pragma once

// Captured evidence with expected verdicts for tests: cases.json of the directory that APM_VECTORS
// names, or of ../shared/vectors beside the source. Not part of any program.

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

inline Result<Bytes> vector_file(const std::string& name) {
  constexpr std::size_t kBytesMax = std::size_t{4} << 20;
  return read_file(vectors_directory() + "/" + name, kBytesMax);
}

class VectorCase {
 public:
  explicit VectorCase(json::Value value) : value_(std::move(value)) {}
  [[nodiscard]] std::string text(std::string_view name) const { return *value_.string_at(name); }
  [[nodiscard]] bool has(std::string_view input) const {
    return value_.at("inputs")->at(input) != nullptr;
  }
  // An input that is a value and not a file; nullptr when the case has none.
  [[nodiscard]] const json::Value* value(std::string_view name) const {
    return value_.at("inputs")->at(name);
  }
  [[nodiscard]] Bytes input(std::string_view name) const {
    const std::string& what = *value_.at("inputs")->string_at(name);
    if (what.starts_with("hex:")) return *hex_decode(what.substr(4));
    return *vector_file(what);
  }
  [[nodiscard]] std::int64_t time() const { return *parse_rfc3339_s(text("verify_time")); }
  [[nodiscard]] const json::Object& facts() const { return *value_.at("facts")->as_object(); }

  // Every fact has a value among `found`, and the same one: a fact that nobody reads fails.
  void expect_facts(const json::Object& found) const {
    for (const auto& [name, wanted] : facts()) {
      const json::Value* read = found.find(name);
      ASSERT_NE(read, nullptr) << text("id") << ": nobody reads the fact " << name;
      EXPECT_EQ(json::write(*read), json::write(wanted)) << text("id") << ": " << name;
    }
  }

 private:
  json::Value value_;
};

// The shared cases of a family; none when there are no vectors here.
inline std::vector<VectorCase> vector_cases(std::string_view family) {
  std::vector<VectorCase> out;
  const auto raw = vector_file("cases.json");
  if (!raw.ok()) return out;
  json::Limits limits;
  limits.bytes_max = std::size_t{4} << 20;
  limits.values_max = 1'000'000;
  const auto document = json::parse(*raw, limits);
  if (!document.ok()) return out;
  for (const json::Value& value : *document->at("cases")->as_array()) {
    VectorCase one(value);
    if (one.text("family") == family && one.text("split") == "shared") out.push_back(one);
  }
  return out;
}

}  // namespace apm::attestation::testing
