// sys/seal-status, sys/unseal and sys/seal.

#include "api/endpoints.h"
#include "base/encoding.h"

namespace apm::api {
namespace {

constexpr std::size_t kShareBytesMin = 16;
constexpr std::size_t kShareBytesMax = 33;

Result<Answer> seal_status(Core& core) {
  APM_TRY(const barrier::State state, core.barrier().state());
  const bool initialized = state != barrier::State::kUninitialized;
  const bool sealed = !core.unsealed() || core.phase() != Phase::kServing;
  barrier::UnsealProgress progress;
  if (initialized) {
    APM_TRY(progress, core.barrier().unseal_progress());
  }
  json::Object body{{"type", "shamir"},
                    {"initialized", initialized},
                    {"sealed", sealed},
                    {"t", initialized ? progress.threshold : 0U},
                    {"n", initialized ? progress.shares : 0U},
                    {"progress", progress.progress},
                    {"nonce", progress.nonce},
                    {"version", kVersion},
                    {"build_date", kBuildDate},
                    {"migration", false},
                    {"recovery_seal", false},
                    {"storage_type", core.info().storage_type}};
  // What a client must know before it trusts a server with anything real. The rest of what matters
  // needs a token: sys/apm/status.
  body.set("store_kind", barrier::kind_name(core.store_kind()));
  if (!sealed) {
    APM_TRY(const auto config, core.barrier().seal_config());
    body.set("cluster_name", core.info().cluster_name);
    body.set("cluster_id", config ? config->store_id : "");
  }
  Answer answer;
  answer.bare = true;
  answer.data = std::move(body);
  return answer;
}

// Hexadecimal when it reads as such and has a share's length, else base64.
Result<crypto::SecretBytes> read_share(const std::string& text) {
  Result<Bytes> bytes = hex_decode(text);
  if (!bytes.ok() || bytes->size() < kShareBytesMin || bytes->size() > kShareBytesMax) {
    bytes = base64_decode(text);
  }
  if (!bytes.ok() || bytes->size() < kShareBytesMin || bytes->size() > kShareBytesMax) {
    return Error(Code::kInvalidArgument, "share_encoding",
                 "'key' must be a valid hex or base64 string");
  }
  crypto::SecretBytes share = crypto::SecretBytes::copy_of(*bytes);
  crypto::wipe(*bytes);
  return share;
}

Status reset(Core& core, barrier::State state) {
  if (state == barrier::State::kUnsealed) {
    return Error(Code::kInvalidArgument, "reset_unsealed",
                 "the server is unsealed: there is no attempt to reset");
  }
  core.barrier().reset_unseal();
  return {};
}

Status give_share(Core& core, const json::Object& data) {
  APM_TRY(std::optional<std::string> text, text_field(data, "key"));
  if (!text || text->empty()) {
    return Error(Code::kInvalidArgument, "share_missing",
                 "'key' must be specified in request body as JSON, or 'reset' set to true");
  }
  APM_TRY(const crypto::SecretBytes share, read_share(*text));
  crypto::wipe(*text);
  APM_TRY(const barrier::UnsealProgress progress, core.barrier().unseal(share));
  if (progress.state != barrier::State::kUnsealed) return {};
  return core.on_unseal();
}

}  // namespace

Result<Answer> serve_seal_status(Core& core, Call& call, const std::string&) {
  if (call.operation != logical::Operation::kRead) return unsupported();
  return seal_status(core);
}

Result<Answer> serve_unseal(Core& core, Call& call, const std::string&) {
  if (!is_write(call)) return unsupported();
  if (core.mode() == Mode::kSelfBooted) {
    return Error(Code::kUnsupported, "self_booted",
                 "this server unseals itself by attestation at boot: restart it to unseal");
  }
  APM_TRY(const bool wants_reset, flag_field(call.data, "reset", false));
  APM_TRY(const bool migrate, flag_field(call.data, "migrate", false));
  if (migrate) {
    return Error(Code::kInvalidArgument, "migrate", "seal migration is not supported");
  }
  const MutexLock lifecycle(core.lifecycle());
  APM_TRY(const barrier::State state, core.barrier().state());
  if (state == barrier::State::kUninitialized) {
    return Error(Code::kUninitialized, "uninitialized", "Vault is not initialized");
  }
  APM_CHECK_OK(wants_reset ? reset(core, state) : give_share(core, call.data));
  return seal_status(core);
}

Result<Answer> serve_seal(Core& core, Call& call, const std::string&) {
  if (!is_write(call)) return unsupported();
  if (core.mode() == Mode::kSelfBooted && !call.caller.root) {
    return Error(Code::kPermissionDenied, "self_booted",
                 "a server that boots by attestation is sealed with a root token only: it must be "
                 "restarted to serve again");
  }
  const MutexLock lifecycle(core.lifecycle());
  core.on_seal();
  Answer answer;
  answer.ends_term = true;
  return answer;
}

}  // namespace apm::api
