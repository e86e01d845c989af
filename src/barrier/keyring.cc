#include "barrier/keyring.h"

#include <algorithm>

#include "barrier/limits.h"
#include "barrier/record.h"
#include "barrier/seal_config.h"
#include "base/encoding.h"
#include "base/text.h"
#include "crypto/aead.h"
#include "crypto/digest.h"

namespace apm::barrier {
namespace {

constexpr std::int64_t kKeyringFormat = 1;

crypto::SecretBytes keyring_key(const crypto::SecretBytes& root_key) {
  return crypto::hkdf_sha256(root_key.view(), {}, kKeyringLabel, crypto::kGcmKeySize);
}

Error bad_keyring(std::string_view why) {
  return Error(Code::kCorrupt, "keyring_corrupt",
               concat("core/keyring ", why, "; restore the store from a backup"));
}

json::Value term_to_json(const Term& term) {
  return json::Object{{"term", term.number},
                      {"installed_unix_s", term.installed_unix_s},
                      {"reserved_encryptions", term.reserved},
                      {"key", base64_encode(term.key.view())}};
}

Result<Term> term_from_json(const json::Value& document) {
  Term term;
  const json::Value* number = document.at("term");
  const json::Value* installed = document.at("installed_unix_s");
  const json::Value* reserved = document.at("reserved_encryptions");
  const std::string* key = document.string_at("key");
  if (number == nullptr || installed == nullptr || reserved == nullptr || key == nullptr) {
    return bad_keyring("has a term with a member missing");
  }
  const auto number_value = number->as_uint();
  const auto installed_value = installed->as_int();
  const auto reserved_value = reserved->as_uint();
  if (!number_value || *number_value == 0 || *number_value > UINT32_MAX || !installed_value ||
      !reserved_value) {
    return bad_keyring("has a term with a number out of range");
  }
  Result<Bytes> raw = base64_decode(*key);
  if (!raw.ok() || raw->size() != crypto::kGcmKeySize) return bad_keyring("has a malformed key");
  term.number = static_cast<std::uint32_t>(*number_value);
  term.installed_unix_s = *installed_value;
  term.reserved = *reserved_value;
  term.key = crypto::SecretBytes::copy_of(*raw);
  crypto::wipe(*raw);
  return term;
}

Result<Keyring> keyring_from_json(const json::Value& document) {
  const json::Value* format = document.at("format");
  if (format == nullptr || format->as_int() != kKeyringFormat) {
    return bad_keyring("has an unknown format");
  }
  const json::Value* config = document.at("seal_config");
  const json::Value* floor = document.at("version_floor");
  const json::Value* terms = document.at("terms");
  if (config == nullptr || floor == nullptr || !floor->as_uint() || terms == nullptr ||
      terms->as_array() == nullptr || terms->as_array()->empty() ||
      terms->as_array()->size() > kKeyringTermsMax) {
    return bad_keyring("has a member missing or out of range");
  }
  Keyring keyring;
  APM_TRY(keyring.config, seal_config_from_json(*config));
  keyring.version_floor = *floor->as_uint();
  for (const json::Value& entry : *terms->as_array()) {
    APM_TRY(Term term, term_from_json(entry));
    if (!keyring.terms.empty() && term.number <= keyring.active().number) {
      return bad_keyring("has terms out of order");
    }
    keyring.terms.push_back(std::move(term));
  }
  return keyring;
}

}  // namespace

Term Term::clone() const { return Term{number, installed_unix_s, reserved, key.clone()}; }

Keyring Keyring::clone() const {
  Keyring copy;
  copy.config = config;
  copy.version_floor = version_floor;
  for (const Term& term : terms) copy.terms.push_back(term.clone());
  return copy;
}

const Term* Keyring::find(std::uint32_t number) const {
  const auto found =
      std::lower_bound(terms.begin(), terms.end(), number,
                       [](const Term& term, std::uint32_t wanted) { return term.number < wanted; });
  return found != terms.end() && found->number == number ? &*found : nullptr;
}

Status Keyring::add_term(std::int64_t now_unix_s) {
  if (terms.size() == kKeyringTermsMax || (!terms.empty() && active().number == UINT32_MAX)) {
    return Error(Code::kTooLarge, "keyring_full",
                 concat("the keyring has ", kKeyringTermsMax, " terms, as many as it can hold"));
  }
  Term term;
  term.number = terms.empty() ? 1 : active().number + 1;
  term.installed_unix_s = now_unix_s;
  term.key = crypto::SecretBytes::random(crypto::kGcmKeySize);
  terms.push_back(std::move(term));
  return {};
}

Result<Bytes> seal_keyring(const crypto::SecretBytes& root_key, const Keyring& keyring) {
  json::Array terms;
  for (const Term& term : keyring.terms) terms.push_back(term_to_json(term));
  std::string text = json::write(json::Object{{"format", kKeyringFormat},
                                              {"seal_config", seal_config_to_json(keyring.config)},
                                              {"version_floor", keyring.version_floor},
                                              {"terms", std::move(terms)}});
  Result<Bytes> sealed = seal_envelope(keyring_key(root_key), kKeyringLabel, as_bytes(text));
  crypto::wipe(text);
  return sealed;
}

Result<Keyring> open_keyring(const crypto::SecretBytes& root_key, ByteView sealed) {
  Result<Bytes> text = open_envelope(keyring_key(root_key), kKeyringLabel, sealed);
  if (!text.ok()) {
    if (text.error().code != Code::kCorrupt) return text.error();
    return bad_keyring("does not open with the root key");
  }
  const Result<json::Value> document = json::parse(ByteView(*text));
  crypto::wipe(*text);
  if (!document.ok()) return bad_keyring("is not valid JSON");
  return keyring_from_json(*document);
}

}  // namespace apm::barrier
