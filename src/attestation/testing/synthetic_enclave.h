#pragma once

// A Nitro enclave made of software keys, for tests only: root, region, zonal and instance
// authorities, leaf, and a document in COSE_Sign1. Every part can be edited before it is signed, so
// that a test can make a document in which exactly one thing is wrong. Not part of any program.

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "attestation/nitro/verify.h"
#include "crypto/digest.h"
#include "crypto/x509_build.h"

namespace apm::attestation::testing {

// ---- CBOR (RFC 8949), shortest forms ----

inline Bytes cbor_head(unsigned major, std::uint64_t number) {
  const auto first = static_cast<std::uint8_t>(major << 5);
  const auto byte = [number](unsigned shift) { return static_cast<std::uint8_t>(number >> shift); };
  if (number < 24) return {static_cast<std::uint8_t>(first | number)};
  if (number <= 0xff) return {static_cast<std::uint8_t>(first | 24), byte(0)};
  if (number <= 0xffff) return {static_cast<std::uint8_t>(first | 25), byte(8), byte(0)};
  Bytes out = {static_cast<std::uint8_t>(first | (number <= 0xffffffff ? 26 : 27))};
  for (int shift = number <= 0xffffffff ? 24 : 56; shift >= 0; shift -= 8) {
    out.push_back(byte(static_cast<unsigned>(shift)));
  }
  return out;
}
inline Bytes cbor_unsigned(std::uint64_t number) { return cbor_head(0, number); }
inline Bytes cbor_bytes(ByteView bytes) {
  Bytes out = cbor_head(2, bytes.size());
  append(out, bytes);
  return out;
}
inline Bytes cbor_text(std::string_view text) {
  Bytes out = cbor_head(3, text.size());
  append(out, text);
  return out;
}
inline Bytes cbor_array(const std::vector<Bytes>& items) {
  Bytes out = cbor_head(4, items.size());
  for (const Bytes& item : items) append(out, ByteView(item));
  return out;
}
using CborPairs = std::vector<std::pair<Bytes, Bytes>>;
inline Bytes cbor_map(const CborPairs& pairs) {
  Bytes out = cbor_head(5, pairs.size());
  for (const auto& [key, value] : pairs) {
    append(out, ByteView(key));
    append(out, ByteView(value));
  }
  return out;
}
inline Bytes cbor_null() { return {0xf6}; }

class SyntheticEnclave {
 public:
  static constexpr std::int64_t kMadeAt = 1'790'000'000;
  static constexpr std::size_t kRoot = 0, kRegion = 1, kZonal = 2, kInstance = 3, kLeaf = 4;

  // ---- What a test may change before document() ----
  std::vector<crypto::CertificateSpec> specs;                    // root first, the leaf last
  std::optional<std::pair<std::size_t, std::size_t>> signed_by;  // certificate -> key of another
  crypto::Curve leaf_curve = crypto::Curve::kP384;               // in the certificate
  std::function<void(std::vector<Bytes>&)> edit_cabundle = [](auto&) {};
  std::vector<std::pair<std::uint64_t, Bytes>> pcrs;
  std::function<void(CborPairs&)> edit_fields = [](CborPairs&) {};
  std::optional<Bytes> payload;  // instead of the fields
  Bytes protected_header = {0xa1, 0x01, 0x38, 0x22};
  Bytes unprotected_header = {0xa0};
  Bytes before = {0x84};  // tag and head of the array
  std::string context = "Signature1";
  bool indefinite_map = false;

  explicit SyntheticEnclave(std::int64_t made_at_s = kMadeAt) : made_at_s_(made_at_s) {
    for (std::size_t i = 0; i <= kLeaf; ++i) keys_.push_back(ec_key(crypto::Curve::kP384));
    reset();
  }

  void reset() {
    SyntheticEnclave::specs.clear();
    const char* names[] = {"test.nitro-enclaves", "region", "zonal", "instance", "enclave"};
    for (std::size_t i = 0; i <= kLeaf; ++i) {
      crypto::CertificateSpec spec;
      spec.common_name = names[i];
      spec.not_before_s = made_at_s_ - 60;
      spec.not_after_s = made_at_s_ + 3 * 3600;
      spec.is_ca = i < kLeaf;
      if (i > kRoot && i < kLeaf) spec.path_length = static_cast<int>(kInstance - i);
      spec.add_key_identifiers = i < kInstance;  // as AWS does
      if (i == kLeaf) spec.key_usage = "digitalSignature,nonRepudiation";
      specs.push_back(std::move(spec));
    }
    signed_by.reset();
    leaf_curve = crypto::Curve::kP384;
    edit_cabundle = [](auto&) {};
    edit_fields = [](CborPairs&) {};
    payload.reset();
    protected_header = {0xa1, 0x01, 0x38, 0x22};
    unprotected_header = {0xa0};
    before = {0x84};
    context = "Signature1";
    indefinite_map = false;
    pcrs.clear();
    for (std::uint8_t i = 0; i < 16; ++i) {
      const bool zero = i == 3 || i >= 5;
      pcrs.emplace_back(i, Bytes(48, zero ? 0 : static_cast<std::uint8_t>(0x10 + i)));
    }
  }

  [[nodiscard]] Bytes document() {
    build_chain();
    const Bytes body = payload ? *payload : fields();
    const Bytes to_be_signed = cbor_array(
        {cbor_text(context), cbor_bytes(protected_header), cbor_bytes({}), cbor_bytes(body)});
    const auto signature = must(keys_[kLeaf].sign_ecdsa(crypto::Hash::kSha384, to_be_signed));
    Bytes both = signature.r;
    append(both, ByteView(signature.s));
    Bytes out = before;
    append(out, cbor_bytes(protected_header));
    append(out, ByteView(unprotected_header));
    append(out, cbor_bytes(body));
    append(out, cbor_bytes(both));
    return out;
  }

  // The root of the last document, and of all with an unchanged root spec.
  [[nodiscard]] nitro::Anchors anchors() {
    nitro::Anchors out = nitro::Anchors::none();
    if (!out.add_named("test", root_pem()).ok()) throw std::runtime_error("anchor");
    return out;
  }

  [[nodiscard]] std::string root_pem() {
    if (chain_.empty()) build_chain();
    return chain_[kRoot].pem();
  }

 private:
  template <class T>
  static T must(Result<T> result) {
    if (!result.ok()) throw std::runtime_error(result.error().message);
    return std::move(result).value();
  }
  static crypto::PrivateKey ec_key(crypto::Curve curve) {
    return must(crypto::PrivateKey::generate_ec(curve));
  }

  void build_chain() {
    other_leaf_key_.reset();
    if (leaf_curve != crypto::Curve::kP384) other_leaf_key_.emplace(ec_key(leaf_curve));
    std::vector<crypto::Certificate> made;
    for (std::size_t i = 0; i <= kLeaf; ++i) {
      // ECDSA is randomised: an unchanged root must stay the same certificate.
      if (i == kRoot && root_ && !root_changed()) {
        made.push_back(root_->clone());
        continue;
      }
      const crypto::PrivateKey& own = i == kLeaf && other_leaf_key_ ? *other_leaf_key_ : keys_[i];
      const std::size_t signer = signed_by && signed_by->first == i ? signed_by->second
                                 : i == kRoot                       ? kRoot
                                                                    : i - 1;
      made.push_back(must(crypto::build_certificate(
          specs[i], must(own.public_key()), i == kRoot ? nullptr : &made[i - 1], keys_[signer])));
    }
    chain_ = std::move(made);
    if (!root_) root_.emplace(chain_[kRoot].clone());
  }

  [[nodiscard]] bool root_changed() const {
    return specs[kRoot].not_after_s != made_at_s_ + 3 * 3600 || !specs[kRoot].key_usage.empty() ||
           !specs[kRoot].is_ca || specs[kRoot].path_length != -1;
  }

  [[nodiscard]] Bytes fields() const {
    std::vector<Bytes> bundle;
    bundle.reserve(kLeaf);
    for (std::size_t i = 0; i < kLeaf; ++i) bundle.push_back(chain_[i].der());
    edit_cabundle(bundle);
    for (Bytes& der : bundle) der = cbor_bytes(der);
    CborPairs registers;
    for (const auto& [index, value] : pcrs) {
      registers.emplace_back(cbor_unsigned(index), cbor_bytes(value));
    }
    CborPairs out = {{cbor_text("module_id"), cbor_text("i-0123456789abcdef0-enc0123456789abcdef")},
                     {cbor_text("digest"), cbor_text("SHA384")},
                     {cbor_text("timestamp"),
                      cbor_unsigned(static_cast<std::uint64_t>(made_at_s_) * 1000 + 250)},
                     {cbor_text("pcrs"), cbor_map(registers)},
                     {cbor_text("certificate"), cbor_bytes(chain_[kLeaf].der())},
                     {cbor_text("cabundle"), cbor_array(bundle)},
                     {cbor_text("public_key"), cbor_bytes(Bytes{1, 2, 3})},
                     {cbor_text("user_data"), cbor_null()},
                     {cbor_text("nonce"), cbor_bytes(Bytes{7, 7, 7, 0})}};
    edit_fields(out);
    Bytes map = cbor_map(out);
    if (indefinite_map) {
      map[0] = 0xbf;
      map.push_back(0xff);
    }
    return map;
  }

  std::int64_t made_at_s_;
  std::vector<crypto::PrivateKey> keys_;
  std::optional<crypto::PrivateKey> other_leaf_key_;
  std::vector<crypto::Certificate> chain_;
  std::optional<crypto::Certificate> root_;
};

}  // namespace apm::attestation::testing
