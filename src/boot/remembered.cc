#include "boot/remembered.h"

#include "base/encoding.h"
#include "crypto/digest.h"

namespace apm::boot {
namespace {

using api::MasterKeyFacts;

constexpr std::string_view kKeyHashLabel = "apm-environment-keys-v1";

Error malformed(const char* path) {
  return {Code::kCorrupt, "release_policy_record",
          std::string("the record at ") + path + " is not understood"};
}

Result<std::optional<MasterKeyFacts>> read_policy(barrier::Barrier& barrier) {
  APM_TRY(const std::optional<Bytes> raw, barrier.get(kReleasePolicyPath));
  if (!raw) return std::optional<MasterKeyFacts>();
  const auto document = json::parse(*raw);
  if (!document.ok()) return malformed(kReleasePolicyPath);
  MasterKeyFacts facts;
  APM_TRY(facts.kid, json::require_string(*document, "kid"));
  APM_TRY(facts.policy_sha256, json::require_string(*document, "policy_sha256"));
  APM_TRY(facts.previous_kid, json::require_string(*document, "previous_kid"));
  APM_TRY(facts.previous_policy_sha256, json::require_string(*document, "previous_policy_sha256"));
  APM_TRY(facts.since_unix_s, json::require_int(*document, "since"));
  return std::optional<MasterKeyFacts>(std::move(facts));
}

Status write_policy(barrier::Barrier& barrier, const MasterKeyFacts& facts) {
  const json::Object document{{"kid", facts.kid},
                              {"policy_sha256", facts.policy_sha256},
                              {"previous_kid", facts.previous_kid},
                              {"previous_policy_sha256", facts.previous_policy_sha256},
                              {"since", facts.since_unix_s}};
  return barrier.put(kReleasePolicyPath, as_bytes(json::write(document)));
}

Result<json::Object> read_hashes(barrier::Barrier& barrier) {
  APM_TRY(const std::optional<Bytes> raw, barrier.get(kEnvironmentKeysPath));
  if (!raw) return json::Object();
  const auto document = json::parse(*raw);
  if (!document.ok() || document->as_object() == nullptr) return malformed(kEnvironmentKeysPath);
  return *document->as_object();
}

}  // namespace

Result<MasterKeyFacts> remember_release_policy(barrier::Barrier& barrier,
                                               const ReleasedFacts& released, const Clock& clock,
                                               Log& log) {
  APM_TRY(std::optional<MasterKeyFacts> kept, read_policy(barrier));
  MasterKeyFacts now{released.kid, released.policy_sha256, "", "", clock.unix_s()};
  if (kept && kept->policy_sha256 == released.policy_sha256) {
    if (kept->kid == released.kid) return std::move(*kept);
    now.previous_kid = kept->previous_kid;
    now.previous_policy_sha256 = kept->previous_policy_sha256;
    now.since_unix_s = kept->since_unix_s;
  } else if (kept) {
    now.previous_kid = kept->kid;
    now.previous_policy_sha256 = kept->policy_sha256;
    log.warn("boot",
             "THE MASTER KEY'S RELEASE POLICY IS ANOTHER THAN AT EARLIER BOOTS: if you did not "
             "change it, somebody loosened it",
             {{"before_sha256", kept->policy_sha256},
              {"now_sha256", released.policy_sha256},
              {"before_kid", kept->kid},
              {"now_kid", released.kid}});
  }
  APM_CHECK_OK(write_policy(barrier, now));
  return now;
}

Status apply_environment_keys(barrier::Barrier& barrier, const EnvironmentKeys& keys,
                              const std::function<Status(json::Object)>& apply) {
  if (keys.values.empty()) return {};
  APM_TRY(json::Object hashes, read_hashes(barrier));
  APM_TRY(const crypto::SecretBytes salt, barrier.derive(kKeyHashLabel));
  json::Object changed;
  for (const auto& [name, value] : keys.values) {
    const std::string* text = value.as_string();
    if (text == nullptr) return Error(Code::kInternal, "a service key that is no text");
    const std::string hash = hex_encode(crypto::hmac_sha256(
        salt.view(), {as_bytes(keys.mount_id), as_bytes("/"), as_bytes(*text)}));
    const json::Value* before = hashes.find(name);
    if (before != nullptr && *before == json::Value(hash)) continue;
    changed.set(name, value);
    hashes.set(name, hash);
  }
  if (changed.empty()) return {};
  APM_CHECK_OK(apply(std::move(changed)));
  return barrier.put(kEnvironmentKeysPath, as_bytes(json::write(hashes)));
}

}  // namespace apm::boot
