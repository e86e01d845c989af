#include "skr/oaep.h"

#include "base/encoding.h"
#include "base/text.h"
#include "skr/limits.h"

namespace apm::skr {

Result<std::string> wrap_value(const crypto::PublicKey& key, ByteView plaintext,
                               const OaepHashes& hashes) {
  const auto block = static_cast<std::size_t>(key.bits()) / 8;
  const std::size_t overhead = 2 * crypto::digest_size(hashes.hash) + 2;
  if (key.type() != crypto::KeyType::kRsa || block <= overhead) {
    return Error(Code::kInvalidArgument, "wrap_key",
                 "wrapping needs an RSA key long enough for the hash");
  }
  if (plaintext.size() > block - overhead) {
    return Error(Code::kTooLarge, "value_too_long",
                 concat("one RSA block of this key carries ", block - overhead,
                        " bytes. Wrap a password instead, and encrypt the value with it"));
  }
  APM_TRY(const Bytes wrapped, key.encrypt_oaep(hashes.hash, hashes.mgf1, plaintext));
  return base64_encode(wrapped);
}

Result<crypto::SecretBytes> unwrap_value(const crypto::PrivateKey& key, std::string_view wrapped,
                                         const OaepHashes& hashes) {
  const std::string_view text = trim(wrapped);
  const auto block = text.size() <= kWrappedTextMax ? base64_decode_any(text)
                                                    : Result<Bytes>(Error(Code::kTooLarge, ""));
  if (!block.ok() || block->empty()) {
    return Error(Code::kInvalidArgument, "wrapped_malformed",
                 "the wrapped value is not the base64 of one RSA block. Wrap it again, and store "
                 "exactly what that prints");
  }
  auto opened = key.decrypt_oaep(hashes.hash, hashes.mgf1, *block);
  if (opened.ok()) return opened;
  return Error(Code::kRefused, "wrapped_refused",
               "the wrapped value does not open: it was made for another key, or with another "
               "padding than RSA-OAEP with these hashes. Wrap it again with this key");
}

}  // namespace apm::skr
