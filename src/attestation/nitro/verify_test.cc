#include "attestation/nitro/verify.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "attestation/limits.h"
#include "attestation/nitro/identity.h"
#include "attestation/testing/synthetic_enclave.h"
#include "base/encoding.h"

namespace apm::attestation::nitro {
namespace {

using testing::cbor_array;
using testing::cbor_bytes;
using testing::cbor_map;
using testing::cbor_null;
using testing::cbor_text;
using testing::cbor_unsigned;
using testing::CborPairs;
using testing::SyntheticEnclave;

constexpr std::int64_t kNow = SyntheticEnclave::kMadeAt + 2;

class NitroVerify : public ::testing::Test {
 protected:
  NitroVerify() : anchors_(enclave_.anchors()) {
    expected_.anchors = &anchors_;
    expected_.now_unix_s = kNow;
  }

  [[nodiscard]] std::string verdict(ByteView raw) const {
    Appraisal appraisal;
    const auto result = verify(raw, expected_, appraisal);
    return result.ok() ? "accept" : result.error().reason;
  }
  [[nodiscard]] std::string verdict() { return verdict(enclave_.document()); }

  void set_field(std::string_view name, Bytes value) {
    enclave_.edit_fields = [name = cbor_text(name), value = std::move(value)](CborPairs& fields) {
      for (auto& [key, old] : fields) {
        if (key == name) old = value;
      }
    };
  }
  void add_field(Bytes key, Bytes value) {
    enclave_.edit_fields = [key = std::move(key), value = std::move(value)](CborPairs& fields) {
      fields.emplace_back(key, value);
    };
  }
  void drop_field(std::string_view name) {
    enclave_.edit_fields = [name = cbor_text(name)](CborPairs& fields) {
      std::erase_if(fields, [&](const auto& field) { return field.first == name; });
    };
  }

  SyntheticEnclave enclave_;
  Anchors anchors_;
  Expectation expected_;
};

TEST_F(NitroVerify, AcceptsAGoodDocument) {
  Appraisal appraisal;
  const auto result = verify(enclave_.document(), expected_, appraisal);
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->evidence.family, "aws-nitro");
  EXPECT_EQ(result->evidence.trust_anchor, "test");
  EXPECT_FALSE(result->evidence.vendor_anchor);
  EXPECT_EQ(result->evidence.enclave_id.size(), 64U);
  EXPECT_EQ(result->evidence.signer.reason, "signer_pcr_zero");
  EXPECT_EQ(*result->evidence.claims.find("eat_nonce")->as_string(), "BwcHAA");
  EXPECT_FALSE(result->document.user_data);
  EXPECT_GT(appraisal.entries().size(), 10U);
}

TEST_F(NitroVerify, TagAndIndefiniteMapAreAccepted) {
  enclave_.before = {0xd2, 0x84};
  EXPECT_EQ(verdict(), "accept");
  enclave_.reset();
  enclave_.indefinite_map = true;
  EXPECT_EQ(verdict(), "accept");
}

// ---- COSE_Sign1 ----

TEST_F(NitroVerify, OuterEncodingHasOneForm) {
  for (const Bytes& before : {Bytes{0xd1, 0x84}, Bytes{0x83}, Bytes{0x9f}, Bytes{0x98, 0x04},
                              Bytes{0xd8, 0x12, 0x84}, Bytes{0xd2, 0xd2, 0x84}}) {
    enclave_.before = before;
    EXPECT_EQ(verdict(), "nitro_malformed") << hex_encode(before);
  }
}

TEST_F(NitroVerify, TrailingBytesAndTruncations) {
  Bytes good = enclave_.document();
  for (std::size_t size = 0; size < good.size(); ++size) {
    ASSERT_EQ(verdict(ByteView(good).first(size)), "nitro_malformed") << size;
  }
  good.push_back(0);
  EXPECT_EQ(verdict(good), "nitro_malformed");
}

TEST_F(NitroVerify, TooLarge) {
  EXPECT_EQ(verdict(Bytes(kNitroDocumentBytesMax, 0)), "nitro_malformed");
  EXPECT_EQ(verdict(Bytes(kNitroDocumentBytesMax + 1, 0)), "nitro_too_large");
}

// Whatever the signature: only ES384 by exactly this header.
TEST_F(NitroVerify, AlgorithmSwap) {
  for (const Bytes& header :
       {Bytes{0xa1, 0x01, 0x26}, Bytes{0xa1, 0x01, 0x05}, Bytes{0xa1, 0x01, 0x38, 0x23}, Bytes{},
        Bytes{0xa0}, Bytes{0xbf, 0x01, 0x38, 0x22, 0xff}, Bytes{0xa1, 0x01, 0x39, 0x00, 0x22},
        Bytes{0xa2, 0x01, 0x38, 0x22, 0x04, 0x40}}) {
    enclave_.protected_header = header;
    EXPECT_EQ(verdict(), "nitro_algorithm") << hex_encode(header);
  }
}

TEST_F(NitroVerify, UnprotectedHeader) {
  enclave_.unprotected_header = {0xa1, 0x04, 0x40};
  EXPECT_EQ(verdict(), "nitro_unprotected_header");
  enclave_.unprotected_header = {0xbf, 0xff};
  EXPECT_EQ(verdict(), "nitro_malformed");
}

// ---- Payload ----

TEST_F(NitroVerify, PayloadEncoding) {
  enclave_.payload = Bytes{0x80};
  EXPECT_EQ(verdict(), "nitro_malformed");
  enclave_.reset();
  add_field(Bytes{0x01}, cbor_null());  // a key that is no text
  EXPECT_EQ(verdict(), "nitro_malformed");
  set_field("timestamp", {0x1b, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05});  // not shortest
  EXPECT_EQ(verdict(), "nitro_malformed");
  set_field("module_id", {0x7f, 0x61, 0x61, 0xff});  // text in pieces
  EXPECT_EQ(verdict(), "nitro_malformed");
  set_field("module_id", {0x61, 0xff});  // not UTF-8
  EXPECT_EQ(verdict(), "nitro_malformed");
  set_field("certificate", cbor_text("x"));
  EXPECT_EQ(verdict(), "nitro_malformed");
  set_field("nonce", {0xf7});  // undefined is not null
  EXPECT_EQ(verdict(), "nitro_malformed");
  set_field("nonce", {0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff});
  EXPECT_EQ(verdict(), "nitro_malformed");
}

TEST_F(NitroVerify, NitroTpmDocumentIsNoEnclave) {
  enclave_.edit_fields = [](CborPairs& fields) {
    for (auto& [key, value] : fields) {
      if (key == cbor_text("pcrs")) key = cbor_text("nitrotpm_pcrs");
    }
  };
  EXPECT_EQ(verdict(), "nitro_is_nitrotpm");
}

TEST_F(NitroVerify, UnknownAndRepeatedFields) {
  add_field(cbor_text("extra"), cbor_null());
  EXPECT_EQ(verdict(), "nitro_field_unknown");
  add_field(cbor_text("nonce"), cbor_null());
  EXPECT_EQ(verdict(), "nitro_field_repeated");
}

TEST_F(NitroVerify, MissingFields) {
  for (const char* name : {"module_id", "digest", "timestamp", "pcrs", "certificate", "cabundle"}) {
    drop_field(name);
    EXPECT_EQ(verdict(), "nitro_field_missing") << name;
  }
  for (const char* name : {"public_key", "user_data", "nonce"}) {
    drop_field(name);
    EXPECT_EQ(verdict(), "accept") << name;
  }
}

TEST_F(NitroVerify, FieldSizes) {
  set_field("user_data", cbor_bytes(Bytes(kNitroOptionalFieldBytesMax, 1)));
  EXPECT_EQ(verdict(), "accept");
  set_field("user_data", cbor_bytes(Bytes(kNitroOptionalFieldBytesMax + 1, 1)));
  EXPECT_EQ(verdict(), "nitro_field_size");
  set_field("certificate", cbor_bytes({}));
  EXPECT_EQ(verdict(), "nitro_field_size");
  set_field("certificate", cbor_bytes(Bytes(kNitroCertificateBytesMax + 1, 1)));
  EXPECT_EQ(verdict(), "nitro_field_size");
  set_field("module_id", cbor_text(""));
  EXPECT_EQ(verdict(), "nitro_field_size");
  set_field("module_id", cbor_text(std::string(kNitroModuleIdBytesMax + 1, 'a')));
  EXPECT_EQ(verdict(), "nitro_field_size");
  set_field("timestamp", cbor_unsigned(0));
  EXPECT_EQ(verdict(), "nitro_field_size");
  set_field("timestamp", cbor_unsigned(std::uint64_t{kNitroTimestampMsMax} + 1));
  EXPECT_EQ(verdict(), "nitro_field_size");
}

TEST_F(NitroVerify, Digest) {
  set_field("digest", cbor_text("SHA256"));
  EXPECT_EQ(verdict(), "nitro_digest");
}

TEST_F(NitroVerify, Pcrs) {
  enclave_.pcrs.emplace_back(31, Bytes(48, 1));
  EXPECT_EQ(verdict(), "accept");
  enclave_.pcrs.back().first = 32;
  EXPECT_EQ(verdict(), "nitro_pcr_index");
  enclave_.pcrs.back().first = 4;
  EXPECT_EQ(verdict(), "nitro_pcr_repeated");
  enclave_.pcrs.back() = {16, Bytes(32, 1)};
  EXPECT_EQ(verdict(), "nitro_pcr_size");
  enclave_.reset();
  enclave_.pcrs.erase(enclave_.pcrs.begin() + 1);
  EXPECT_EQ(verdict(), "nitro_pcr_missing");
}

TEST_F(NitroVerify, CabundleSizes) {
  enclave_.edit_cabundle = [](auto& bundle) { bundle.clear(); };
  EXPECT_EQ(verdict(), "nitro_cabundle");
  enclave_.edit_cabundle = [](auto& bundle) { bundle.resize(kNitroCabundleMax + 1, Bytes{1}); };
  EXPECT_EQ(verdict(), "nitro_cabundle");
  enclave_.edit_cabundle = [](auto& bundle) { bundle[1].clear(); };
  EXPECT_EQ(verdict(), "nitro_cabundle");
  enclave_.edit_cabundle = [](auto& bundle) { bundle[1].resize(kNitroCertificateBytesMax + 1); };
  EXPECT_EQ(verdict(), "nitro_cabundle");
}

TEST_F(NitroVerify, CertificatesAreDer) {
  enclave_.edit_cabundle = [](auto& bundle) { bundle[2].push_back(0); };
  EXPECT_EQ(verdict(), "nitro_certificate_malformed");
  enclave_.reset();
  set_field("certificate", cbor_bytes(Bytes{0x30, 0x00}));
  EXPECT_EQ(verdict(), "nitro_certificate_malformed");
}

// ---- Chain ----

TEST_F(NitroVerify, RootThatIsNotPinned) {
  const Bytes good = enclave_.document();
  const auto vendor = Anchors::vendor();
  ASSERT_TRUE(vendor.ok());
  expected_.anchors = &*vendor;
  EXPECT_EQ(verdict(good), "nitro_root_not_pinned");
  expected_.anchors = nullptr;
  EXPECT_EQ(verdict(good), "nitro_root_not_pinned");
}

// Same name, same key, other certificate: only the pinned bytes count.
TEST_F(NitroVerify, RootOfTheSameKey) {
  enclave_.specs[SyntheticEnclave::kRoot].not_after_s += 3600;
  EXPECT_EQ(verdict(), "nitro_root_not_pinned");
}

TEST_F(NitroVerify, ReversedCabundle) {
  enclave_.edit_cabundle = [](auto& bundle) { std::reverse(bundle.begin(), bundle.end()); };
  EXPECT_EQ(verdict(), "nitro_root_not_pinned");
  enclave_.edit_cabundle = [](auto& bundle) { std::swap(bundle[1], bundle[2]); };
  EXPECT_EQ(verdict(), "nitro_cabundle_order");
  enclave_.edit_cabundle = [](auto& bundle) { bundle.pop_back(); };
  EXPECT_EQ(verdict(), "nitro_cabundle_order");
}

TEST_F(NitroVerify, AuthoritiesMustBeAllowedToSign) {
  enclave_.specs[SyntheticEnclave::kZonal].key_usage = "digitalSignature";
  EXPECT_EQ(verdict(), "nitro_ca_constraints");
  enclave_.specs[SyntheticEnclave::kZonal].key_usage = "none";
  EXPECT_EQ(verdict(), "nitro_ca_constraints");
  enclave_.reset();
  enclave_.specs[SyntheticEnclave::kInstance].is_ca = false;
  enclave_.specs[SyntheticEnclave::kInstance].key_usage = "keyCertSign";
  EXPECT_EQ(verdict(), "nitro_ca_constraints");
}

TEST_F(NitroVerify, PathLength) {
  enclave_.specs[SyntheticEnclave::kRegion].path_length = 1;  // two authorities follow
  EXPECT_EQ(verdict(), "nitro_path_length");
  enclave_.specs[SyntheticEnclave::kRegion].path_length = -1;  // no limit
  EXPECT_EQ(verdict(), "nitro_path_length");
}

TEST_F(NitroVerify, LeafUsage) {
  enclave_.specs[SyntheticEnclave::kLeaf].key_usage = "keyEncipherment";
  EXPECT_EQ(verdict(), "nitro_leaf_usage");
  enclave_.specs[SyntheticEnclave::kLeaf].key_usage = "none";
  EXPECT_EQ(verdict(), "nitro_leaf_usage");
  enclave_.specs[SyntheticEnclave::kLeaf].key_usage = "digitalSignature,keyCertSign";
  enclave_.specs[SyntheticEnclave::kLeaf].is_ca = true;
  EXPECT_EQ(verdict(), "nitro_leaf_usage");
}

TEST_F(NitroVerify, LeafCurve) {
  for (const crypto::Curve curve : {crypto::Curve::kP256, crypto::Curve::kP521}) {
    enclave_.leaf_curve = curve;
    EXPECT_EQ(verdict(), "nitro_leaf_key");
  }
}

TEST_F(NitroVerify, LinkSignedByAnotherKey) {
  enclave_.signed_by = {{SyntheticEnclave::kZonal, SyntheticEnclave::kLeaf}};
  EXPECT_EQ(verdict(), "nitro_chain_invalid");
  enclave_.signed_by = {{SyntheticEnclave::kLeaf, SyntheticEnclave::kLeaf}};
  EXPECT_EQ(verdict(), "nitro_chain_invalid");
}

// Another region's authority of the same name: the next certificate names its key, not this one.
TEST_F(NitroVerify, AuthorityOfTheSameName) {
  SyntheticEnclave other;
  Bytes region;
  other.edit_cabundle = [&region](auto& bundle) { region = bundle[1]; };
  static_cast<void>(other.document());
  enclave_.edit_cabundle = [&region](auto& bundle) { bundle[1] = region; };
  EXPECT_EQ(verdict(), "nitro_chain_untrusted");
}

// ---- Validity, signature ----

TEST_F(NitroVerify, Dates) {
  const Bytes good = enclave_.document();
  expected_.floor.age_s_max = 1'000'000;
  expected_.now_unix_s = SyntheticEnclave::kMadeAt + 3 * 3600 + 1;
  EXPECT_EQ(verdict(good), "nitro_chain_expired");
  expected_.now_unix_s = SyntheticEnclave::kMadeAt - 61;
  EXPECT_EQ(verdict(good), "nitro_chain_not_yet_valid");
  enclave_.specs[SyntheticEnclave::kInstance].not_after_s = kNow - 1;
  expected_.now_unix_s = kNow;
  EXPECT_EQ(verdict(), "nitro_chain_expired");
}

TEST_F(NitroVerify, ArchivedOnlyWhenAskedFor) {
  const Bytes good = enclave_.document();
  expected_.now_unix_s = kNow + 365 * 86400;
  EXPECT_EQ(verdict(good), "nitro_chain_expired");
  expected_.valid_at = ValidAt::kTimestamp;
  EXPECT_EQ(verdict(good), "accept");
  set_field("timestamp", cbor_unsigned(std::uint64_t{kNow + 4 * 3600} * 1000));
  EXPECT_EQ(verdict(), "nitro_chain_expired");
}

TEST_F(NitroVerify, Signature) {
  Bytes bad = enclave_.document();
  bad.back() ^= 1;
  EXPECT_EQ(verdict(bad), "nitro_signature_invalid");
  enclave_.context = "Signature";
  EXPECT_EQ(verdict(), "nitro_signature_invalid");
  Bytes zero = enclave_.document();
  std::fill(zero.end() - 96, zero.end(), std::uint8_t{0});
  EXPECT_EQ(verdict(zero), "nitro_signature_invalid");
}

// A verifier that only parses: a well-formed document that nobody signed.
TEST_F(NitroVerify, ParseOnlyIsNotVerify) {
  Bytes unsigned_document = enclave_.document();
  std::fill(unsigned_document.end() - 96, unsigned_document.end(), std::uint8_t{0x11});
  EXPECT_TRUE(parse_document(unsigned_document).ok());
  EXPECT_EQ(verdict(unsigned_document), "nitro_signature_invalid");
}

// One bit of every byte; all bits with APM_EVERY_BIT=1 in the environment.
TEST_F(NitroVerify, NoBitIsFree) {
  const Bytes good = enclave_.document();
  const bool every = std::getenv("APM_EVERY_BIT") != nullptr;
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (unsigned bit = every ? 0 : i % 8; bit < (every ? 8 : i % 8 + 1); ++bit) {
      Bytes bad = good;
      bad[i] = static_cast<std::uint8_t>(bad[i] ^ 1U << bit);
      ASSERT_NE(verdict(bad), "accept") << "byte " << i << " bit " << bit;
    }
  }
}

// ---- Freshness and binding ----

TEST_F(NitroVerify, TimestampNearTheClock) {
  const Bytes good = enclave_.document();
  expected_.now_unix_s = SyntheticEnclave::kMadeAt + kAgeSMax;
  EXPECT_EQ(verdict(good), "accept");
  expected_.now_unix_s += 1;
  EXPECT_EQ(verdict(good), "nitro_too_old");
  set_field("timestamp", cbor_unsigned(std::uint64_t{kNow + kClockSkewS} * 1000));
  expected_.now_unix_s = kNow;
  EXPECT_EQ(verdict(), "accept");
  set_field("timestamp", cbor_unsigned(std::uint64_t{kNow + kClockSkewS + 1} * 1000));
  EXPECT_EQ(verdict(), "nitro_from_the_future");
}

TEST_F(NitroVerify, NonceIsExact) {
  const Bytes good = enclave_.document();
  expected_.nonce = Bytes{7, 7, 7, 0};
  EXPECT_EQ(verdict(good), "accept");
  for (const Bytes& nonce : {Bytes{7, 7, 7}, Bytes{7, 7, 7, 0, 0}, Bytes{7, 7, 7, 1}, Bytes{}}) {
    expected_.nonce = nonce;
    EXPECT_EQ(verdict(good), "nitro_nonce") << hex_encode(nonce);
  }
  set_field("nonce", cbor_bytes({}));  // length zero does not match by accident
  expected_.nonce = Bytes{};
  EXPECT_EQ(verdict(), "nitro_nonce");
}

TEST_F(NitroVerify, UserDataAndPublicKey) {
  const Bytes good = enclave_.document();
  expected_.user_data = Bytes{1};  // absent there
  EXPECT_EQ(verdict(good), "nitro_user_data");
  expected_.user_data.reset();
  expected_.public_key = Bytes{1, 2, 3};
  EXPECT_EQ(verdict(good), "accept");
  expected_.public_key = Bytes{1, 2};
  EXPECT_EQ(verdict(good), "nitro_public_key");
}

// ---- Policy ----

TEST_F(NitroVerify, DebugEnclave) {
  for (std::size_t i = 0; i < 3; ++i) enclave_.pcrs[i].second = Bytes(48, 0);
  EXPECT_EQ(verdict(), "nitro_debug");
  expected_.floor.allow_debug = true;
  Appraisal appraisal;
  const auto result = verify(enclave_.document(), expected_, appraisal);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->evidence.enclave_id, "");
  EXPECT_EQ(*result->evidence.claims.find("dbgstat")->as_string(), "enabled");
}

TEST_F(NitroVerify, OneZeroImagePcrIsDebugToo) {
  enclave_.pcrs[2].second = Bytes(48, 0);
  EXPECT_EQ(verdict(), "nitro_debug");
}

TEST_F(NitroVerify, PinnedPcrs) {
  const std::string four = hex_encode(Bytes(48, 0x14));
  expected_.floor.pcrs[4] = {hex_encode(Bytes(48, 9)), four};
  EXPECT_EQ(verdict(), "accept");
  expected_.floor.pcrs[4] = {hex_encode(Bytes(48, 9))};
  EXPECT_EQ(verdict(), "nitro_pcr_not_pinned");
  expected_.floor.pcrs[4] = {};
  EXPECT_EQ(verdict(), "nitro_pcr_not_pinned");
}

TEST_F(NitroVerify, AbsentPinnedPcrDoesNotMatch) {
  expected_.floor.pcrs[20] = {hex_encode(Bytes(48, 0))};
  EXPECT_EQ(verdict(), "nitro_pcr_not_pinned");
  expected_.floor.pcrs[20] = {""};
  EXPECT_EQ(verdict(), "nitro_pcr_not_pinned");
}

TEST_F(NitroVerify, EveryPolicyRuleIsTried) {
  expected_.floor.pcrs[0] = {"00"};
  expected_.nonce = Bytes{1};
  Appraisal appraisal;
  EXPECT_FALSE(verify(enclave_.document(), expected_, appraisal).ok());
  unsigned failed = 0;
  for (const auto& entry : appraisal.entries()) failed += entry.holds ? 0 : 1;
  EXPECT_EQ(failed, 2U);
}

TEST_F(NitroVerify, StopsAfterAStage) {
  Bytes bad = enclave_.document();
  bad.back() ^= 1;
  Appraisal to_chain(Stage::kChain);
  EXPECT_TRUE(verify(bad, expected_, to_chain).ok());
  expected_.now_unix_s += 86400;  // validity is a later stage
  Appraisal again(Stage::kChain);
  EXPECT_TRUE(verify(bad, expected_, again).ok());
  Appraisal to_validity(Stage::kValidity);
  EXPECT_EQ(verify(bad, expected_, to_validity).error().reason, "nitro_chain_expired");
}

// ---- Identity ----

TEST(NitroIdentity, CoversTheImageAndNothingElse) {
  PcrValues pcrs;
  for (unsigned i = 0; i < 16; ++i) pcrs[i] = Bytes(48, static_cast<std::uint8_t>(i + 1));
  const std::string id = *enclave_id(pcrs);
  for (unsigned i = 0; i < 16; ++i) {
    PcrValues other = pcrs;
    other[i][47] ^= 1;
    EXPECT_EQ(*enclave_id(other) == id, i > 2) << i;
    EXPECT_EQ(signer_of(other).signer_id == signer_of(pcrs).signer_id, i != 8) << i;
  }
  std::swap(pcrs[1], pcrs[2]);
  EXPECT_NE(*enclave_id(pcrs), id);
  pcrs[0] = Bytes(48, 0);
  EXPECT_EQ(enclave_id(pcrs).error().reason, "identity_debug");
  pcrs.erase(0);
  EXPECT_EQ(enclave_id(pcrs).error().reason, "identity_pcr_missing");
  pcrs.erase(8);
  EXPECT_EQ(signer_of(pcrs).reason, "signer_pcr_missing");
}

TEST(NitroAnchors, NamesAndRoots) {
  Anchors anchors = Anchors::none();
  EXPECT_EQ(anchors.add_named("aws", "").error().reason, "anchor_name");
  EXPECT_EQ(anchors.add_named("", "").error().reason, "anchor_name");
  EXPECT_EQ(anchors.add_named("x", "").error().reason, "certificate_malformed");
  EXPECT_EQ(anchors.find(Bytes{}), nullptr);
}

}  // namespace
}  // namespace apm::attestation::nitro
