#include "crypto/crl.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "crypto/x509_build.h"

namespace apm::crypto {
namespace {

constexpr std::int64_t kNow = 1'790'000'000;
constexpr std::int64_t kDay = 86400;

struct Authority {
  PrivateKey key = *PrivateKey::generate_ec(Curve::kP256);
  Certificate certificate = *build_certificate({.common_name = "Test CA",
                                                .organization = "",
                                                .dns_names = {},
                                                .not_before_s = kNow - kDay,
                                                .not_after_s = kNow + kDay,
                                                .is_ca = true,
                                                .extensions = {}},
                                               *key.public_key(), nullptr, key);
  [[nodiscard]] Bytes crl(CrlSpec spec) const {
    if (spec.this_update_s == 0) spec.this_update_s = kNow;
    if (spec.next_update_s == 0) spec.next_update_s = kNow + kDay;
    return *build_crl(spec, certificate, key);
  }
};

const Authority& authority() {
  static const Authority made;
  return made;
}

std::string pem_of(const Bytes& der) {
  std::string out = "-----BEGIN X509 CRL-----\n";
  const std::string text = base64_encode(der);
  for (std::size_t at = 0; at < text.size(); at += 64) out += text.substr(at, 64) + "\n";
  return out + "-----END X509 CRL-----\n";
}

std::string reason(const Result<Crl>& crl) { return crl.ok() ? "" : crl.error().reason; }

TEST(Crl, SaysWhoIsOnIt) {
  const Bytes der = authority().crl({.serials = {{0x12, 0x34}, {0xff}}, .critical_extension = ""});
  for (const Result<Crl>& crl : {Crl::from_der(der), Crl::from_pem(pem_of(der))}) {
    ASSERT_TRUE(crl.ok());
    EXPECT_EQ(crl->issuer_common_name(), "Test CA");
    EXPECT_TRUE(crl->issued_by(authority().certificate));
    EXPECT_TRUE(crl->signed_by(*authority().key.public_key()));
    EXPECT_EQ(crl->this_update_s(), kNow);
    EXPECT_EQ(crl->next_update_s(), kNow + kDay);
    EXPECT_EQ(crl->size(), 2U);
    EXPECT_TRUE(crl->revoked(Bytes{0x12, 0x34}));
    EXPECT_TRUE(crl->revoked(Bytes{0x00, 0xff}));
    EXPECT_FALSE(crl->revoked(Bytes{0x12}));
    EXPECT_FALSE(crl->revoked(authority().certificate));
  }
  const Bytes own =
      authority().crl({.serials = {authority().certificate.serial()}, .critical_extension = ""});
  EXPECT_TRUE(Crl::from_der_or_pem(own)->revoked(authority().certificate));
  EXPECT_TRUE(Crl::from_der_or_pem(as_bytes(pem_of(own)))->revoked(authority().certificate));
  EXPECT_TRUE(Crl::from_der_or_pem(as_bytes("\n" + pem_of(own))).ok()) << "as from_pem has it";
}

TEST(Crl, OfAnotherIssuerIsNotSignedOrIssued) {
  const Authority other{.certificate = *build_certificate({.common_name = "Other CA",
                                                           .organization = "",
                                                           .dns_names = {},
                                                           .not_before_s = kNow - kDay,
                                                           .not_after_s = kNow + kDay,
                                                           .is_ca = true,
                                                           .extensions = {}},
                                                          *authority().key.public_key(), nullptr,
                                                          authority().key)};
  const auto crl = Crl::from_der(authority().crl({.serials = {}, .critical_extension = ""}));
  EXPECT_FALSE(crl->signed_by(*other.key.public_key()));
  EXPECT_FALSE(crl->issued_by(other.certificate));
}

TEST(Crl, ChangedBytesAreNotSigned) {
  const Bytes der = authority().crl({.serials = {{0x12, 0x34}}, .critical_extension = ""});
  for (std::size_t at = 0; at < der.size(); ++at) {
    Bytes changed = der;
    changed[at] ^= 1;
    const auto crl = Crl::from_der(changed);
    EXPECT_FALSE(crl.ok() && crl->signed_by(*authority().key.public_key())) << at;
  }
}

TEST(Crl, RefusesWhatIsNotOneWholeList) {
  const Bytes der = authority().crl({.serials = {{1}}, .critical_extension = ""});
  Bytes longer = der;
  longer.push_back(0);
  EXPECT_EQ(reason(Crl::from_der(longer)), "crl_malformed");
  EXPECT_EQ(reason(Crl::from_der(ByteView(der).first(der.size() - 1))), "crl_malformed");
  EXPECT_EQ(reason(Crl::from_der({})), "crl_malformed");
  EXPECT_EQ(reason(Crl::from_pem(pem_of(der) + pem_of(der))), "crl_malformed");
  EXPECT_EQ(reason(Crl::from_pem("text\n" + pem_of(der))), "crl_malformed");
  EXPECT_EQ(reason(Crl::from_der(Bytes((std::size_t{4} << 20) + 1))), "crl_too_large");
  const Bytes twice = authority().crl({.serials = {{1}, {1}}, .critical_extension = ""});
  EXPECT_EQ(reason(Crl::from_der(twice)), "crl_malformed");
  const Bytes backwards =
      authority().crl({.next_update_s = kNow - 1, .serials = {}, .critical_extension = ""});
  EXPECT_EQ(reason(Crl::from_der(backwards)), "crl_malformed");
}

TEST(Crl, RefusesPartialLists) {
  for (const char* oid : {"2.5.29.27", "2.5.29.28", "1.2.3.4"}) {
    const Bytes der = authority().crl({.serials = {}, .critical_extension = oid});
    EXPECT_EQ(reason(Crl::from_der(der)), "crl_unsupported") << oid;
  }
}

}  // namespace
}  // namespace apm::crypto
