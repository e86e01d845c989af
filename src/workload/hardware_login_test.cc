#include "workload/hardware_login.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "tee/testing/fake_device_files.h"

namespace apm::workload {
namespace {

using tee::testing::FakeDeviceFiles;
using tee::testing::FakeSevGuest;

template <class T>
T must(Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

class HardwareLoginTest : public ::testing::Test {
 protected:
  HardwareLoginTest() {
    files_.tsm_provider = "sev_guest";
    files_.tsm_report = [](ByteView inblob) { return FakeSevGuest::report_for(inblob); };
  }
  Result<HardwareLogin> prepare() {
    tee::Paths paths;
    paths.tsm_root = files_.tsm_root;
    APM_TRY(const tee::Finding finding, tee::choose_device(files_, paths));
    return prepare_login(files_, finding, challenge_, "");
  }
  FakeDeviceFiles files_;
  attestation::LoginBinding challenge_{Bytes(73, 1), "cluster-1", Bytes(32, 0x5e), {}};
};

TEST_F(HardwareLoginTest, TheReportHoldsTheBindingOfTheKeyAndNothingElse) {
  const HardwareLogin login = must(prepare());
  const json::Value body(login.body);
  EXPECT_EQ(*body.string_at("family"), "snp");
  EXPECT_EQ(*body.string_at("nonce"), base64url_encode(challenge_.nonce));
  const Bytes key = must(base64_decode(*body.string_at("caller_key")));
  EXPECT_EQ(key, must(login.key.public_key()).spki_der());
  attestation::LoginBinding input = challenge_;
  input.key_name = key;
  EXPECT_EQ(login.binding, attestation::login_binding(input));
  Bytes wanted = login.binding;
  wanted.resize(64);
  const Bytes report = must(base64_decode(*body.string_at("report")));
  EXPECT_EQ(to_bytes(ByteView(report).subspan(0x50, 64)), wanted);
}

TEST_F(HardwareLoginTest, EveryLoginHasItsOwnKey) {
  EXPECT_FALSE(must(prepare()).binding == must(prepare()).binding);
}

TEST_F(HardwareLoginTest, OnlyWhatIsSealedToItsKeyOpens) {
  const HardwareLogin login = must(prepare());
  const Bytes label = to_bytes(std::string_view("apm-login-v1\0", 13));
  const auto sealed = [&](const HardwareLogin& to) {
    return must(
        must(to.key.public_key())
            .encrypt_oaep(crypto::Hash::kSha256, crypto::Hash::kSha256, Bytes(32, 9), label));
  };
  EXPECT_EQ(to_bytes(must(open_key(login, sealed(login))).view()), Bytes(32, 9));
  EXPECT_EQ(open_key(login, sealed(must(prepare()))).error().reason, "login_answer_malformed");
}

TEST_F(HardwareLoginTest, ADeviceThatFailsIsNamed) {
  files_.tsm_report_errors = {EIO, EIO, EIO, EIO, EIO, EIO, EIO, EIO};
  const auto failed = prepare();
  ASSERT_FALSE(failed.ok());
  EXPECT_NE(failed.error().message.find(files_.tsm_root), std::string::npos)
      << failed.error().message;
}

}  // namespace
}  // namespace apm::workload
