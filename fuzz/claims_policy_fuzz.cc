// The strict grammar is a subset of ours, with the same meaning; a policy of "equals" alone never
// passes on no claims; a verdict that passes has a rule that passed.

#include "policy/claims.h"

#include <algorithm>

#include "property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using apm::fuzz::require;
  using apm::policy::Grammar;
  const auto document = apm::json::parse(apm::fuzz::text_of(data, size));
  if (!document.ok()) return 0;
  const auto strict = apm::policy::parse_release_policy(*document, Grammar::kAzureKeyVault);
  const auto wide = apm::policy::parse_release_policy(*document, Grammar::kExtended);
  require(wide.ok() || !strict.ok(), "the wide grammar refuses what the strict one accepts");
  if (!wide.ok()) return 0;
  const apm::json::Value none{apm::json::Object{}};
  for (const apm::policy::Authority& authority : wide->authorities) {
    const auto verdict = apm::policy::evaluate(*wide, authority.url, none);
    const bool some = std::any_of(verdict.rules.begin(), verdict.rules.end(),
                                  [](const apm::policy::RuleResult& rule) { return rule.passed; });
    require(!verdict.passed || some, "passed without a rule that passed");
    if (!strict.ok()) continue;
    const auto same = apm::policy::evaluate(*strict, authority.url, none);
    require(same.passed == verdict.passed, "the grammars disagree");
    require(!same.passed, "a policy passes on no claims");
  }
  require(!apm::policy::evaluate(*wide, "https://nobody.invalid/other", none).passed ||
              std::any_of(wide->authorities.begin(), wide->authorities.end(),
                          [](const auto& a) { return a.url.starts_with("https://nobody"); }),
          "an issuer that no authority names passes");
  return 0;
}
