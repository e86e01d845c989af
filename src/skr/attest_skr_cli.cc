#include "skr/attest_skr_cli.h"

#include <cstdlib>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "skr/envelope.h"
#include "skr/limits.h"

namespace apm::skr {
namespace {

std::string environment(const char* name) {
  const char* value = ::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

// The bytes exactly as given: -w wraps a final newline too (use printf); -u trims around base64.
Result<Bytes> read_value(const SkrCommand& command) {
  if (command.value) return to_bytes(*command.value);
  return read_fd(command.value_fd, kEnvelopeTextMax, "the value");
}

Result<Bytes> read_batch(const std::string& batch) {
  if (batch == "-") return read_fd(0, kBatchBytesMax, "the batch");
  if (trim(batch).starts_with('{')) return to_bytes(batch);
  return read_file(batch, kBatchBytesMax);
}

Result<crypto::SecretBytes> unwrap_one(const SkrCommand& command, const crypto::PrivateKey& key,
                                       std::string_view wrapped) {
  const std::string_view text = trim(wrapped);
  if (looks_like_envelope(text) != !command.name.empty()) {
    return Error(Code::kInvalidArgument, "envelope_expected",
                 command.name.empty()
                     ? "the value is an envelope of the server: say with --name for which secret"
                     : "--name is given, but the value is no envelope: it is bound to no name");
  }
  if (command.name.empty()) return unwrap_value(key, text, command.hashes);
  APM_TRY(OpenedEnvelope opened, open_envelope(key, text, command.name));
  return std::move(opened.plaintext);
}

// An envelope of no store: bound to the name and to the key's version. The server's own are bound
// to its store as well, so that one of these can never take their place.
Result<std::string> wrap_one(const SkrCommand& command, const KeyInUse& in_use, ByteView value) {
  if (!command.name.empty()) {
    return seal_envelope(in_use.key, {in_use.version, std::string(kNoStore), command.name, 0},
                         value);
  }
  APM_TRY(const crypto::PublicKey public_key, in_use.key.public_key());
  return wrap_value(public_key, value, command.hashes);
}

json::Value batch_item(const SkrCommand& command, const crypto::PrivateKey& key,
                       const json::Value& item) {
  const std::string* id = item.string_at("id");
  const std::string* wrapped = item.string_at("wrapped");
  json::Object out{{"id", json::Value(id == nullptr ? "" : *id)}};
  if (id == nullptr || wrapped == nullptr) {
    out.set("error", "an item needs the texts id and wrapped");
    return out;
  }
  const auto opened = unwrap_one(command, key, *wrapped);
  if (!opened.ok()) {
    out.set("error", opened.error().message);
  } else if (!is_utf8(opened->text())) {
    out.set("error", "the value is not text; unwrap it alone with -u");
  } else {
    out.set("unwrapped", opened->text());
  }
  return out;
}

Result<crypto::SecretBytes> perform_batch(const SkrCommand& command, const crypto::PrivateKey& key,
                                          ByteView text) {
  const auto parsed = json::parse(text, {.bytes_max = kBatchBytesMax, .depth_max = 8});
  const json::Value* keys = parsed.ok() ? parsed->at("keys") : nullptr;
  if (keys == nullptr || keys->as_array() == nullptr || keys->as_array()->size() > kBatchItemsMax) {
    return Error(Code::kInvalidArgument, "usage",
                 "-B takes {\"keys\":[{\"id\":..,\"wrapped\":..}]} with at most 256 items");
  }
  json::Array results;
  for (const json::Value& item : *keys->as_array()) {
    results.push_back(batch_item(command, key, item));
  }
  const std::string out = json::write_pretty(json::Object{{"results", std::move(results)}}) + "\n";
  if (out.size() > crypto::kSecretBytesMax) {
    return Error(Code::kTooLarge, "batch_too_long", "the batch's answer is too long; split it");
  }
  return crypto::SecretBytes::copy_of(out);
}

crypto::SecretBytes with_newline(ByteView text) {
  auto out = crypto::SecretBytes::zeros(text.size() + 1);
  std::copy(text.begin(), text.end(), out.mutable_view().begin());
  out.mutable_view().back() = '\n';
  return out;
}

azure::ServicePrincipal principal_from_environment() {
  return {environment("AKV_SKR_TENANT_ID"), environment("AKV_SKR_CLIENT_ID"),
          environment("AKV_SKR_CLIENT_SECRET")};
}

Result<ReleasedKey> release(const SkrCommand& command, Log& log) {
  const Deadline deadline = Deadline::after(kReleaseDeadline);
  SkrConfig config;
  config.maa_url = command.maa_url;
  config.key_url = command.key_url;
  config.nonce = command.nonce;
  config.identity = {environment("IMDS_CLIENT_ID"), environment("IMDS_OBJECT_ID"),
                     environment("IMDS_MSI_RES_ID")};
  config.transport = command.transport;
  config.tpm = command.tpm;
  config.event_log = command.event_log;
  APM_TRY(net::HttpClient http, azure::make_http_client(command.transport));
  if (command.service_principal) {
    config.tokens = azure::service_principal_tokens(http, principal_from_environment());
  }
  return release_master_key(config, deadline, log);
}

Status run(const SkrCommand& command, Log& log) {
  Bytes value;
  if (command.operation == Operation::kBatchUnwrap) {
    APM_TRY(value, read_batch(command.batch));
  } else if (command.operation != Operation::kRelease) {
    APM_TRY(value, read_value(command));
  }
  APM_TRY(const ReleasedKey released, release(command, log));
  APM_TRY(const crypto::SecretBytes out,
          perform(command, {released.key, released.key_version}, value));
  return write_fd(1, out.view(), "standard output");
}

}  // namespace

Result<crypto::SecretBytes> perform(const SkrCommand& command, const KeyInUse& in_use,
                                    ByteView value) {
  switch (command.operation) {
    case Operation::kRelease: return crypto::SecretBytes();
    case Operation::kBatchUnwrap: return perform_batch(command, in_use.key, value);
    case Operation::kWrap: {
      APM_TRY(const std::string wrapped, wrap_one(command, in_use, value));
      return with_newline(as_bytes(wrapped));
    }
    case Operation::kUnwrap: {
      APM_TRY(const crypto::SecretBytes plain, unwrap_one(command, in_use.key, as_text(value)));
      return with_newline(plain.view());
    }
  }
  return Error(Code::kInternal, "an operation that is not in the list");
}

int exit_code_of(const Error& error) {
  const std::string_view reason = error.reason;
  if (reason == "unreachable" || reason == "deadline" || reason == "tls_untrusted") return 6;
  if (reason == "imds" || reason == "entra" || reason == "service_principal") return 3;
  if (reason.starts_with("maa_") || reason.starts_with("tpm") || reason == "hcl_report" ||
      reason == "ak_certificate") {
    return 2;
  }
  if (reason.starts_with("key_") || reason.starts_with("release_")) return 4;
  if (reason.starts_with("released_") || reason.starts_with("wrapped_") ||
      reason.starts_with("envelope_") || error.code == Code::kCrypto) {
    return 5;
  }
  return 1;
}

int run_attest_skr(const std::vector<std::string>& words, Log& log) {
  const auto command = parse_skr_arguments(words);
  if (!command.ok()) {
    log.error("skr", command.error().message);
    static_cast<void>(write_fd(2, as_bytes(skr_usage()), "standard error"));
    return 1;
  }
  if (command->transport.test) {
    log.warn("skr", "TEST ANCHORS ARE IN USE: nothing here is proven by Azure or by AMD");
  }
  const Status done = run(*command, log);
  if (done.ok()) return 0;
  log.error("skr", done.error().message, {{"reason", done.error().reason}});
  return exit_code_of(done.error());
}

}  // namespace apm::skr
