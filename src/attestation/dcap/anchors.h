#pragma once

// The root keys that SGX and TDX evidence and its collateral may lead to. Intel's is built in; any
// other must be named by the server's configuration file, and its name shows in every verdict that
// it supports. The key is what is pinned: a root certificate that arrives with evidence is compared
// by key and never used. A set is made at start-up and then only read: any thread may use a const
// set.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/x509.h"

namespace apm::attestation::dcap {

inline constexpr std::string_view kVendorAnchorName = "intel";

struct Anchor {
  std::string name;  // "intel", or the name that the configuration gives
  crypto::Certificate root;
};

class Anchors {
 public:
  [[nodiscard]] static Result<Anchors> vendor();  // Intel SGX Root CA
  [[nodiscard]] static Anchors none() { return Anchors(); }

  // An anchor beyond the vendor's: the first certificate of `pem`. kInvalidArgument "anchor_name"
  // (empty, or the vendor's), "anchor_not_self_signed", or "certificate_malformed".
  [[nodiscard]] Status add_named(const std::string& name, std::string_view pem);
  [[nodiscard]] const std::vector<Anchor>& list() const { return anchors_; }

 private:
  std::vector<Anchor> anchors_;
};

}  // namespace apm::attestation::dcap
