#include "http/tls_identity.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <utility>

#include "http/limits.h"

namespace apm::http {
namespace {

constexpr const char* kTls12Ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr std::array<unsigned char, 3> kSessionContext = {'a', 'p', 'm'};

crypto::PrivateKey share(const crypto::PrivateKey& key) {
  EVP_PKEY_up_ref(key.native());
  return crypto::PrivateKey(crypto::EvpPkey(key.native()));
}

// Only "http/1.1" is spoken; a client that offers protocols, but not this one, is refused.
int select_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* offered, unsigned int offered_size, void*) {
  static constexpr unsigned char kOurs[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kOurs, sizeof(kOurs) - 1, offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

// Possession of the key is proved by the handshake; whose key it is, the caller decides later.
int accept_any_chain(X509_STORE_CTX*, void*) { return 1; }

bool use_identity(SSL_CTX* context, const TlsIdentity& identity) {
  if (SSL_CTX_use_certificate(context, identity.leaf().native()) != 1) return false;
  if (SSL_CTX_use_PrivateKey(context, identity.key().native()) != 1) return false;
  if (SSL_CTX_check_private_key(context) != 1) return false;
  for (std::size_t i = 1; i < identity.chain().size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context, identity.chain()[i].native()) != 1) return false;
  }
  return true;
}

bool use_settings(SSL_CTX* context, ClientCertificate client_certificate) {
  SSL_CTX_set_options(
      context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER);
  SSL_CTX_set_alpn_select_cb(context, select_protocol, nullptr);
  if (client_certificate == ClientCertificate::kRequested) {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_cert_verify_callback(context, accept_any_chain, nullptr);
  }
  return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
         SSL_CTX_set_cipher_list(context, kTls12Ciphers) == 1 &&
         SSL_CTX_set_session_id_context(context, kSessionContext.data(), kSessionContext.size()) ==
             1;
}

}  // namespace

Result<TlsIdentity> TlsIdentity::from_pem(std::string_view chain_pem, ByteView key_pem) {
  APM_TRY(const crypto::PrivateKey key, crypto::PrivateKey::from_pem(key_pem));
  APM_TRY(const std::vector<crypto::Certificate> chain,
          crypto::Certificate::list_from_pem(chain_pem));
  std::vector<const crypto::Certificate*> pointers;
  pointers.reserve(chain.size());
  for (const crypto::Certificate& certificate : chain) pointers.push_back(&certificate);
  return from_memory(key, pointers);
}

Result<TlsIdentity> TlsIdentity::from_memory(const crypto::PrivateKey& key,
                                             const std::vector<const crypto::Certificate*>& chain) {
  if (chain.empty()) {
    return Error(Code::kInvalidArgument, "tls_no_certificate",
                 "the TLS identity has a key but no certificate; give the chain, leaf first");
  }
  if (chain.size() > kCertificateChainMax) {
    return Error(Code::kInvalidArgument, "tls_chain_too_long",
                 "the TLS certificate chain has more than 8 certificates");
  }
  const bool same = X509_check_private_key(chain.front()->native(), key.native()) == 1;
  ERR_clear_error();
  if (!same) {
    return Error(Code::kInvalidArgument, "tls_key_mismatch",
                 "the TLS private key does not belong to the first certificate of the chain");
  }
  std::vector<crypto::Certificate> copies;
  copies.reserve(chain.size());
  for (const crypto::Certificate* certificate : chain) copies.push_back(certificate->clone());
  return TlsIdentity(share(key), std::move(copies));
}

Result<TlsContext> make_tls_context(const TlsIdentity& identity,
                                    ClientCertificate client_certificate) {
  const TlsContext context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  const bool made = context && use_settings(context.get(), client_certificate) &&
                    use_identity(context.get(), identity);
  ERR_clear_error();
  if (!made) {
    return Error(Code::kCrypto, "tls_context",
                 "OpenSSL refused the TLS settings or the certificate (is the key too small?)");
  }
  return context;
}

}  // namespace apm::http
