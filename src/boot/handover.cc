#include "boot/handover.h"

#include "base/json.h"
#include "crypto/secret_bytes.h"

namespace apm::boot {
namespace {

struct HandoverRecord {
  std::string state;  // "", "minting", "delivered" or "confirmed"
  std::string accessor;
};

Result<HandoverRecord> read_record(api::Core& core) {
  APM_TRY(const std::optional<Bytes> raw, core.barrier().get(kHandoverPath));
  if (!raw) return HandoverRecord{};
  APM_TRY(const json::Value document, json::parse(*raw));
  HandoverRecord out;
  APM_TRY(out.state, json::require_string(document, "state"));
  if (const std::string* accessor = document.string_at("accessor")) out.accessor = *accessor;
  return out;
}

Status write_record(api::Core& core, const std::string& state, const std::string& accessor,
                    const std::string& version) {
  const json::Object document{{"state", state},
                              {"accessor", accessor},
                              {"version", version},
                              {"time", core.clock().unix_s()}};
  return core.barrier().put(kHandoverPath, as_bytes(json::write(document)));
}

Result<bool> alive(api::Core& core, const std::string& accessor) {
  const auto entry = core.tokens().lookup_accessor(accessor);
  if (entry.ok()) return true;
  if (entry.error().code == Code::kNotFound) return false;
  return entry.error();
}

// A token whose delivery was interrupted may be known to nobody, or to Key Vault: it goes.
Status revoke_interrupted(api::Core& core, const HandoverRecord& record) {
  const auto entry = core.tokens().lookup_accessor(record.accessor);
  if (entry.ok()) return core.tokens().revoke(entry->id);
  return entry.error().code == Code::kNotFound ? Status() : Status(entry.error());
}

}  // namespace

Result<Handover> hand_over(api::Core& core, SecretVault& vault,
                           std::optional<std::uint64_t> ttl_s) {
  APM_TRY(const HandoverRecord before, read_record(core));
  if (before.state == "confirmed") return Handover::kConfirmed;
  if (before.state == "delivered") {
    APM_TRY(const bool living, alive(core, before.accessor));
    if (living) return Handover::kAlreadyDelivered;
  }
  if (before.state == "minting") APM_CHECK_OK(revoke_interrupted(core, before));
  APM_TRY(expiry::NewToken made, core.tokens().create_root(ttl_s.value_or(0)));
  APM_CHECK_OK(write_record(core, "minting", made.entry.accessor, ""));
  auto version = vault.set(kRootTokenSecret, made.token);
  crypto::wipe(made.token);
  if (!version.ok()) return version.error();
  APM_CHECK_OK(write_record(core, "delivered", made.entry.accessor, *version));
  return Handover::kDelivered;
}

}  // namespace apm::boot
