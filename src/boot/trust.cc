#include "boot/trust.h"

#include "attestation/named_anchor.h"
#include "base/encoding.h"
#include "base/file.h"
#include "boot/limits.h"
#include "crypto/digest.h"

namespace apm::boot {
namespace {

struct Named {
  const char* name;
  const std::string& file;
};

// Loud, because whoever holds the key of such an anchor can be any machine he likes.
void tell(const Named& anchor, const crypto::Certificate& root, Log& log) {
  log.warn("trust", "TRUST ANCHOR THAT IS NOT A VENDOR'S",
           {{"name", anchor.name},
            {"file", anchor.file},
            {"sha256", hex_encode(crypto::sha256(root.der()))}});
}

template <class Anchors>
Status add_named(const Named& anchor, Anchors& anchors, Trust& trust, Log& log) {
  if (anchor.file.empty()) return {};
  APM_TRY(const Bytes pem, read_file(anchor.file, kPemBytesMax));
  const auto root = attestation::read_named_anchor(anchor.name, as_text(pem));
  if (!root.ok()) return root.error().within(anchor.file);
  APM_CHECK_OK(anchors.add_named(anchor.name, as_text(pem)));
  trust.named.emplace_back(anchor.name);
  tell(anchor, *root, log);
  return {};
}

}  // namespace

Result<Trust> load_trust(const std::optional<TestConfig>& test, Log& log) {
  const TestConfig files = test.value_or(TestConfig());
  Trust trust;
  APM_TRY(auto amd, attestation::snp::Anchors::vendor());
  APM_TRY(auto intel, attestation::dcap::Anchors::vendor());
  APM_TRY(auto aws, attestation::nitro::Anchors::vendor());
  APM_CHECK_OK(add_named({kAmdTestAnchor, files.amd_root_file}, amd, trust, log));
  APM_CHECK_OK(add_named({kIntelTestAnchor, files.intel_root_file}, intel, trust, log));
  APM_CHECK_OK(add_named({kAwsTestAnchor, files.aws_root_file}, aws, trust, log));
  trust.amd = std::make_shared<const attestation::snp::Anchors>(std::move(amd));
  trust.intel = std::make_shared<const attestation::dcap::Anchors>(std::move(intel));
  trust.aws = std::make_shared<const attestation::nitro::Anchors>(std::move(aws));
  return trust;
}

}  // namespace apm::boot
