#include "crypto/keys.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <climits>
#include <cstdlib>

#include "base/text.h"
#include "crypto/limits.h"
#include "crypto/native_key.h"

namespace apm::crypto {
namespace {

using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, FreeWith<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, FreeWith<OSSL_PARAM_free>>;

constexpr std::size_t kLabelMax = 1024;

Error malformed(std::string text) {
  ERR_clear_error();
  return Error(Code::kInvalidArgument, "key_malformed", std::move(text));
}

Error wrong_kind(std::string_view wanted) {
  return Error(Code::kRefused, "signature_key",
               concat("the signature was to be checked with ", wanted,
                      " key, but the key given is of another kind"));
}

Error wrong_signature() {
  ERR_clear_error();
  return Error(Code::kRefused, "signature_invalid",
               "the signature does not belong to this message and key");
}

ByteView without_leading_zeros(ByteView number) {
  while (!number.empty() && number.front() == 0) number = number.subspan(1);
  return number;
}

Number to_number(ByteView bytes) {
  if (bytes.size() > INT_MAX) return nullptr;
  return Number(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
}

Bytes from_number(const BIGNUM* number) {
  Bytes out(static_cast<std::size_t>(BN_num_bytes(number)));
  if (BN_bn2bin(number, out.data()) < 0) std::abort();
  return out;
}

Result<PublicKey> build_key(const char* algorithm, OSSL_PARAM_BLD* builder) {
  const Params params(OSSL_PARAM_BLD_to_param(builder));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, algorithm, nullptr));
  EVP_PKEY* raw = nullptr;
  if (params == nullptr || context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &raw, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    return malformed(concat("the numbers given are not a public key of type ", algorithm));
  }
  return PublicKey(EvpPkey(raw));
}

// RSA keys of absurd sizes cost time or are worthless; other kinds are judged by their users.
Result<PublicKey> within_limits(EvpPkey key) {
  const auto bits = static_cast<std::size_t>(std::max(0, EVP_PKEY_get_bits(key.get())));
  if (native_type(key.get()) == KeyType::kRsa && (bits < kRsaBitsMin || bits > kRsaBitsMax)) {
    return malformed(
        concat("an RSA key of ", bits, " bits is outside of ", kRsaBitsMin, " to ", kRsaBitsMax));
  }
  return PublicKey(std::move(key));
}

Status verify_with(EVP_PKEY* key, Hash hash, std::optional<RsaPadding> padding, ByteView message,
                   ByteView signature) {
  const MdContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* inner = nullptr;  // belongs to context
  if (context == nullptr ||
      EVP_DigestVerifyInit(context.get(), &inner, native_digest(hash), nullptr, key) != 1 ||
      (padding && !set_signature_padding(inner, *padding, hash))) {
    return openssl_error("preparing a signature check");
  }
  if (EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                       message.size()) != 1) {
    return wrong_signature();
  }
  return {};
}

Result<Bytes> encrypt_with(EVP_PKEY_CTX* context, ByteView plaintext) {
  std::size_t size = 0;
  if (EVP_PKEY_encrypt(context, nullptr, &size, plaintext.data(), plaintext.size()) != 1) {
    return openssl_error("RSA encryption");
  }
  Bytes out(size);
  if (EVP_PKEY_encrypt(context, out.data(), &size, plaintext.data(), plaintext.size()) != 1) {
    return openssl_error("RSA encryption");
  }
  out.resize(size);
  return out;
}

Result<KeyContext> encryption_context(EVP_PKEY* key) {
  if (native_type(key) != KeyType::kRsa) {
    return Error(Code::kInvalidArgument, "key_kind", "only RSA keys encrypt");
  }
  KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  if (context == nullptr || EVP_PKEY_encrypt_init(context.get()) != 1) {
    return openssl_error("preparing RSA encryption");
  }
  return context;
}

}  // namespace

Result<PublicKey> PublicKey::from_spki_der(ByteView der) {
  if (der.size() > kKeyBytesMax) return malformed("the public key is too long");
  const std::uint8_t* at = der.data();
  EvpPkey key(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())));
  if (key == nullptr || at != der.data() + der.size()) {
    return malformed("the bytes are not one SubjectPublicKeyInfo in DER");
  }
  return within_limits(std::move(key));
}

Result<PublicKey> PublicKey::from_pem(std::string_view pem) {
  if (pem.size() > kKeyBytesMax) return malformed("the public key is too long");
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (bio == nullptr) return openssl_error("reading a public key");
  EvpPkey key(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
  if (key == nullptr)
    return malformed("the text holds no PEM block \"PUBLIC KEY\" that is readable");
  return within_limits(std::move(key));
}

Result<PublicKey> PublicKey::from_rsa(ByteView modulus, ByteView exponent) {
  modulus = without_leading_zeros(modulus);
  exponent = without_leading_zeros(exponent);
  if (modulus.size() < kRsaBitsMin / 8 || modulus.size() > kRsaBitsMax / 8 || exponent.empty() ||
      exponent.size() > 8 || (exponent.back() & 1) == 0 || (modulus.back() & 1) == 0 ||
      (exponent.size() == 1 && exponent[0] == 1)) {
    return malformed("the modulus or exponent of the RSA key is out of range");
  }
  const Number n = to_number(modulus);
  const Number e = to_number(exponent);
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  if (n == nullptr || e == nullptr || builder == nullptr ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
    return openssl_error("building an RSA key");
  }
  return build_key("RSA", builder.get());
}

Result<PublicKey> PublicKey::from_ec_point(Curve curve, ByteView x, ByteView y) {
  const std::size_t width = order_size(curve);  // for these curves also the width of a coordinate
  x = without_leading_zeros(x);
  y = without_leading_zeros(y);
  if (x.size() > width || y.size() > width)
    return malformed("a coordinate of the point is too long");
  Bytes point(1 + 2 * width);
  point[0] = 0x04;  // uncompressed, SEC 1 section 2.3.3
  std::copy_backward(x.begin(), x.end(), point.begin() + static_cast<std::ptrdiff_t>(1 + width));
  std::copy_backward(y.begin(), y.end(), point.end());
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  if (builder == nullptr ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME,
                                      native_curve_name(curve), 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                       point.size()) != 1) {
    return openssl_error("building an elliptic-curve key");
  }
  APM_TRY(PublicKey key, build_key("EC", builder.get()));
  const KeyContext check(EVP_PKEY_CTX_new_from_pkey(nullptr, key.native(), nullptr));
  if (check == nullptr || EVP_PKEY_public_check(check.get()) != 1) {
    return malformed("the point is not on the curve");
  }
  return key;
}

KeyType PublicKey::type() const { return native_type(key_.get()); }
int PublicKey::bits() const { return EVP_PKEY_get_bits(key_.get()); }
std::optional<Curve> PublicKey::curve() const { return native_curve(key_.get()); }

Bytes PublicKey::spki_der() const {
  std::uint8_t* raw = nullptr;
  const int size = i2d_PUBKEY(key_.get(), &raw);
  if (size <= 0) std::abort();  // an empty answer would be hashed as if it were a key
  Bytes out(raw, raw + size);
  OPENSSL_free(raw);
  return out;
}

std::string PublicKey::spki_pem() const {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || PEM_write_bio_PUBKEY(bio.get(), key_.get()) != 1) std::abort();
  return text_of(bio.get());
}

Result<Bytes> PublicKey::rsa_modulus() const {
  const Number n = key_number(key_.get(), OSSL_PKEY_PARAM_RSA_N);
  if (n == nullptr) return malformed("the key has no RSA modulus: it is of another kind");
  return from_number(n.get());
}

Result<Bytes> PublicKey::rsa_exponent() const {
  const Number e = key_number(key_.get(), OSSL_PKEY_PARAM_RSA_E);
  if (e == nullptr) return malformed("the key has no RSA exponent: it is of another kind");
  return from_number(e.get());
}

bool PublicKey::same_as(const PublicKey& other) const {
  const bool same = EVP_PKEY_eq(key_.get(), other.key_.get()) == 1;
  ERR_clear_error();
  return same;
}

Status PublicKey::verify_rsa_pkcs1(Hash hash, ByteView message, ByteView signature) const {
  if (type() != KeyType::kRsa) return wrong_kind("an RSA");
  return verify_with(key_.get(), hash, RsaPadding::kPkcs1, message, signature);
}

Status PublicKey::verify_rsa_pss(Hash hash, ByteView message, ByteView signature) const {
  if (type() != KeyType::kRsa) return wrong_kind("an RSA");
  return verify_with(key_.get(), hash, RsaPadding::kPss, message, signature);
}

Status PublicKey::verify_ecdsa(Hash hash, ByteView message, ByteView r, ByteView s) const {
  const std::optional<Curve> on = curve();
  if (!on) return wrong_kind("a P-256, P-384 or P-521");
  r = without_leading_zeros(r);
  s = without_leading_zeros(s);
  if (r.empty() || s.empty() || r.size() > order_size(*on) || s.size() > order_size(*on)) {
    return wrong_signature();
  }
  const EcdsaSig pair(ECDSA_SIG_new());
  Number r_number = to_number(r);
  Number s_number = to_number(s);
  if (pair == nullptr || r_number == nullptr || s_number == nullptr ||
      ECDSA_SIG_set0(pair.get(), r_number.get(), s_number.get()) != 1) {
    return openssl_error("reading an ECDSA signature");
  }
  static_cast<void>(r_number.release());  // they belong to `pair` now
  static_cast<void>(s_number.release());
  std::uint8_t* raw = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &raw);
  if (size <= 0) return openssl_error("encoding an ECDSA signature");
  const Bytes der(raw, raw + size);
  OPENSSL_free(raw);
  return verify_with(key_.get(), hash, std::nullopt, message, der);
}

Result<Bytes> PublicKey::encrypt_oaep(Hash hash, Hash mgf1, ByteView plaintext,
                                      ByteView label) const {
  APM_TRY(const KeyContext context, encryption_context(key_.get()));
  if (label.size() > kLabelMax || !set_oaep(context.get(), hash, mgf1, label)) {
    return openssl_error("choosing OAEP");
  }
  return encrypt_with(context.get(), plaintext);
}

Result<Bytes> PublicKey::encrypt_pkcs1(ByteView plaintext) const {
  APM_TRY(const KeyContext context, encryption_context(key_.get()));
  if (EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) != 1) {
    return openssl_error("choosing RSAES-PKCS1-v1_5");
  }
  return encrypt_with(context.get(), plaintext);
}

}  // namespace apm::crypto
