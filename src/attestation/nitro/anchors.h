#pragma once

// The root certificates that Nitro documents may lead to. AWS's is built in; any other must be
// named by the server's configuration file, and its name shows in every verdict that it supports.
// A certificate that arrives with evidence is never an anchor.
// A set is made at start-up and then only read: any thread may use a const set.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/x509.h"

namespace apm::attestation::nitro {

inline constexpr std::string_view kVendorAnchorName = "aws";

struct Anchor {
  std::string name;  // "aws", or the name that the configuration gives
  crypto::Certificate root;
  Bytes der;  // of the root, compared byte by byte with cabundle[0]
};

class Anchors {
 public:
  [[nodiscard]] static Result<Anchors> vendor();
  [[nodiscard]] static Anchors none() { return Anchors(); }

  // An anchor beyond the vendor's: the first certificate of `pem`, which must be self-signed.
  // kInvalidArgument "anchor_name", "anchor_not_self_signed" or "certificate_malformed".
  [[nodiscard]] Status add_named(const std::string& name, std::string_view pem);
  // The anchor that is this certificate, byte by byte; nullptr when there is none.
  [[nodiscard]] const Anchor* find(ByteView der) const;

 private:
  std::vector<Anchor> anchors_;
};

}  // namespace apm::attestation::nitro
