#include "boot/admin_key.h"

#include "base/encoding.h"
#include "base/json.h"
#include "base/text.h"
#include "boot/limits.h"
#include "crypto/digest.h"

namespace apm::boot {
namespace {

constexpr std::string_view kFormat = "apm-admin1";
constexpr std::string_view kPemBegin = "-----BEGIN ";
constexpr std::string_view kPublicBegin = "-----BEGIN PUBLIC KEY-----";
constexpr std::string_view kPublicEnd = "-----END PUBLIC KEY-----";

Error bad_key(std::string_view why) {
  return {Code::kInvalidArgument, "admin_key",
          concat("the administrator's public key ", why,
                 ". Make one with: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 "
                 "-out admin.pem; openssl pkey -in admin.pem -pubout | base64 -w0")};
}

// The PEM text itself, or what its base64 holds.
Result<std::string> pem_of(std::string_view text) {
  text = trim(text);
  if (text.size() > kAdminKeyTextMax) return bad_key("is too long");
  std::string pem(text);
  if (!text.starts_with(kPemBegin)) {
    const auto decoded = base64_decode(text);
    if (!decoded.ok()) return bad_key("is neither PEM nor the base64 of PEM");
    pem = std::string(trim(as_text(*decoded)));
  }
  if (pem.find("PRIVATE KEY-----") != std::string::npos) {
    return bad_key("is a PRIVATE key: it must never be given to a server, and is not safe now");
  }
  const bool one_block = pem.starts_with(kPublicBegin) && pem.ends_with(kPublicEnd) &&
                         pem.find(kPemBegin, kPemBegin.size()) == std::string::npos;
  if (!one_block) return bad_key("is not one PEM block \"PUBLIC KEY\"");
  return pem;
}

Status check_strength(const crypto::PublicKey& key) {
  if (key.type() != crypto::KeyType::kRsa) return bad_key("is not an RSA key");
  if (key.bits() < kAdminKeyBitsMin || key.bits() > kAdminKeyBitsMax) {
    return bad_key(concat("has ", key.bits(), " bits; ", kAdminKeyBitsMin, " to ", kAdminKeyBitsMax,
                          " are accepted"));
  }
  APM_TRY(const Bytes exponent, key.rsa_exponent());
  if (exponent.size() < 3) return bad_key("has an exponent below 65537");
  return {};
}

std::string fingerprint(const crypto::PublicKey& key) {
  return hex_encode(crypto::sha256(key.spki_der()));
}

struct Header {
  std::string key_sha256;
  AdminEnvelope context;
};

// The one text for a header; its bytes are the OAEP label, so that a changed one does not open.
std::string header_text(const Header& header) {
  return json::write(json::Object{{"format", kFormat},
                                  {"key_sha256", header.key_sha256},
                                  {"store_id", header.context.store_id},
                                  {"secret_name", header.context.secret_name}});
}

// The envelope is not authentic, and its texts go to a terminal.
bool is_plain(std::string_view text) {
  return !text.empty() && text.find_first_not_of(
                              "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW"
                              "XYZ0123456789-._") == std::string_view::npos;
}

Error malformed(std::string_view why) {
  return {Code::kInvalidArgument, "admin_envelope_malformed",
          concat("this is not a token that was encrypted to an administrator's key: ", why,
                 ". Expected apm-admin1.HEADER.CIPHERTEXT, the value of the Key Vault secret")};
}

Result<Header> read_header(std::string_view text) {
  const auto parsed = json::parse(text, {.bytes_max = kAdminEnvelopeTextMax, .depth_max = 2});
  if (!parsed.ok()) return malformed("its header is not JSON");
  const std::string* key = parsed->string_at("key_sha256");
  const std::string* store = parsed->string_at("store_id");
  const std::string* name = parsed->string_at("secret_name");
  if (key == nullptr || store == nullptr || name == nullptr) {
    return malformed("its header lacks a field");
  }
  if (!is_plain(*key) || !is_plain(*store) || !is_plain(*name)) {
    return malformed("its header has characters that no name has");
  }
  Header header{*key, {*store, *name}};
  if (header_text(header) != text) return malformed("its header is not in the canonical form");
  return header;
}

}  // namespace

Result<AdminKey> parse_admin_key(std::string_view text) {
  APM_TRY(const std::string pem, pem_of(text));
  auto key = crypto::PublicKey::from_pem(pem);
  if (!key.ok()) return bad_key("cannot be read");
  APM_CHECK_OK(check_strength(*key));
  std::string sha256 = fingerprint(*key);
  return AdminKey{std::move(*key), std::move(sha256)};
}

Result<std::string> seal_to_admin(const AdminKey& key, const AdminEnvelope& context,
                                  ByteView token) {
  const std::string header = header_text({key.sha256, context});
  APM_TRY(const Bytes sealed, key.key.encrypt_oaep(crypto::Hash::kSha256, crypto::Hash::kSha256,
                                                   token, as_bytes(header)));
  return concat(kFormat, ".", base64url_encode(as_bytes(header)), ".", base64url_encode(sealed));
}

Result<OpenedAdminEnvelope> open_with_admin_key(const crypto::PrivateKey& key,
                                                std::string_view text) {
  text = trim(text);
  if (text.size() > kAdminEnvelopeTextMax) return malformed("it is too long");
  const auto fields = split(text, '.');
  if (fields.size() != 3 || fields[0] != kFormat) return malformed("it has not three parts");
  const auto header_bytes = base64url_decode(fields[1]);
  const auto sealed = base64url_decode(fields[2]);
  if (!header_bytes.ok() || !sealed.ok()) return malformed("a part is not base64url");
  APM_TRY(Header header, read_header(as_text(*header_bytes)));
  APM_TRY(const crypto::PublicKey own, key.public_key());
  const std::string own_sha256 = fingerprint(own);
  if (own_sha256 != header.key_sha256) {
    return Error(Code::kRefused, "admin_envelope_key",
                 concat("the token was encrypted to the key with SHA-256 ", header.key_sha256,
                        ", and this key has ", own_sha256));
  }
  auto token =
      key.decrypt_oaep(crypto::Hash::kSha256, crypto::Hash::kSha256, *sealed, *header_bytes);
  if (!token.ok()) {
    return Error(Code::kRefused, "admin_envelope_seal",
                 "the token does not open with this key: the text was altered");
  }
  if (!is_plain(token->text())) return malformed("what it holds is not a token");
  return OpenedAdminEnvelope{std::move(header.context), std::move(*token)};
}

}  // namespace apm::boot
