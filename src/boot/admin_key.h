#pragma once

// The administrator's own key: with APM_ADMIN_PUBLIC_KEY the root token leaves this server only
// encrypted to it, and Key Vault never holds the token in clear. RSA-OAEP with SHA-256 and a key
// of 3072 to 8192 bits, so that `openssl genpkey` makes it and `openssl pkeyutl` can open what is
// sealed to it. Format and reasons: docs/formats/admin-envelope.md, docs/adr/. Pure; any thread.

#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/keys.h"
#include "crypto/secret_bytes.h"

namespace apm::boot {

struct AdminKey {
  crypto::PublicKey key;
  std::string sha256;  // hex, of its SubjectPublicKeyInfo
};

// A PEM block "PUBLIC KEY", or the base64 of that text (one line, as `base64 -w0` writes it).
// kInvalidArgument "admin_key": anything else, another kind of key, one that is too short or too
// long, an exponent below 65537; a private key is named as such.
[[nodiscard]] Result<AdminKey> parse_admin_key(std::string_view text);

struct AdminEnvelope {
  std::string store_id;
  std::string secret_name;  // the Key Vault secret that holds it
};

[[nodiscard]] Result<std::string> seal_to_admin(const AdminKey& key, const AdminEnvelope& context,
                                                ByteView token);

struct OpenedAdminEnvelope {
  AdminEnvelope context;
  crypto::SecretBytes token;
};
// kInvalidArgument "admin_envelope_malformed"; kRefused "admin_envelope_key" when it was sealed to
// another key, "admin_envelope_seal" when it does not open.
[[nodiscard]] Result<OpenedAdminEnvelope> open_with_admin_key(const crypto::PrivateKey& key,
                                                              std::string_view text);

}  // namespace apm::boot
