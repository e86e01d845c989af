#pragma once

// Who the listener is: a private key and its certificate chain, and the OpenSSL context made of
// them. TLS 1.2 with forward secrecy and AEAD, or 1.3; ALPN "http/1.1"; sessions may be resumed.
// The key stays inside OpenSSL (wiping allocator, see crypto/library.h). Values are immutable after
// they are made and may be used by any thread.

#include <memory>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/keys.h"
#include "crypto/x509.h"

struct ssl_ctx_st;

namespace apm::http {

class TlsIdentity {
 public:
  // `chain_pem`: the leaf first, then its issuers. kInvalidArgument "tls_no_certificate",
  // "tls_chain_too_long", "tls_key_mismatch", or what the crypto library says of the text.
  [[nodiscard]] static Result<TlsIdentity> from_pem(std::string_view chain_pem, ByteView key_pem);
  // The same from memory; key and certificates are shared, not copied.
  [[nodiscard]] static Result<TlsIdentity> from_memory(
      const crypto::PrivateKey& key, const std::vector<const crypto::Certificate*>& chain);

  [[nodiscard]] const crypto::Certificate& leaf() const { return chain_.front(); }
  [[nodiscard]] const crypto::PrivateKey& key() const { return key_; }
  [[nodiscard]] const std::vector<crypto::Certificate>& chain() const { return chain_; }

 private:
  TlsIdentity(crypto::PrivateKey key, std::vector<crypto::Certificate> chain)
      : key_(std::move(key)), chain_(std::move(chain)) {}

  crypto::PrivateKey key_;
  std::vector<crypto::Certificate> chain_;  // never empty
};

using TlsContext = std::shared_ptr<ssl_ctx_st>;

enum class ClientCertificate {
  kNotRequested,
  kRequested,  // may be absent; its chain is judged by who uses it, not here
};

// kCrypto "tls_context" when OpenSSL refuses a setting.
[[nodiscard]] Result<TlsContext> make_tls_context(const TlsIdentity& identity,
                                                  ClientCertificate client_certificate);

}  // namespace apm::http
