#include "tee/esys.h"

#include <tss2/tss2_mu.h>
#include <tss2/tss2_rc.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <set>

#include "base/byte_reader.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "tee/limits.h"

namespace apm::tee {

Error tpm_error(std::string_view call, TSS2_RC code) {
  const char* text = ::Tss2_RC_Decode(code);
  return {Code::kIo, "tpm",
          concat(call, " failed: ", text != nullptr ? text : "unknown TPM error", " (code ", code,
                 "). Check that this machine has a vTPM and that this process may use it")};
}

Result<Opened> open_handle(ESYS_CONTEXT* context, TPM2_HANDLE handle, std::string_view what) {
  ESYS_TR object = ESYS_TR_NONE;
  const TSS2_RC rc =
      Esys_TR_FromTPMPublic(context, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &object);
  if (rc != TSS2_RC_SUCCESS) return tpm_error(concat("opening the TPM's ", what), rc);
  return Opened(context, object);
}

Result<TPML_PCR_SELECTION> pcr_selection(const std::vector<unsigned>& pcrs) {
  TPML_PCR_SELECTION selection{};
  selection.count = 1;
  TPMS_PCR_SELECTION& bank = selection.pcrSelections[0];
  bank.hash = TPM2_ALG_SHA256;
  bank.sizeofSelect = 3;
  const std::set<unsigned> distinct(pcrs.begin(), pcrs.end());
  if (pcrs.empty() || distinct.size() != pcrs.size() || *distinct.rbegin() >= kPcrCount) {
    return Error(Code::kInvalidArgument, "tpm_pcrs",
                 "a PCR selection needs at least one register, each once, between 0 and 23");
  }
  for (const unsigned pcr : distinct) {
    bank.pcrSelect[pcr / 8] = static_cast<BYTE>(bank.pcrSelect[pcr / 8] | (1U << (pcr % 8)));
  }
  return selection;
}

Result<Bytes> pcr_policy(const std::vector<unsigned>& pcrs, const PcrValues& values) {
  APM_TRY(const TPML_PCR_SELECTION selection, pcr_selection(pcrs));
  std::array<std::uint8_t, sizeof(TPML_PCR_SELECTION)> wire{};
  std::size_t used = 0;
  const TSS2_RC rc =
      ::Tss2_MU_TPML_PCR_SELECTION_Marshal(&selection, wire.data(), wire.size(), &used);
  APM_CHECK_OK(tpm_status("encoding a PCR selection", rc));
  Bytes all;
  for (const auto& [index, value] : values) {  // a map: ascending
    if (std::find(pcrs.begin(), pcrs.end(), index) != pcrs.end()) append(all, ByteView(value));
  }
  Bytes policy(32, 0);
  append_u32_be(policy, TPM2_CC_PolicyPCR);
  append(policy, ByteView(wire.data(), used));
  append(policy, ByteView(crypto::sha256(all)));
  return crypto::sha256(policy);
}

Result<TPM2B_PUBLIC> key_template(ByteView policy, ByteView unique) {
  TPM2B_PUBLIC key{};
  TPMT_PUBLIC& area = key.publicArea;
  if (policy.size() != 32 || unique.size() > kUniqueBytesMax) {
    return Error(Code::kInvalidArgument, "tpm_unique",
                 "a key's unique value is at most 32 bytes and its policy is 32 bytes");
  }
  area.type = TPM2_ALG_RSA;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = TPMA_OBJECT_DECRYPT | TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                          TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_NODA;
  area.authPolicy.size = 32;
  std::memcpy(area.authPolicy.buffer, policy.data(), policy.size());
  TPMS_RSA_PARMS& rsa = area.parameters.rsaDetail;
  rsa.symmetric.algorithm = TPM2_ALG_NULL;
  rsa.scheme.scheme = TPM2_ALG_NULL;
  rsa.keyBits = 2048;
  rsa.exponent = 0;
  TPM2B_PUBLIC_KEY_RSA& id = area.unique.rsa;
  id.size = 256;  // zeros when `unique` is empty: Azure's guest attestation has it so
  if (!unique.empty()) {
    id.size = static_cast<UINT16>(unique.size());
    std::memcpy(id.buffer, unique.data(), unique.size());
  }
  return key;
}

}  // namespace apm::tee
