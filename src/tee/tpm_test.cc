#include "tee/tpm.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <tss2/tss2_tctildr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>

#include "base/text.h"
#include "crypto/keys.h"
#include "tee/esys.h"

namespace apm::tee {
namespace {

constexpr const char* kSwtpm = "/usr/bin/swtpm";

// A software TPM of this test's own, on a unix socket, started and ended here.
class SoftwareTpm {
 public:
  bool start() {
    std::string pattern = (std::filesystem::temp_directory_path() / "apm-tpm-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) return false;
    dir_ = pattern;
    std::array<std::string, 12> words = {kSwtpm,
                                         "socket",
                                         "--tpm2",
                                         "--tpmstate",
                                         "dir=" + dir_,
                                         "--server",
                                         "type=unixio,path=" + socket(),
                                         "--ctrl",
                                         "type=unixio,path=" + socket() + ".ctrl",
                                         "--flags",
                                         "startup-clear",
                                         "--daemon"};
    std::array<char*, 12> argv{};
    for (std::size_t i = 0; i + 1 < words.size(); ++i) argv[i] = words[i].data();
    if (::posix_spawn(&pid_, kSwtpm, nullptr, nullptr, argv.data(), environ) != 0) return false;
    for (int i = 0; i < 500; ++i) {  // until the socket is there: at most 5 s
      if (std::filesystem::exists(socket())) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
  ~SoftwareTpm() {
    if (pid_ > 0) {
      ::kill(pid_, SIGTERM);
      ::waitpid(pid_, nullptr, 0);
    }
    if (!dir_.empty()) std::filesystem::remove_all(dir_);
  }
  [[nodiscard]] std::string socket() const { return dir_ + "/tpm"; }
  [[nodiscard]] TpmConfig config() const { return {"swtpm:path=" + socket()}; }

 private:
  std::string dir_;
  pid_t pid_ = -1;
};

// Raw ESYS for what the product never does: extending, provisioning the AK and NV.
class Provisioner {
 public:
  explicit Provisioner(const TpmConfig& config) {
    good_ = ::Tss2_TctiLdr_Initialize(config.tcti.c_str(), &tcti_) == 0 &&
            Esys_Initialize(&esys_, tcti_, nullptr) == 0;
  }
  Provisioner(const Provisioner&) = delete;
  Provisioner& operator=(const Provisioner&) = delete;
  ~Provisioner() {
    Esys_Finalize(&esys_);
    ::Tss2_TctiLdr_Finalize(&tcti_);
  }
  [[nodiscard]] bool good() const { return good_; }

  bool extend(ESYS_TR pcr) {
    TPML_DIGEST_VALUES values{};
    values.count = 1;
    values.digests[0].hashAlg = TPM2_ALG_SHA256;
    values.digests[0].digest.sha256[0] = 7;
    return Esys_PCR_Extend(esys_, pcr, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &values) == 0;
  }

  bool make_ak() {
    TPM2B_PUBLIC shape{};
    TPMT_PUBLIC& area = shape.publicArea;
    area.type = TPM2_ALG_RSA;
    area.nameAlg = TPM2_ALG_SHA256;
    area.objectAttributes = 0x00050472;  // Azure's
    area.parameters.rsaDetail.symmetric.algorithm = TPM2_ALG_NULL;
    area.parameters.rsaDetail.scheme.scheme = TPM2_ALG_RSASSA;
    area.parameters.rsaDetail.scheme.details.rsassa.hashAlg = TPM2_ALG_SHA256;
    area.parameters.rsaDetail.keyBits = 2048;
    const TPM2B_SENSITIVE_CREATE sensitive{};
    const TPM2B_DATA outside{};
    const TPML_PCR_SELECTION pcrs{};
    ESYS_TR object = ESYS_TR_NONE;
    if (Esys_CreatePrimary(esys_, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                           &sensitive, &shape, &outside, &pcrs, &object, nullptr, nullptr, nullptr,
                           nullptr) != 0) {
      return false;
    }
    ESYS_TR kept = ESYS_TR_NONE;
    const bool done = Esys_EvictControl(esys_, ESYS_TR_RH_OWNER, object, ESYS_TR_PASSWORD,
                                        ESYS_TR_NONE, ESYS_TR_NONE, kAzureAkHandle, &kept) == 0;
    Esys_FlushContext(esys_, object);
    return done;
  }

  bool write_nv(std::uint32_t index, const Bytes& data) {
    TPM2B_NV_PUBLIC area{};
    area.nvPublic.nvIndex = index;
    area.nvPublic.nameAlg = TPM2_ALG_SHA256;
    area.nvPublic.attributes = TPMA_NV_OWNERREAD | TPMA_NV_OWNERWRITE | TPMA_NV_AUTHREAD;
    area.nvPublic.dataSize = static_cast<UINT16>(data.size());
    const TPM2B_AUTH auth{};
    ESYS_TR nv = ESYS_TR_NONE;
    if (Esys_NV_DefineSpace(esys_, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                            &auth, &area, &nv) != 0) {
      return false;
    }
    for (std::size_t at = 0; at < data.size(); at += 512) {
      TPM2B_MAX_NV_BUFFER chunk{};
      chunk.size = static_cast<UINT16>(std::min<std::size_t>(512, data.size() - at));
      std::copy_n(data.begin() + static_cast<std::ptrdiff_t>(at), chunk.size, chunk.buffer);
      if (Esys_NV_Write(esys_, ESYS_TR_RH_OWNER, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                        &chunk, static_cast<UINT16>(at)) != 0) {
        return false;
      }
    }
    return true;
  }

 private:
  TSS2_TCTI_CONTEXT* tcti_ = nullptr;
  ESYS_CONTEXT* esys_ = nullptr;
  bool good_ = false;
};

class TpmTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kSwtpm)) GTEST_SKIP() << kSwtpm << " is not installed";
    ASSERT_TRUE(software_.start());
    Provisioner provisioner(software_.config());
    ASSERT_TRUE(provisioner.good());
    ASSERT_TRUE(provisioner.make_ak());
    for (std::size_t i = 0; i < report_.size(); ++i) report_[i] = static_cast<std::uint8_t>(i * 7);
    ASSERT_TRUE(provisioner.write_nv(kAzureHclReportNv, report_));
  }
  // swtpm serves one connection at a time.
  Tpm open() { return std::move(Tpm::open(software_.config())).value(); }
  void extend(ESYS_TR pcr) {
    Provisioner provisioner(software_.config());
    ASSERT_TRUE(provisioner.extend(pcr));
  }

  Bytes report_ = Bytes(2048);
  SoftwareTpm software_;
  const std::vector<unsigned> pcrs_ = {0, 1, 2, 3, 4, 5, 6, 7};
};

Result<crypto::PublicKey> public_of(const PcrBoundKey& key) {
  const Bytes e = {1, 0, 1};
  return crypto::PublicKey::from_rsa(key.modulus, e);
}

TEST_F(TpmTest, ReadsNvInPieces) {
  Tpm tpm = open();
  const auto data = tpm.read_nv(kAzureHclReportNv);
  ASSERT_TRUE(data.ok()) << data.error().message;
  EXPECT_EQ(*data, report_);
  const auto absent = tpm.read_nv(0x01400009);
  ASSERT_FALSE(absent.ok());
  EXPECT_EQ(absent.error().reason, "tpm");
}

TEST_F(TpmTest, SameTemplateSameKeyOtherUniqueOtherKey) {
  Tpm tpm = open();
  const Bytes unique(32, 5);
  const auto a = tpm.make_pcr_bound_key(pcrs_, {});
  const auto b = tpm.make_pcr_bound_key(pcrs_, {});
  const auto c = tpm.make_pcr_bound_key(pcrs_, unique);
  ASSERT_TRUE(a.ok()) << a.error().message;
  ASSERT_TRUE(b.ok() && c.ok());
  EXPECT_EQ(a->public_area, b->public_area);
  EXPECT_NE(a->modulus, c->modulus);
  EXPECT_EQ(a->name.size(), 34U);
}

TEST_F(TpmTest, CertifiesAndQuotesUnderTheAk) {
  Tpm tpm = open();
  const Bytes binding(32, 9);
  const auto key = tpm.make_pcr_bound_key(pcrs_, {});
  ASSERT_TRUE(key.ok()) << key.error().message;
  const auto certify = tpm.certify(*key, {}, kAzureAkHandle, binding);
  ASSERT_TRUE(certify.ok()) << certify.error().message;
  const auto quote = tpm.quote(pcrs_, kAzureAkHandle, binding);
  ASSERT_TRUE(quote.ok()) << quote.error().message;
  const auto ak_public = tpm.read_public(kAzureAkHandle);
  ASSERT_TRUE(ak_public.ok());
  const Bytes e = {1, 0, 1};
  const auto ak = crypto::PublicKey::from_rsa(ByteView(*ak_public).last(256), e);
  ASSERT_TRUE(ak.ok());
  for (const Signed& item : {*certify, *quote}) {
    EXPECT_TRUE(ak->verify_rsa_pkcs1(crypto::Hash::kSha256, item.attest, item.signature).ok());
  }
  const std::string_view text = as_text(certify->attest);
  EXPECT_NE(text.find(as_text(key->name)), std::string_view::npos);
  EXPECT_NE(text.find(as_text(binding)), std::string_view::npos);
}

TEST_F(TpmTest, DecryptsEveryScheme) {
  Tpm tpm = open();
  const auto key = tpm.make_pcr_bound_key(pcrs_, {});
  ASSERT_TRUE(key.ok()) << key.error().message;
  const auto rsa = public_of(*key);
  ASSERT_TRUE(rsa.ok());
  const Bytes secret(32, 0x5a);
  using crypto::Hash;
  const std::string label("apm-login-v1\0", 13);
  const auto a = rsa->encrypt_pkcs1(secret);
  const auto b = rsa->encrypt_oaep(Hash::kSha1, Hash::kSha1, secret);
  const auto c = rsa->encrypt_oaep(Hash::kSha256, Hash::kSha256, secret);
  const auto d = rsa->encrypt_oaep(Hash::kSha256, Hash::kSha256, secret, as_bytes(label));
  ASSERT_TRUE(a.ok() && b.ok() && c.ok() && d.ok());
  const std::array opened = {tpm.decrypt(*key, {}, RsaScheme::kRsaes, *a),
                             tpm.decrypt(*key, {}, RsaScheme::kOaepSha1, *b),
                             tpm.decrypt(*key, {}, RsaScheme::kOaepSha256, *c),
                             tpm.decrypt(*key, {}, RsaScheme::kOaepSha256, *d, "apm-login-v1")};
  for (const auto& each : opened) {
    ASSERT_TRUE(each.ok()) << each.error().message;
    EXPECT_EQ(to_bytes(each->view()), secret);
  }
  const auto unlabelled = tpm.decrypt(*key, {}, RsaScheme::kOaepSha256, *d);
  ASSERT_FALSE(unlabelled.ok());
  EXPECT_EQ(unlabelled.error().reason, "tpm_ciphertext") << unlabelled.error().message;
  EXPECT_TRUE(tpm.decrypt(*key, {}, RsaScheme::kRsaes, *a).ok());  // and the TPM still serves
}

TEST_F(TpmTest, RefusesAfterAnExtend) {
  Bytes sealed;
  std::optional<PcrBoundKey> key;
  {
    Tpm tpm = open();
    key = std::move(tpm.make_pcr_bound_key(pcrs_, {})).value();
    sealed = std::move(public_of(*key)->encrypt_pkcs1(Bytes(32, 1))).value();
  }
  extend(ESYS_TR_PCR4);
  Tpm tpm = open();
  const auto refused = tpm.decrypt(*key, {}, RsaScheme::kRsaes, sealed);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::kRefused);
  EXPECT_EQ(refused.error().reason, "tpm_policy") << refused.error().message;
}

TEST(TpmConfigTest, OnlyDevicesAreDevices) {
  EXPECT_EQ(transport_of({"device:/dev/tpmrm0"}), Transport::kDevice);
  EXPECT_EQ(transport_of({"swtpm:path=/x"}), Transport::kOther);
}

}  // namespace
}  // namespace apm::tee
