#include "skr/envelope.h"

#include "base/encoding.h"
#include "base/json.h"
#include "base/text.h"
#include "crypto/aead.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "skr/limits.h"

namespace apm::skr {
namespace {

constexpr std::string_view kFormat = "apm1";
constexpr std::string_view kKeyLabel = "apm-envelope-v1";
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;

Error malformed(std::string_view why) {
  return {Code::kInvalidArgument, "envelope_malformed",
          concat("the stored value is not an envelope of this server: ", why,
                 ". Expected apm1.HEADER.NONCE.CIPHERTEXT in base64url")};
}

// The one and only text for a context: what is authenticated is these bytes.
std::string header_text(const EnvelopeContext& context) {
  return json::write(json::Object{{"format", json::Value(kFormat)},
                                  {"key_version", json::Value(context.key_version)},
                                  {"store_id", json::Value(context.store_id)},
                                  {"secret_name", json::Value(context.secret_name)},
                                  {"generation", json::Value(context.generation)}});
}

Result<EnvelopeContext> read_header(std::string_view text) {
  const auto parsed = json::parse(text, {.bytes_max = kEnvelopeHeaderMax, .depth_max = 2});
  if (!parsed.ok()) return malformed("its header is not JSON");
  const std::string* version = parsed->string_at("key_version");
  const std::string* store = parsed->string_at("store_id");
  const std::string* name = parsed->string_at("secret_name");
  const json::Value* generation = parsed->at("generation");
  if (version == nullptr || store == nullptr || name == nullptr || generation == nullptr ||
      !generation->as_uint()) {
    return malformed("its header lacks a field");
  }
  EnvelopeContext context{*version, *store, *name, *generation->as_uint()};
  if (header_text(context) != text) return malformed("its header is not in the canonical form");
  return context;
}

struct Parts {
  std::string header;
  EnvelopeContext context;
  Bytes nonce;
  Bytes sealed;
};

Result<Parts> take_apart(std::string_view text) {
  if (text.size() > kEnvelopeTextMax) return malformed("it is too long");
  const auto fields = split(text, '.');
  if (fields.size() != 4 || fields[0] != kFormat) return malformed("it has not four parts");
  const auto header = base64url_decode(fields[1]);
  auto nonce = base64url_decode(fields[2]);
  auto sealed = base64url_decode(fields[3]);
  if (!header.ok() || !nonce.ok() || !sealed.ok()) return malformed("a part is not base64url");
  if (nonce->size() != kNonceBytes || sealed->size() < kTagBytes) {
    return malformed("its nonce or ciphertext has the wrong length");
  }
  Parts parts;
  parts.header = std::string(as_text(*header));
  APM_TRY(parts.context, read_header(parts.header));
  parts.nonce = std::move(*nonce);
  parts.sealed = std::move(*sealed);
  return parts;
}

Result<crypto::SecretBytes> envelope_key(const crypto::PrivateKey& key,
                                         const std::string& key_version) {
  APM_TRY(const crypto::SecretBytes number, key.private_number());
  return crypto::hkdf_sha256(number.view(), as_bytes(key_version), kKeyLabel, 32);
}

}  // namespace

bool looks_like_envelope(std::string_view text) {
  return text.starts_with(kFormat) && text.substr(kFormat.size()).starts_with('.');
}

Result<std::string> seal_envelope(const crypto::PrivateKey& key, const EnvelopeContext& context,
                                  ByteView plaintext) {
  if (context.key_version.empty() || context.store_id.empty() || context.secret_name.empty()) {
    return Error(Code::kInvalidArgument, "envelope_context",
                 "an envelope needs key version, store id and secret name");
  }
  if (plaintext.size() > kEnvelopePlaintextMax) {
    return Error(Code::kTooLarge, "value_too_long",
                 concat("an envelope holds at most ", kEnvelopePlaintextMax, " bytes"));
  }
  const std::string header = header_text(context);
  if (header.size() > kEnvelopeHeaderMax) {
    return Error(Code::kTooLarge, "envelope_context", "the names in the envelope are too long");
  }
  APM_TRY(const crypto::SecretBytes sealing_key, envelope_key(key, context.key_version));
  const Bytes nonce = crypto::random_bytes(kNonceBytes);
  APM_TRY(const Bytes sealed, crypto::gcm_seal(sealing_key, nonce, as_bytes(header), plaintext));
  return concat(kFormat, ".", base64url_encode(as_bytes(header)), ".", base64url_encode(nonce), ".",
                base64url_encode(sealed));
}

Result<OpenedEnvelope> open_envelope(const crypto::PrivateKey& key, std::string_view text,
                                     std::string_view expected_name) {
  APM_TRY(Parts parts, take_apart(text));
  if (parts.context.secret_name != expected_name) {
    return Error(Code::kRefused, "envelope_name",
                 concat("the value was sealed for the secret \"", parts.context.secret_name,
                        "\", and stands where \"", expected_name,
                        "\" belongs: somebody moved it. Restore the right version"));
  }
  APM_TRY(const crypto::SecretBytes sealing_key, envelope_key(key, parts.context.key_version));
  auto opened =
      crypto::gcm_open_secret(sealing_key, parts.nonce, as_bytes(parts.header), parts.sealed);
  if (!opened.ok()) {
    return Error(
        Code::kCorrupt, "envelope_seal",
        concat("the value of ", expected_name, " does not open: it was sealed by another ",
               "master key than version ", parts.context.key_version, ", or it was altered"));
  }
  return OpenedEnvelope{std::move(parts.context), std::move(*opened)};
}

Result<EnvelopeContext> parse_envelope_header(std::string_view text) {
  APM_TRY(Parts parts, take_apart(text));
  return std::move(parts.context);
}

}  // namespace apm::skr
