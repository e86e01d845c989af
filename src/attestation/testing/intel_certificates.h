#pragma once

// Keys and certificates of a platform in Intel's shape, for tests. Keys are made once per process.
// Not part of any program.

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "crypto/x509_build.h"

namespace apm::attestation::testing {

inline constexpr std::int64_t kIntelNow = 1'790'000'000;
inline constexpr std::int64_t kIntelDay = 86400;

struct IntelKeys {
  crypto::PrivateKey root = make(), other_root = make(), authority = make(), pck = make(),
                     tcb_signing = make(), attestation = make(), stranger = make();
  static crypto::PrivateKey make(crypto::Curve curve = crypto::Curve::kP256) {
    return *crypto::PrivateKey::generate_ec(curve);
  }
  static const IntelKeys& get() {
    static const IntelKeys keys;
    return keys;
  }
};

// A certificate of the platform's chains, with what a test may change.
struct IntelCertificate {
  std::string name;
  const crypto::PrivateKey* key = nullptr;
  const crypto::PrivateKey* signer = nullptr;
  bool is_ca = false;
  int path_length = -1;
  std::string key_usage;
  std::int64_t not_before_s = kIntelNow - 100 * kIntelDay;
  std::int64_t not_after_s = kIntelNow + 100 * kIntelDay;
  std::vector<std::pair<std::string, Bytes>> extensions;

  [[nodiscard]] crypto::Certificate build(const crypto::Certificate* issuer) const {
    return *crypto::build_certificate({.common_name = name,
                                       .organization = "Test",
                                       .dns_names = {},
                                       .not_before_s = not_before_s,
                                       .not_after_s = not_after_s,
                                       .is_ca = is_ca,
                                       .path_length = path_length,
                                       .key_usage = key_usage,
                                       .extensions = extensions},
                                      *key->public_key(), issuer, *signer);
  }
};

// What the PCK certificate's SGX extension says.
struct IntelPck {
  Bytes ppid = Bytes(16, 0x11);
  std::array<std::uint8_t, 16> components{5, 5, 2, 2, 3, 1, 0, 3};
  unsigned pce_svn = 11;
  Bytes pce_id = {0, 0};
  Bytes fmspc = {0x90, 0xc0, 0x6f, 0, 0, 0};
  Bytes platform_instance = Bytes(16, 0x22);

  [[nodiscard]] Bytes extension() const {
    Bytes tcb;
    for (std::uint8_t i = 0; i < 16; ++i) {
      append(tcb, entry({2, static_cast<std::uint8_t>(i + 1)}, integer(components[i])));
    }
    append(tcb, entry({2, 17}, integer(pce_svn)));
    append(tcb, entry({2, 18}, der(0x04, Bytes(16, 7))));
    Bytes list = entry({1}, der(0x04, ppid));
    append(list, entry({2}, der(0x30, tcb)));
    append(list, entry({3}, der(0x04, pce_id)));
    append(list, entry({4}, der(0x04, fmspc)));
    append(list, entry({5}, Bytes{0x0a, 1, 1}));
    append(list, entry({6}, der(0x04, platform_instance)));
    return der(0x30, list);
  }
  static Bytes der(std::uint8_t tag, const Bytes& content) {
    Bytes out{tag};
    if (content.size() >= 0x100) {
      out.push_back(0x82);
      out.push_back(static_cast<std::uint8_t>(content.size() >> 8));
    } else if (content.size() >= 0x80) {
      out.push_back(0x81);
    }
    out.push_back(static_cast<std::uint8_t>(content.size()));
    append(out, content);
    return out;
  }
  static Bytes integer(unsigned value) {
    Bytes content;
    if (value > 0xff) content.push_back(static_cast<std::uint8_t>(value >> 8));
    content.push_back(static_cast<std::uint8_t>(value));
    if (content.front() >= 0x80) content.insert(content.begin(), 0);
    return der(0x02, content);
  }
  static Bytes entry(const Bytes& suffix, const Bytes& value) {
    Bytes oid{0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};
    append(oid, suffix);
    Bytes content = der(0x06, oid);
    append(content, value);
    return der(0x30, content);
  }
};

}  // namespace apm::attestation::testing
