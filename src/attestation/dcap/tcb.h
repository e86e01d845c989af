#pragma once

// Which of Intel's levels a platform reaches. Pure arithmetic on documents that were verified.
//
// Platform: the first level of the TCB info whose 16 SGX components and PCESVN the PCK certificate
// reaches, and whose TDX components the TD's TEE_TCB_SVN reaches; the latter from component 2 on
// when TEE_TCB_SVN[1], the module's major version, is not 0, because then components 0 and 1 are
// judged by the module's own identity ("TDX_01", ...). No level: not supported, which is a refusal.
//
// A TD 1.5 report has TEE_TCB_SVN2, the level that a module updated in place has now. It never
// stands in for TEE_TCB_SVN; all it does is to turn OutOfDate into TDRelaunchAdvised, when only the
// module was out of date at launch and the one of now is the newest.

#include <array>
#include <cstdint>
#include <optional>

#include "attestation/dcap/enclave_report.h"
#include "attestation/dcap/pck.h"
#include "attestation/dcap/tcb_documents.h"

namespace apm::attestation::dcap {

// The part of a TD report that says which module runs it.
struct TdxTcb {
  Components tee_tcb_svn{};
  std::optional<Components> tee_tcb_svn2;  // TD 1.5
  std::array<std::uint8_t, 48> mr_signer_seam{};
  std::array<std::uint8_t, 8> seam_attributes{};
};

struct TcbVerdict {
  std::optional<TcbStatus> platform;                 // nothing: no level is reached
  bool has_module = false;                           // a TDX module with a version of its own
  std::optional<TdxModuleIdentity> module_identity;  // TDX; nothing: the module is not known
  std::optional<TcbStatus> module;                   // nothing: no level is reached
  std::optional<TcbStatus> qe;                       // likewise
  std::optional<TcbStatus> status;  // of the whole, when every part reaches a level
  Advisories advisories;            // of the levels that are reached
};

// `tdx`: nullptr for SGX.
struct TcbInput {
  const TcbInfo* info = nullptr;
  const QeIdentity* qe_identity = nullptr;
  const Pck* pck = nullptr;
  const EnclaveReport* qe_report = nullptr;
  const TdxTcb* tdx = nullptr;
};
[[nodiscard]] TcbVerdict evaluate_tcb(const TcbInput& input);

}  // namespace apm::attestation::dcap
