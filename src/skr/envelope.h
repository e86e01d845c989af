#pragma once

// The envelope of a value that the server stores in Key Vault: AES-256-GCM under a key derived from
// the private number of the released master key. Only who was released the key can make or open
// one, and the header binds where the value belongs. Format: docs/formats/envelope.md. Pure.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/keys.h"
#include "crypto/secret_bytes.h"

namespace apm::skr {

struct EnvelopeContext {
  std::string key_version;  // of the released key, as Key Vault names it
  std::string store_id;
  std::string secret_name;  // the Key Vault secret that holds it
  std::uint64_t generation = 0;
};

[[nodiscard]] Result<std::string> seal_envelope(const crypto::PrivateKey& key,
                                                const EnvelopeContext& context, ByteView plaintext);

struct OpenedEnvelope {
  EnvelopeContext context;
  crypto::SecretBytes plaintext;
};
// kInvalidArgument "envelope_malformed"; kRefused "envelope_name" when it was sealed for another
// secret name; kCorrupt "envelope_seal" when key, header or content are not what was sealed.
// Store id and generation are authenticated, and the caller's to judge.
[[nodiscard]] Result<OpenedEnvelope> open_envelope(const crypto::PrivateKey& key,
                                                   std::string_view text,
                                                   std::string_view expected_name);

// What the header says. NOT authenticated: for choosing a key version or telling the operator.
[[nodiscard]] Result<EnvelopeContext> parse_envelope_header(std::string_view text);
[[nodiscard]] bool looks_like_envelope(std::string_view text);  // begins with "apm1."

}  // namespace apm::skr
