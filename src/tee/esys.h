#pragma once

// Owners for what ESYS hands out, and its error codes as errors. Private to tee/.

#include <tss2/tss2_esys.h>

#include <memory>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "tee/tpm.h"

namespace apm::tee {

struct EsysFree {
  template <class T>
  void operator()(T* block) const {
    Esys_Free(block);
  }
};
template <class T>
using EsysPtr = std::unique_ptr<T, EsysFree>;

// kIo "tpm": "TPM2_Quote failed: tpm:handle(1):..., 0x18b".
[[nodiscard]] Error tpm_error(std::string_view call, TSS2_RC code);
[[nodiscard]] inline Status tpm_status(std::string_view call, TSS2_RC code) {
  if (code == TSS2_RC_SUCCESS) return {};
  return tpm_error(call, code);
}

// A transient object or session: flushed when it goes.
class Transient {
 public:
  Transient(ESYS_CONTEXT* context, ESYS_TR handle) : context_(context), handle_(handle) {}
  Transient(Transient&& other) noexcept
      : context_(other.context_), handle_(std::exchange(other.handle_, ESYS_TR_NONE)) {}
  Transient& operator=(Transient&&) = delete;
  Transient(const Transient&) = delete;
  Transient& operator=(const Transient&) = delete;
  ~Transient() {
    if (handle_ != ESYS_TR_NONE) Esys_FlushContext(context_, handle_);
  }
  [[nodiscard]] ESYS_TR get() const { return handle_; }

 private:
  ESYS_CONTEXT* context_;
  ESYS_TR handle_;
};

// A persistent object or NV index: only the library's own record is closed, the TPM keeps it.
class Opened {
 public:
  Opened(ESYS_CONTEXT* context, ESYS_TR handle) : context_(context), handle_(handle) {}
  Opened(Opened&& other) noexcept
      : context_(other.context_), handle_(std::exchange(other.handle_, ESYS_TR_NONE)) {}
  Opened& operator=(Opened&&) = delete;
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
  ~Opened() {
    if (handle_ != ESYS_TR_NONE) Esys_TR_Close(context_, &handle_);
  }
  [[nodiscard]] ESYS_TR get() const { return handle_; }

 private:
  ESYS_CONTEXT* context_;
  ESYS_TR handle_;
};
[[nodiscard]] Result<Opened> open_handle(ESYS_CONTEXT* context, TPM2_HANDLE handle,
                                         std::string_view what);

// SHA-256 bank, the PCRs named; kInvalidArgument "tpm_pcrs" for none, a double or one beyond 23.
[[nodiscard]] Result<TPML_PCR_SELECTION> pcr_selection(const std::vector<unsigned>& pcrs);

// SHA-256(0^32 || TPM_CC_PolicyPCR || selection || SHA-256(values in ascending order)).
[[nodiscard]] Result<Bytes> pcr_policy(const std::vector<unsigned>& pcrs, const PcrValues& values);

// Azure's template for the transfer key (see PcrBoundKey).
[[nodiscard]] Result<TPM2B_PUBLIC> key_template(ByteView policy, ByteView unique);

}  // namespace apm::tee
