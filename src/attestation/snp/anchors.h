#pragma once

// The AMD root keys (ARK) that SEV-SNP evidence may lead to. The vendor's are built in; any other
// must be named by the server's configuration file, and its name shows in every verdict that it
// supports. A certificate that arrives with evidence is never an anchor.
// A set is made at start-up and then only read: any thread may use a const set.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/x509.h"

namespace apm::attestation::snp {

inline constexpr std::string_view kVendorAnchorName = "amd";

// Product lines whose TCB layout and CPUID are known.
enum class Product { kMilan, kGenoa, kTurin };
[[nodiscard]] std::string_view product_name(Product product);  // "Milan"

struct Anchor {
  std::string name;                // "amd", or the name that the configuration gives
  std::optional<Product> product;  // nothing: any product (test anchors)
  crypto::Certificate ark;
  // Built-in intermediates, for evidence that brings none.
  std::optional<crypto::Certificate> ask;   // above VCEKs
  std::optional<crypto::Certificate> asvk;  // above VLEKs

  [[nodiscard]] bool is_vendor() const { return product.has_value(); }
};

class Anchors {
 public:
  // ARK, ASK and ASVK of Milan, Genoa and Turin.
  [[nodiscard]] static Result<Anchors> vendor();
  [[nodiscard]] static Anchors none() { return Anchors(); }

  // An anchor beyond the vendor's: the first certificate of `pem`, which must be self-signed.
  // Behind it may stand what AMD's anchors have built in, for evidence that brings none:
  // certificates named SEV-<product> and SEV-VLEK-<product>. They are no anchors: the path is
  // checked as always. kInvalidArgument as read_named_anchor, and "anchor_intermediate" for any
  // other certificate.
  [[nodiscard]] Status add_named(const std::string& name, std::string_view pem);
  [[nodiscard]] const std::vector<Anchor>& list() const { return anchors_; }

 private:
  std::vector<Anchor> anchors_;
};

}  // namespace apm::attestation::snp
