#include "attestation/dcap/tcb.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/text.h"

namespace apm::attestation::dcap {
namespace {

bool reaches(const Components& have, const Components& want, std::size_t from = 0) {
  for (std::size_t i = from; i < have.size(); ++i) {
    if (have[i] < want[i]) return false;
  }
  return true;
}

bool reaches_sgx(const Pck& pck, const TcbLevel& level) {
  return reaches(pck.tcb_components, level.sgx) && pck.pce_svn >= level.pce_svn;
}

bool reaches_tdx(const TdxTcb& tdx, const TcbLevel& level) {
  return reaches(tdx.tee_tcb_svn, level.tdx, tdx.tee_tcb_svn[1] == 0 ? 0 : 2);
}

const TcbLevel* find_level(const TcbInput& input, const TdxTcb* tdx) {
  for (const TcbLevel& level : input.info->levels) {
    if (reaches_sgx(*input.pck, level) && (tdx == nullptr || reaches_tdx(*tdx, level))) {
      return &level;
    }
  }
  return nullptr;
}

const SvnLevel* find_level(const std::vector<SvnLevel>& levels, std::uint64_t svn) {
  const auto found = std::find_if(levels.begin(), levels.end(),
                                  [&](const SvnLevel& level) { return svn >= level.isv_svn; });
  return found == levels.end() ? nullptr : &*found;
}

const TdxModuleIdentity* find_module(const TcbInfo& info, std::uint8_t version) {
  // Intel writes two hexadecimal digits; none above 09 has been seen, so either case is taken.
  const std::string id = version == 0 ? "" : "tdx_" + hex_encode(Bytes{version});
  for (const TdxModuleIdentity& module : info.modules) {
    if (to_lower(module.id) == id) return &module;
  }
  return nullptr;
}

void judge_module(const TcbInput& input, TcbVerdict& verdict) {
  const std::uint8_t version = input.tdx->tee_tcb_svn[1];
  verdict.has_module = version != 0;
  const TdxModuleIdentity* identity = find_module(*input.info, version);
  if (identity == nullptr) return;
  verdict.module_identity = *identity;
  if (!verdict.has_module) return;
  const SvnLevel* level = find_level(identity->levels, input.tdx->tee_tcb_svn[0]);
  if (level == nullptr) return;
  verdict.module = level->status;
  verdict.advisories.insert(level->advisories.begin(), level->advisories.end());
}

bool current(TcbStatus status) {
  return status == TcbStatus::kUpToDate || status == TcbStatus::kSwHardeningNeeded ||
         status == TcbStatus::kConfigurationNeeded ||
         status == TcbStatus::kConfigurationAndSwHardeningNeeded;
}

// Whether TEE_TCB_SVN2 is the newest module of its version.
bool updated_in_place(const TcbInput& input, const Components& now) {
  const TcbLevel& newest = input.info->levels.front();
  if (now[2] < newest.tdx[2]) return false;
  if (now[1] == 0) return now[0] >= newest.tdx[0];
  const TdxModuleIdentity* module = find_module(*input.info, now[1]);
  return module != nullptr && now[0] >= module->levels.front().isv_svn;
}

TcbStatus with_relaunch(const TcbInput& input, const TcbVerdict& verdict, TcbStatus status) {
  if (input.tdx == nullptr || !input.tdx->tee_tcb_svn2 || verdict.qe != TcbStatus::kUpToDate ||
      verdict.module != TcbStatus::kOutOfDate ||
      (status != TcbStatus::kOutOfDate && status != TcbStatus::kOutOfDateConfigurationNeeded)) {
    return status;
  }
  const TcbLevel* sgx = find_level(input, nullptr);
  if (sgx == nullptr || !current(sgx->status) ||
      !updated_in_place(input, *input.tdx->tee_tcb_svn2)) {
    return status;
  }
  return configuration_needed(status) || configuration_needed(sgx->status)
             ? TcbStatus::kTdRelaunchAdvisedConfigurationNeeded
             : TcbStatus::kTdRelaunchAdvised;
}

std::optional<TcbStatus> status_of_whole(const TcbInput& input, const TcbVerdict& verdict) {
  if (!verdict.platform || !verdict.qe) return std::nullopt;
  TcbStatus status = *verdict.platform;
  if (input.tdx != nullptr) {
    if (!verdict.module_identity) return std::nullopt;
    if (verdict.has_module && !verdict.module) return std::nullopt;
    if (verdict.module) status = converge(status, *verdict.module);
  }
  return converge(with_relaunch(input, verdict, status), *verdict.qe);
}

}  // namespace

TcbVerdict evaluate_tcb(const TcbInput& input) {
  TcbVerdict verdict;
  if (const TcbLevel* level = find_level(input, input.tdx)) {
    verdict.platform = level->status;
    verdict.advisories.insert(level->advisories.begin(), level->advisories.end());
  }
  if (input.tdx != nullptr) judge_module(input, verdict);
  if (const SvnLevel* level = find_level(input.qe_identity->levels, input.qe_report->isv_svn)) {
    verdict.qe = level->status;
    verdict.advisories.insert(level->advisories.begin(), level->advisories.end());
  }
  verdict.status = status_of_whole(input, verdict);
  return verdict;
}

}  // namespace apm::attestation::dcap
