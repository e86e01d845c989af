// sys/init.

#include "api/endpoints.h"
#include "api/limits.h"
#include "base/encoding.h"

namespace apm::api {
namespace {

Error self_booted() {
  return Error(Code::kUnsupported, "self_booted",
               "this server initialises itself by attestation at boot; sys/init takes no request");
}

Status refuse_other_seals(const json::Object& data) {
  for (const std::string_view name : {"recovery_shares", "recovery_threshold"}) {
    APM_TRY(const std::uint64_t count, count_field(data, name));
    if (count == 0) continue;
    return Error(Code::kInvalidArgument, "init_recovery",
                 "parameters recovery_shares and recovery_threshold do not apply to a shamir seal");
  }
  for (const std::string_view name : {"pgp_keys", "root_token_pgp_key", "recovery_pgp_keys"}) {
    const json::Value* value = data.find(name);
    const bool unset = value == nullptr || value->is_null() ||
                       (value->as_string() != nullptr && value->as_string()->empty()) ||
                       (value->as_array() != nullptr && value->as_array()->empty());
    if (unset) continue;
    return Error(Code::kInvalidArgument, "init_pgp", "PGP keys are not supported by this server");
  }
  return {};
}

Result<shamir::Scheme> read_scheme(const json::Object& data) {
  APM_TRY(const std::uint64_t shares, count_field(data, "secret_shares"));
  APM_TRY(const std::uint64_t threshold, count_field(data, "secret_threshold"));
  if (shares > kInitSharesMax || threshold > kInitSharesMax) {
    return Error(Code::kInvalidArgument, "seal_scheme",
                 "invalid seal configuration: there are at most 255 shares");
  }
  const shamir::Scheme scheme{static_cast<unsigned>(shares), static_cast<unsigned>(threshold)};
  const Status sound = shamir::check(scheme);
  if (!sound.ok()) return sound.error().within("invalid seal configuration");
  return scheme;
}

// A store is made under its lease, so that it is made once.
Result<std::unique_ptr<storage::Lease>> lease_for_setup(Core& core) {
  if (core.node() == nullptr) return std::unique_ptr<storage::Lease>();
  return core.node()->lease_for_setup(Deadline::after(kSetupLeaseWait));
}

// From an empty store to a sealed one, and what only the caller will ever have.
Result<json::Object> initialise(Core& core, const shamir::Scheme& scheme) {
  APM_TRY(const std::unique_ptr<storage::Lease> lease, lease_for_setup(core));
  APM_TRY(barrier::InitPlan plan, core.barrier().plan_init(core.store_kind(), scheme));
  json::Array hex;
  json::Array base64;
  for (const crypto::SecretBytes& share : plan.shares) {
    hex.emplace_back(hex_encode(share.view()));
    base64.emplace_back(base64_encode(share.view()));
  }
  APM_CHECK_OK(core.barrier().commit_init(std::move(plan)));
  const Status loaded = core.load();
  if (!loaded.ok()) {
    core.on_seal();
    return loaded.error();
  }
  Result<std::string> root = core.create_root_token(0);
  core.on_seal();
  if (!root.ok()) return root.error();
  return json::Object{{"keys", std::move(hex)},
                      {"keys_base64", std::move(base64)},
                      {"root_token", std::move(*root)}};
}

}  // namespace

Result<Answer> serve_init(Core& core, Call& call, const std::string&) {
  Answer answer;
  answer.bare = true;
  if (call.operation == logical::Operation::kRead) {
    APM_TRY(const barrier::State state, core.barrier().state());
    answer.data = json::Object{{"initialized", state != barrier::State::kUninitialized}};
    return answer;
  }
  if (!is_write(call)) return unsupported();
  if (core.mode() == Mode::kSelfBooted) return self_booted();
  const MutexLock lifecycle(core.lifecycle());
  APM_TRY(const barrier::State state, core.barrier().state());
  if (state != barrier::State::kUninitialized) {
    return Error(Code::kInvalidArgument, "already_initialized", "Vault is already initialized");
  }
  APM_CHECK_OK(refuse_other_seals(call.data));
  APM_TRY(const shamir::Scheme scheme, read_scheme(call.data));
  APM_TRY(answer.data, initialise(core, scheme));
  return answer;
}

}  // namespace apm::api
