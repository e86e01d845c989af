// The ACL against an oracle that says Vault's rules as slowly and plainly as it can: it looks at
// the texts of the paths alone, keeps no index, and shares no code with acl.cc or the policy
// reader. APM_ACL_CASES sets the number of cases, APM_ACL_SEED repeats a failure.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iostream>
#include <random>

#include "policy/acl.h"

namespace apm::policy {
namespace {

using logical::Operation;

struct Rule {
  std::string path;
  std::vector<std::string> words;
  std::string allowed;  // value of the parameter "p"; empty: no allowed_parameters
  std::string denied;
};
using Policy = std::vector<Rule>;

std::string text_of(const Policy& policy) {
  std::string out;
  for (const Rule& rule : policy) {
    out += "path \"" + rule.path + "\" { capabilities = [";
    for (const std::string& word : rule.words) out += "\"" + word + "\",";
    out += "]\n";
    const auto list = [&out](const char* key, const std::string& value) {
      if (!value.empty()) out += std::string(key) + " = { \"p\" = [\"" + value + "\"] }\n";
    };
    list("allowed_parameters", rule.allowed);
    list("denied_parameters", rule.denied);
    out += "}\n";
  }
  return out;
}

bool has(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::vector<std::string> pieces(const std::string& path) {
  std::vector<std::string> out(1);
  for (const char c : path) {
    if (c == '/') {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  return out;
}

bool is_pattern(const std::string& rule) { return rule.back() == '*' || has(pieces(rule), "+"); }

bool fits(const std::string& rule, const std::string& path) {
  const bool open = rule.back() == '*';
  const auto want = pieces(open ? rule.substr(0, rule.size() - 1) : rule);
  const auto have = pieces(path);
  if (have.size() < want.size() || (!open && have.size() > want.size())) return false;
  for (std::size_t i = 0; i < want.size(); ++i) {
    if (want[i] == "+" || want[i] == have[i]) continue;
    if (!open || i + 1 != want.size() || have[i].substr(0, want[i].size()) != want[i]) return false;
  }
  return true;
}

// Whether `a` yields to `b`, both patterns: the sentences of Vault's documentation, in their order.
bool yields(const std::string& a, const std::string& b) {
  const auto wild = [](const std::string& rule) {
    for (std::size_t i = 0; i < rule.size(); ++i) {
      const bool segment = rule[i] == '+' && (i == 0 || rule[i - 1] == '/') &&
                           (i + 1 == rule.size() || rule[i + 1] == '/');
      if (segment || rule[i] == '*') return i;
    }
    return rule.size();
  };
  const auto plus = [](const std::string& rule) {
    int n = 0;
    for (const std::string& piece : pieces(rule)) n += piece == "+" ? 1 : 0;
    return n;
  };
  if (wild(a) != wild(b)) return wild(a) < wild(b);
  if ((a.back() == '*') != (b.back() == '*')) return a.back() == '*';
  if (plus(a) != plus(b)) return plus(a) > plus(b);
  if (a.size() != b.size()) return a.size() < b.size();
  return a < b;
}

// The path of the rule that binds, or "".
std::string binding(const std::vector<Policy>& policies, const std::string& path, bool list) {
  const bool slash = list && path.back() == '/';
  const std::string bare = slash ? path.substr(0, path.size() - 1) : path;
  std::string exact;
  std::string best;
  for (const Policy& policy : policies) {
    for (const Rule& rule : policy) {
      if (!is_pattern(rule.path)) {
        if (rule.path == path || (rule.path == bare && exact.empty())) exact = rule.path;
        continue;
      }
      const bool plus = has(pieces(rule.path), "+");
      if (!fits(rule.path, path) && !(slash && plus && fits(rule.path, bare))) continue;
      if (best.empty() || yields(best, rule.path)) best = rule.path;
    }
  }
  return exact.empty() ? best : exact;
}

// `value`: of the parameter "p"; empty: no parameters are looked at.
bool oracle(const std::vector<Policy>& policies, const std::string& path, const std::string& word,
            const std::string& value) {
  const std::string bound = binding(policies, path, word == "list");
  bool granted = false;
  bool limited = false;
  bool allowed = false;
  for (const Policy& policy : policies) {
    for (const Rule& rule : policy) {
      if (rule.path != bound) continue;
      if (has(rule.words, "deny")) return false;
      if (!value.empty() && rule.denied == value) return false;
      granted = granted || has(rule.words, word);
      limited = limited || !rule.allowed.empty();
      allowed = allowed || rule.allowed == value;
    }
  }
  return granted && (value.empty() || !limited || allowed);
}

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_);
  }
  std::string segments(bool wild) {
    static const std::array<const char*, 5> kNames{"a", "b", "ab", "a+", "+"};
    std::string out;
    for (std::size_t i = 0, n = 1 + below(3); i < n; ++i) {
      if (i != 0) out += '/';
      out += kNames[below(wild ? 5 : 4)];
    }
    return out;
  }
  Rule rule() {
    static const std::array<const char*, 8> kWords{"create", "read",  "update", "delete",
                                                   "list",   "patch", "sudo",   "deny"};
    static const std::array<const char*, 5> kValues{"", "", "", "x", "y"};
    Rule out;
    out.path = segments(true);
    if (below(4) == 0) out.path += '/';
    if (below(3) == 0 && out.path.back() != '+') out.path += '*';
    for (std::size_t i = 0, n = below(4); i < n; ++i) out.words.emplace_back(kWords[below(8)]);
    out.allowed = kValues[below(5)];
    out.denied = kValues[below(5)];
    return out;
  }
  std::vector<Policy> policies() {
    std::vector<Policy> out(1 + below(3));
    for (Policy& policy : out) {
      for (std::size_t i = 0, n = 1 + below(4); i < n; ++i) policy.push_back(rule());
    }
    return out;
  }

 private:
  std::mt19937 random_;
};

unsigned number_from(const char* variable, unsigned otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

constexpr std::size_t kQuestions = 8;  // of one set of policies

TEST(AclOracle, AgreesOnRandomPoliciesPathsAndParameters) {
  const unsigned cases = number_from("APM_ACL_CASES", 50'000);
  const unsigned seed = number_from("APM_ACL_SEED", std::random_device{}());
  std::cout << "APM_ACL_SEED=" << seed << " APM_ACL_CASES=" << cases << "\n";
  const std::array operations{Operation::kRead,   Operation::kList,  Operation::kCreate,
                              Operation::kUpdate, Operation::kPatch, Operation::kDelete};
  Generator random(seed);
  std::size_t granted = 0;
  for (unsigned done = 0; done < cases;) {
    const std::vector<Policy> policies = random.policies();
    std::vector<AclPolicy> parsed;
    for (const Policy& policy : policies) {
      auto one = parse_acl("p" + std::to_string(parsed.size()), text_of(policy));
      ASSERT_TRUE(one.ok()) << one.error().message << "\n" << text_of(policy);
      parsed.push_back(std::move(*one));
    }
    std::vector<const AclPolicy*> pointers;
    pointers.reserve(parsed.size());
    for (const AclPolicy& one : parsed) pointers.push_back(&one);
    const Acl acl(pointers, false);
    for (std::size_t i = 0; i < kQuestions && done < cases; ++i, ++done) {
      const Operation operation = operations[random.below(operations.size())];
      const bool lists = operation == Operation::kList;
      const bool writes = operation == Operation::kCreate || operation == Operation::kUpdate ||
                          operation == Operation::kPatch;
      const std::string path = random.segments(false) + (lists || random.below(8) == 0 ? "/" : "");
      const std::string value = !writes ? "" : random.below(2) == 0 ? "x" : "y";
      const json::Object parameters{{"p", value}};
      const Decision got = acl.decide(path, operation, writes ? &parameters : nullptr);
      const std::string word(logical::operation_name(operation));
      ASSERT_EQ(got.allowed, oracle(policies, path, word, value))
          << "seed " << seed << " case " << done << ": " << word << " " << path << " p=" << value
          << " -> " << got.reason;
      granted += got.allowed ? 1 : 0;
      ASSERT_EQ(got.allowed, !got.granting_policies.empty()) << "seed " << seed;
    }
  }
  EXPECT_GT(granted, cases / 50);  // the generator still asks questions with both answers
  EXPECT_LT(granted, cases);
}

}  // namespace
}  // namespace apm::policy
