#include "sim/canaries.h"

#include "base/encoding.h"
#include "base/text.h"
#include "crypto/x509.h"

namespace apm::sim {
namespace {

// The private exponent stands behind the modulus; the last bytes of the document are factors,
// exponents and coefficient.
constexpr std::size_t kFactorBytes = 512;

void add(json::Array& out, const std::string& name, ByteView value) {
  out.emplace_back(json::Object{{"name", name}, {"hex", hex_encode(value)}});
}

Status add_key(json::Array& out, const std::string& name, const crypto::PrivateKey& key) {
  APM_TRY(const crypto::SecretBytes number, key.private_number());
  add(out, name + ", private number", number.view());
  APM_TRY(const crypto::SecretBytes der, key.pkcs8_der());
  if (key.type() != crypto::KeyType::kRsa || der.size() < kFactorBytes) return {};
  add(out, name + ", factors", der.view().last(kFactorBytes));
  return {};
}

Result<std::string> newest(const VaultData& data, const std::string& name) {
  const auto found = data.secrets.find(name);
  if (found == data.secrets.end() || found->second.versions.empty()) {
    return Error(Code::kNotFound, "canaries", "the vault has no secret " + name);
  }
  return found->second.versions.back().value;
}

Result<crypto::SecretBytes> open_wrapped(const crypto::PrivateKey& master, const VaultData& data,
                                         const std::string& name) {
  using crypto::Hash;
  APM_TRY(const std::string text, newest(data, name));
  APM_TRY(const Bytes wrapped, base64_decode(text));
  return master.decrypt_oaep(Hash::kSha256, Hash::kSha256, wrapped);
}

}  // namespace

Result<json::Value> canaries_of(const VaultData& data) {
  const auto key = data.keys.find("apm-master-key");
  if (key == data.keys.end() || key->second.versions.empty()) {
    return Error(Code::kNotFound, "canaries", "the vault has no key apm-master-key");
  }
  APM_TRY(const crypto::PrivateKey master,
          crypto::PrivateKey::from_pkcs8_der(key->second.versions.back().pkcs8));
  json::Array out;
  APM_CHECK_OK(add_key(out, "master key", master));
  APM_TRY(const crypto::SecretBytes password, open_wrapped(master, data, "apm-tls-cert-password"));
  add(out, "PFX password", password.view());
  APM_TRY(const crypto::SecretBytes storage_key, open_wrapped(master, data, "apm-saa-key"));
  add(out, "storage key", storage_key.view());
  APM_TRY(const std::string pfx_text, newest(data, "apm-tls-cert"));
  APM_TRY(const Bytes pfx, base64_decode(pfx_text));
  APM_TRY(const crypto::Pkcs12 opened, crypto::open_pkcs12(pfx, password));
  APM_CHECK_OK(add_key(out, "TLS key", opened.key));
  return json::Value(json::Object{{"canaries", std::move(out)}});
}

}  // namespace apm::sim
