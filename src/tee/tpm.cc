#include "tee/tpm.h"

#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_tctildr.h>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "base/file.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "tee/esys.h"
#include "tee/limits.h"

namespace apm::tee {

struct Tpm::Impl {
  TSS2_TCTI_CONTEXT* tcti = nullptr;
  ESYS_CONTEXT* esys = nullptr;

  Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    if (esys != nullptr) Esys_Finalize(&esys);
    if (tcti != nullptr) ::Tss2_TctiLdr_Finalize(&tcti);
  }
};

namespace {

struct Primary {
  Transient object;
  EsysPtr<TPM2B_PUBLIC> area;
};

Result<Primary> create_primary(ESYS_CONTEXT* esys, const TPM2B_PUBLIC& shape) {
  const TPM2B_SENSITIVE_CREATE sensitive{};  // empty authorisation value
  const TPM2B_DATA outside{};
  const TPML_PCR_SELECTION creation_pcrs{};
  ESYS_TR object = ESYS_TR_NONE;
  TPM2B_PUBLIC* area = nullptr;
  const TSS2_RC rc = Esys_CreatePrimary(esys, ESYS_TR_RH_NULL, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                        ESYS_TR_NONE, &sensitive, &shape, &outside, &creation_pcrs,
                                        &object, &area, nullptr, nullptr, nullptr);
  if (rc != TSS2_RC_SUCCESS) return tpm_error("TPM2_CreatePrimary", rc);
  return Primary{Transient(esys, object), EsysPtr<TPM2B_PUBLIC>(area)};
}

Result<Bytes> encode_public(const TPM2B_PUBLIC& area) {
  Bytes wire(sizeof(TPM2B_PUBLIC));
  std::size_t used = 0;
  const TSS2_RC rc = ::Tss2_MU_TPM2B_PUBLIC_Marshal(&area, wire.data(), wire.size(), &used);
  APM_CHECK_OK(tpm_status("encoding a public area", rc));
  wire.resize(used);
  return wire;
}

Result<PcrBoundKey> describe(const TPM2B_PUBLIC& area, const std::vector<unsigned>& pcrs) {
  PcrBoundKey key;
  key.pcrs = pcrs;
  std::sort(key.pcrs.begin(), key.pcrs.end());
  APM_TRY(key.public_area, encode_public(area));
  key.tpmt_public.assign(key.public_area.begin() + 2, key.public_area.end());
  key.name = {0x00, 0x0b};
  append(key.name, ByteView(crypto::sha256(key.tpmt_public)));
  const TPM2B_PUBLIC_KEY_RSA& modulus = area.publicArea.unique.rsa;
  key.modulus.assign(modulus.buffer, modulus.buffer + modulus.size);
  if (key.modulus.size() != 256) {
    return Error(Code::kIo, "tpm", "the TPM made an RSA key that is not of 2048 bits");
  }
  return key;
}

// The key again, from the policy that its own public area names; it is the same key or an error.
Result<Primary> recreate(ESYS_CONTEXT* esys, const PcrBoundKey& key, ByteView unique) {
  TPM2B_PUBLIC known{};
  std::size_t used = 0;
  const TSS2_RC rc = ::Tss2_MU_TPM2B_PUBLIC_Unmarshal(key.public_area.data(),
                                                      key.public_area.size(), &used, &known);
  APM_CHECK_OK(tpm_status("decoding a public area", rc));
  const TPM2B_DIGEST& policy = known.publicArea.authPolicy;
  APM_TRY(const TPM2B_PUBLIC shape, key_template(ByteView(policy.buffer, policy.size), unique));
  APM_TRY(Primary primary, create_primary(esys, shape));
  APM_TRY(const Bytes wire, encode_public(*primary.area));
  if (!equal(wire, key.public_area)) {
    return Error(Code::kRefused, "tpm_key_changed",
                 "the TPM gave another key for the same template: it was restarted since the key "
                 "was made. Start again with fresh evidence");
  }
  return primary;
}

Result<Signed> take_signed(const TPM2B_ATTEST& attest, const TPMT_SIGNATURE& signature) {
  if (signature.sigAlg != TPM2_ALG_RSASSA || signature.signature.rsassa.hash != TPM2_ALG_SHA256) {
    return Error(Code::kIo, "tpm", "the attestation key did not sign with RSASSA and SHA-256");
  }
  const TPM2B_PUBLIC_KEY_RSA& raw = signature.signature.rsassa.sig;
  Signed result;
  result.attest.assign(attest.attestationData, attest.attestationData + attest.size);
  result.signature.assign(raw.buffer, raw.buffer + raw.size);
  return result;
}

Result<TPM2B_DATA> qualifying(ByteView data) {
  TPM2B_DATA out{};
  if (data.size() > std::min(sizeof out.buffer, kQualifyingDataMax)) {
    return Error(Code::kInvalidArgument, "tpm_qualifying_data",
                 "qualifying data is at most 64 bytes; hash it first");
  }
  out.size = static_cast<UINT16>(data.size());
  std::copy(data.begin(), data.end(), out.buffer);
  return out;
}

constexpr TPMT_SIG_SCHEME rsassa_sha256() {
  TPMT_SIG_SCHEME scheme{};
  scheme.scheme = TPM2_ALG_RSASSA;
  scheme.details.rsassa.hashAlg = TPM2_ALG_SHA256;
  return scheme;
}

Result<Transient> pcr_session(ESYS_CONTEXT* esys, const std::vector<unsigned>& pcrs) {
  APM_TRY(const TPML_PCR_SELECTION selection, pcr_selection(pcrs));
  TPMT_SYM_DEF symmetric{};
  symmetric.algorithm = TPM2_ALG_NULL;
  ESYS_TR handle = ESYS_TR_NONE;
  TSS2_RC rc = Esys_StartAuthSession(esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                     ESYS_TR_NONE, nullptr, TPM2_SE_POLICY, &symmetric,
                                     TPM2_ALG_SHA256, &handle);
  if (rc != TSS2_RC_SUCCESS) return tpm_error("TPM2_StartAuthSession", rc);
  Transient session(esys, handle);
  const TPM2B_DIGEST now{};  // empty: the values of the moment
  rc = Esys_PolicyPCR(esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &now, &selection);
  if (rc != TSS2_RC_SUCCESS) return tpm_error("TPM2_PolicyPCR", rc);
  return session;
}

TPMT_RSA_DECRYPT decrypt_scheme(RsaScheme scheme) {
  TPMT_RSA_DECRYPT out{};
  out.scheme = scheme == RsaScheme::kRsaes ? TPM2_ALG_RSAES : TPM2_ALG_OAEP;
  if (scheme == RsaScheme::kOaepSha1) out.details.oaep.hashAlg = TPM2_ALG_SHA1;
  if (scheme == RsaScheme::kOaepSha256) out.details.oaep.hashAlg = TPM2_ALG_SHA256;
  return out;
}

// At TSS2_LOG=all+trace the library would print what it decrypts. Its errors come back as texts.
void silence_tss_log() {
  static std::once_flag once;
  std::call_once(once, [] {
    static_cast<void>(::setenv("TSS2_LOG", "all+none", 1));
    static_cast<void>(::unsetenv("TSS2_LOGFILE"));
  });
}

// A response code without the parameter, handle or session number that the TPM mixes in.
bool is_format_one(TSS2_RC rc, TSS2_RC error) {
  return (rc & TPM2_RC_FMT1) != 0 && (rc & (TPM2_RC_FMT1 | 0x3fU)) == error;
}

Error decrypt_error(TSS2_RC rc) {
  if (is_format_one(rc, TPM2_RC_POLICY_FAIL) || rc == TPM2_RC_PCR_CHANGED) {
    return {Code::kRefused, "tpm_policy",
            "the TPM refuses to use the key: the PCRs have changed since it was made. Something "
            "was measured in between; start again with fresh evidence"};
  }
  // libtpms answers TPM_RC_FAILURE to wrong padding, and goes on serving.
  if (rc == TPM2_RC_FAILURE || is_format_one(rc, TPM2_RC_VALUE) ||
      is_format_one(rc, TPM2_RC_SCHEME) || is_format_one(rc, TPM2_RC_SIZE)) {
    Error error = tpm_error("TPM2_RSA_Decrypt", rc);
    return {Code::kRefused, "tpm_ciphertext",
            concat("the TPM could not open the ciphertext: it is not for this key, or has other ",
                   "padding than expected. ", error.message)};
  }
  return tpm_error("TPM2_RSA_Decrypt", rc);
}

}  // namespace

Transport transport_of(const TpmConfig& config) {
  return config.tcti.starts_with("device:/dev/tpm") ? Transport::kDevice : Transport::kOther;
}

Tpm::Tpm(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tpm::Tpm(Tpm&&) noexcept = default;
Tpm& Tpm::operator=(Tpm&&) noexcept = default;
Tpm::~Tpm() = default;

Result<Tpm> Tpm::open(const TpmConfig& config) {
  silence_tss_log();
  auto impl = std::make_unique<Impl>();
  TSS2_RC rc = ::Tss2_TctiLdr_Initialize(config.tcti.c_str(), &impl->tcti);
  if (rc == TSS2_RC_SUCCESS) rc = Esys_Initialize(&impl->esys, impl->tcti, nullptr);
  if (rc != TSS2_RC_SUCCESS) {
    return tpm_error(concat("opening the TPM \"", config.tcti, "\""), rc);
  }
  return Tpm(std::move(impl));
}

Result<Bytes> Tpm::read_nv(std::uint32_t index) {
  ESYS_CONTEXT* esys = impl_->esys;
  APM_TRY(const Opened nv, open_handle(esys, index, concat("NV index ", index)));
  TPM2B_NV_PUBLIC* raw_area = nullptr;
  TSS2_RC rc = Esys_NV_ReadPublic(esys, nv.get(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                  &raw_area, nullptr);
  if (rc != TSS2_RC_SUCCESS) return tpm_error("TPM2_NV_ReadPublic", rc);
  const EsysPtr<TPM2B_NV_PUBLIC> area(raw_area);
  const std::size_t size = area->nvPublic.dataSize;
  if (size > kNvBytesMax) return Error(Code::kTooLarge, "tpm_nv", "an NV index beyond 16 KiB");
  // The owner reads where the index allows it, otherwise the index's own (empty) authorisation.
  const bool by_owner = (area->nvPublic.attributes & TPMA_NV_OWNERREAD) != 0;
  const ESYS_TR reader = by_owner ? ESYS_TR_RH_OWNER : nv.get();
  Bytes out;
  while (out.size() < size) {
    const auto chunk = static_cast<UINT16>(std::min(kNvChunkBytes, size - out.size()));
    TPM2B_MAX_NV_BUFFER* raw = nullptr;
    rc = Esys_NV_Read(esys, reader, nv.get(), ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, chunk,
                      static_cast<UINT16>(out.size()), &raw);
    if (rc != TSS2_RC_SUCCESS) return tpm_error("TPM2_NV_Read", rc);
    const EsysPtr<TPM2B_MAX_NV_BUFFER> data(raw);
    if (data->size == 0) return Error(Code::kIo, "tpm", "TPM2_NV_Read gave no data");
    append(out, ByteView(data->buffer, data->size));
  }
  return out;
}

Result<PcrValues> Tpm::read_pcrs(const std::vector<unsigned>& pcrs) {
  PcrValues values;
  for (const unsigned pcr : pcrs) {  // one a call: a TPM may answer fewer than asked
    APM_TRY(const TPML_PCR_SELECTION selection, pcr_selection({pcr}));
    TPML_DIGEST* raw = nullptr;
    const TSS2_RC rc = Esys_PCR_Read(impl_->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                     &selection, nullptr, nullptr, &raw);
    if (rc != TSS2_RC_SUCCESS) return tpm_error("TPM2_PCR_Read", rc);
    const EsysPtr<TPML_DIGEST> digests(raw);
    if (digests->count != 1 || digests->digests[0].size != 32) {
      return Error(
          Code::kIo, "tpm",
          concat("the TPM has no SHA-256 value for PCR ", pcr, ". Enable the SHA-256 bank"));
    }
    const TPM2B_DIGEST& digest = digests->digests[0];
    values[pcr] = Bytes(digest.buffer, digest.buffer + digest.size);
  }
  return values;
}

Result<Bytes> Tpm::read_public(std::uint32_t handle) {
  APM_TRY(const Opened object,
          open_handle(impl_->esys, handle, concat("persistent object ", handle)));
  TPM2B_PUBLIC* raw = nullptr;
  const TSS2_RC rc = Esys_ReadPublic(impl_->esys, object.get(), ESYS_TR_NONE, ESYS_TR_NONE,
                                     ESYS_TR_NONE, &raw, nullptr, nullptr);
  if (rc != TSS2_RC_SUCCESS) return tpm_error("TPM2_ReadPublic", rc);
  const EsysPtr<TPM2B_PUBLIC> area(raw);
  return encode_public(*area);
}

Result<PcrBoundKey> Tpm::make_pcr_bound_key(const std::vector<unsigned>& pcrs, ByteView unique) {
  APM_TRY(const PcrValues values, read_pcrs(pcrs));
  APM_TRY(const Bytes policy, pcr_policy(pcrs, values));
  APM_TRY(const TPM2B_PUBLIC shape, key_template(policy, unique));
  APM_TRY(const Primary primary, create_primary(impl_->esys, shape));
  return describe(*primary.area, pcrs);
}

Result<Signed> Tpm::certify(const PcrBoundKey& key, ByteView unique, std::uint32_t ak_handle,
                            ByteView qualifying_data) {
  ESYS_CONTEXT* esys = impl_->esys;
  APM_TRY(const TPM2B_DATA extra, qualifying(qualifying_data));
  APM_TRY(const Primary primary, recreate(esys, key, unique));
  APM_TRY(const Opened ak, open_handle(esys, ak_handle, "attestation key"));
  // The key has no userWithAuth, but Certify is an ADMIN-role use, where its policy would have to
  // hold, unless adminWithPolicy is clear: then the empty authorisation value serves.
  constexpr TPMT_SIG_SCHEME kScheme = rsassa_sha256();
  TPM2B_ATTEST* raw_attest = nullptr;
  TPMT_SIGNATURE* raw_signature = nullptr;
  const TSS2_RC rc =
      Esys_Certify(esys, primary.object.get(), ak.get(), ESYS_TR_PASSWORD, ESYS_TR_PASSWORD,
                   ESYS_TR_NONE, &extra, &kScheme, &raw_attest, &raw_signature);
  if (rc != TSS2_RC_SUCCESS) return tpm_error("TPM2_Certify", rc);
  const EsysPtr<TPM2B_ATTEST> attest(raw_attest);
  const EsysPtr<TPMT_SIGNATURE> signature(raw_signature);
  return take_signed(*attest, *signature);
}

Result<Signed> Tpm::quote(const std::vector<unsigned>& pcrs, std::uint32_t ak_handle,
                          ByteView qualifying_data) {
  ESYS_CONTEXT* esys = impl_->esys;
  APM_TRY(const TPM2B_DATA extra, qualifying(qualifying_data));
  APM_TRY(const TPML_PCR_SELECTION selection, pcr_selection(pcrs));
  APM_TRY(const Opened ak, open_handle(esys, ak_handle, "attestation key"));
  constexpr TPMT_SIG_SCHEME kScheme = rsassa_sha256();
  TPM2B_ATTEST* raw_attest = nullptr;
  TPMT_SIGNATURE* raw_signature = nullptr;
  const TSS2_RC rc = Esys_Quote(esys, ak.get(), ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                                &extra, &kScheme, &selection, &raw_attest, &raw_signature);
  if (rc != TSS2_RC_SUCCESS) return tpm_error("TPM2_Quote", rc);
  const EsysPtr<TPM2B_ATTEST> attest(raw_attest);
  const EsysPtr<TPMT_SIGNATURE> signature(raw_signature);
  return take_signed(*attest, *signature);
}

Result<crypto::SecretBytes> Tpm::decrypt(const PcrBoundKey& key, ByteView unique, RsaScheme scheme,
                                         ByteView ciphertext, std::string_view label) {
  TPM2B_PUBLIC_KEY_RSA sealed{};
  TPM2B_DATA oaep_label{};
  if (ciphertext.size() != 256 || label.size() > kOaepLabelMax - 1 ||
      label.find('\0') != std::string_view::npos) {
    return Error(Code::kInvalidArgument, "tpm_ciphertext",
                 "a TPM-sealed value is 256 bytes and its label at most 63 without a NUL");
  }
  sealed.size = static_cast<UINT16>(ciphertext.size());
  std::copy(ciphertext.begin(), ciphertext.end(), sealed.buffer);
  if (!label.empty()) {
    std::copy(label.begin(), label.end(), oaep_label.buffer);
    oaep_label.size = static_cast<UINT16>(label.size() + 1);
  }
  ESYS_CONTEXT* esys = impl_->esys;
  APM_TRY(const Primary primary, recreate(esys, key, unique));
  APM_TRY(const Transient session, pcr_session(esys, key.pcrs));
  const TPMT_RSA_DECRYPT padding = decrypt_scheme(scheme);
  TPM2B_PUBLIC_KEY_RSA* raw = nullptr;
  const TSS2_RC rc = Esys_RSA_Decrypt(esys, primary.object.get(), session.get(), ESYS_TR_NONE,
                                      ESYS_TR_NONE, &sealed, &padding, &oaep_label, &raw);
  if (rc != TSS2_RC_SUCCESS) return decrypt_error(rc);
  const EsysPtr<TPM2B_PUBLIC_KEY_RSA> message(raw);
  auto secret = crypto::SecretBytes::copy_of(ByteView(message->buffer, message->size));
  crypto::wipe(MutableByteView(message->buffer, sizeof message->buffer));
  return secret;
}

Result<Bytes> read_event_log(const std::string& path) {
  if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT) return Bytes();
  return read_file(path, kEventLogBytesMax);
}

}  // namespace apm::tee
