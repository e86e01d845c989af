#include "crypto/digest.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>

#include <cstdlib>

#include "crypto/native.h"

namespace apm::crypto {
namespace {

void insist(bool worked) {
  if (!worked) std::abort();
}

}  // namespace

const EVP_MD* native_digest(Hash hash) {
  switch (hash) {
    case Hash::kSha1: return EVP_sha1();
    case Hash::kSha256: return EVP_sha256();
    case Hash::kSha384: return EVP_sha384();
    case Hash::kSha512: return EVP_sha512();
  }
  std::abort();
}

std::size_t digest_size(Hash hash) {
  return static_cast<std::size_t>(EVP_MD_get_size(native_digest(hash)));
}

Bytes digest(Hash hash, ByteView data) { return digest(hash, {data}); }

Bytes digest(Hash hash, std::initializer_list<ByteView> parts) {
  const MdContext context(EVP_MD_CTX_new());
  insist(context != nullptr &&
         EVP_DigestInit_ex2(context.get(), native_digest(hash), nullptr) == 1);
  for (const ByteView part : parts) {
    insist(EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1);
  }
  Bytes out(digest_size(hash));
  insist(EVP_DigestFinal_ex(context.get(), out.data(), nullptr) == 1);
  return out;
}

struct RunningSha256::Impl {
  MdContext context{EVP_MD_CTX_new()};
};

RunningSha256::RunningSha256() : impl_(std::make_unique<Impl>()) {
  insist(impl_->context != nullptr &&
         EVP_DigestInit_ex2(impl_->context.get(), EVP_sha256(), nullptr) == 1);
}
RunningSha256::RunningSha256(RunningSha256&&) noexcept = default;
RunningSha256& RunningSha256::operator=(RunningSha256&&) noexcept = default;
RunningSha256::~RunningSha256() = default;

void RunningSha256::update(ByteView data) {
  insist(EVP_DigestUpdate(impl_->context.get(), data.data(), data.size()) == 1);
}

Bytes RunningSha256::value() const {
  const MdContext copy(EVP_MD_CTX_new());
  insist(copy != nullptr && EVP_MD_CTX_copy_ex(copy.get(), impl_->context.get()) == 1);
  Bytes out(digest_size(Hash::kSha256));
  insist(EVP_DigestFinal_ex(copy.get(), out.data(), nullptr) == 1);
  return out;
}

Bytes hmac_sha256(ByteView key, ByteView data) {
  Bytes out(32);
  static constexpr std::uint8_t kNoKey = 0;  // OpenSSL takes a null key as "the key of before"
  insist(HMAC(EVP_sha256(), key.empty() ? &kNoKey : key.data(), static_cast<int>(key.size()),
              data.data(), data.size(), out.data(), nullptr) != nullptr);
  return out;
}

Bytes hmac_sha256(ByteView key, std::initializer_list<ByteView> parts) {
  Bytes all;
  for (const ByteView part : parts) append(all, part);
  return hmac_sha256(key, all);
}

SecretBytes hkdf_sha256(ByteView key, ByteView salt, std::string_view info, std::size_t size) {
  const KeyContext context(EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, nullptr));
  EVP_PKEY_CTX* raw = context.get();
  insist(raw != nullptr && EVP_PKEY_derive_init(raw) == 1);
  insist(EVP_PKEY_CTX_set_hkdf_md(raw, EVP_sha256()) == 1);
  insist(EVP_PKEY_CTX_set1_hkdf_key(raw, key.data(), static_cast<int>(key.size())) == 1);
  if (!salt.empty()) {
    insist(EVP_PKEY_CTX_set1_hkdf_salt(raw, salt.data(), static_cast<int>(salt.size())) == 1);
  }
  insist(EVP_PKEY_CTX_add1_hkdf_info(raw, as_bytes(info).data(), static_cast<int>(info.size())) ==
         1);
  SecretBytes out = SecretBytes::zeros(size);
  std::size_t written = size;
  insist(EVP_PKEY_derive(raw, out.mutable_view().data(), &written) == 1 && written == size);
  return out;
}

}  // namespace apm::crypto
