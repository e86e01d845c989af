#include "attestation/maa/identity.h"

#include <gtest/gtest.h>

#include "attestation/identity.h"
#include "attestation/testing/synthetic_maa.h"

namespace apm::attestation::maa {
namespace {

using testing::SyntheticMaa;

Token plain(void (*add_tee)(json::Object&)) {
  json::Object payload = SyntheticMaa::base();
  add_tee(payload);
  return *read_token(json::Value(std::move(payload)));
}

TEST(MaaIdentity, SgxRegistersAsTheyAre) {
  Token token = plain(SyntheticMaa::add_sgx);
  EXPECT_EQ(*enclave_id(token), SyntheticMaa::hex(32, 1));
  EXPECT_EQ(signer_of(token).signer_id, SyntheticMaa::hex(32, 2));
  token.sgx->mrsigner = Bytes(32, 0);
  EXPECT_EQ(signer_of(token).reason, "signer_zero");
}

TEST(MaaIdentity, SnpCoversMeasurementAndHostData) {
  Token token = plain(SyntheticMaa::add_snp);
  const std::string id = *enclave_id(token);
  token.snp->launch_measurement[0] ^= 1;
  EXPECT_NE(*enclave_id(token), id);
  token.snp->launch_measurement[0] ^= 1;
  token.snp->host_data[31] ^= 1;
  EXPECT_NE(*enclave_id(token), id);
  token.snp->host_data = Bytes(32, 0);
  EXPECT_EQ(enclave_id(token).error().reason, "identity_platform_only");
  EXPECT_EQ(signer_of(token).reason, "signer_is_platform");
}

TEST(MaaIdentity, TdxCoversMrtdAndEveryRtmr) {
  Token token = plain(SyntheticMaa::add_tdx);
  const std::string id = *enclave_id(token);
  for (Bytes& rtmr : token.tdx->rtmrs) {
    rtmr[0] ^= 1;
    EXPECT_NE(*enclave_id(token), id);
    rtmr[0] ^= 1;
  }
  token.tdx->mrtd[0] ^= 1;
  EXPECT_NE(*enclave_id(token), id);
  for (Bytes& rtmr : token.tdx->rtmrs) rtmr.assign(48, 0);
  EXPECT_EQ(enclave_id(token).error().reason, "identity_platform_only");
}

// The same PCRs as quoted by the VM itself give the same id.
TEST(MaaIdentity, AzureVmNeedsThePcrsOfTheBootChain) {
  const SyntheticMaa maa;
  json::Object payload = maa.azure_vm(SyntheticMaa::add_snp);
  json::Object values;
  tpm::PcrValues pcrs;
  for (const unsigned index : identity_pcrs()) {
    pcrs[index] = Bytes(32, static_cast<std::uint8_t>(index));
    values.set("pcr" + std::to_string(index), base64_encode(pcrs[index]));
  }
  payload.set("x-ms-azurevm-attested-pcr-values", values);
  EXPECT_EQ(*enclave_id(*read_token(json::Value(payload))), *azure_vtpm_enclave_id(pcrs));
  json::Object on_tdx = maa.azure_vm(SyntheticMaa::add_tdx);
  on_tdx.set("x-ms-azurevm-attested-pcr-values", values);
  EXPECT_EQ(*enclave_id(*read_token(json::Value(on_tdx))),
            *azure_vtpm_enclave_id(pcrs, "azure-tdx-vtpm"));
  values.erase("pcr8");
  payload.set("x-ms-azurevm-attested-pcr-values", values);
  EXPECT_EQ(enclave_id(*read_token(json::Value(payload))).error().reason,
            "bootloader_pcrs_not_quoted");
  payload.erase("x-ms-azurevm-attested-pcr-values");
  EXPECT_EQ(enclave_id(*read_token(json::Value(payload))).error().reason, "identity_pcr_missing");
}

TEST(MaaIdentity, AttestedPcrValuesAreStrict) {
  const SyntheticMaa maa;
  const std::string good = base64_encode(Bytes(32, 1));
  const auto verdict = [&](json::Object values) {
    json::Object payload = maa.azure_vm(SyntheticMaa::add_snp);
    payload.set("x-ms-azurevm-attested-pcr-values", std::move(values));
    const auto token = read_token(json::Value(std::move(payload)));
    return token.ok() ? "accept" : token.error().reason;
  };
  EXPECT_EQ(verdict({{"pcr4", good}}), "accept");
  EXPECT_EQ(verdict({{"pcr24", good}}), "maa_claim_malformed");
  EXPECT_EQ(verdict({{"pc", good}}), "maa_claim_malformed");
  EXPECT_EQ(verdict({{"PCR4", good}}), "maa_claim_malformed");
  EXPECT_EQ(verdict({{"pcr4", good}, {"pcr04", good}}), "maa_claim_malformed");
  EXPECT_EQ(verdict({{"pcr4", base64_encode(Bytes(31, 1))}}), "maa_claim_malformed");
  EXPECT_EQ(verdict({{"pcr4", 4}}), "maa_claim_malformed");
}

}  // namespace
}  // namespace apm::attestation::maa
