// Intel's collateral. A signed member is cut out of its document exactly; what is read from a text
// is not read from that text with more behind it; a certificate chain has one spelling.

#include "attestation/dcap/collateral.h"
#include "attestation/dcap/json_slice.h"
#include "attestation/dcap/pem_chain.h"
#include "attestation/dcap/tcb_documents.h"
#include "base/json.h"
#include "property.h"

namespace {

using apm::fuzz::require;
namespace dcap = apm::attestation::dcap;

void check_slice(std::string_view text, std::string_view name) {
  const auto slice = dcap::member_slice(text, name);
  if (!slice.ok()) return;
  require(
      slice->data() >= text.data() && slice->data() + slice->size() <= text.data() + text.size(),
      "the slice leaves the document");
  const auto whole = apm::json::parse(text);
  const auto part = apm::json::parse(*slice);
  require(whole.ok() && part.ok(), "a slice of or into what is not JSON");
  const apm::json::Value* member = whole->at(name);
  require(member != nullptr && *member == *part, "the slice is another value");
}

void check_chain(std::string_view text) {
  const auto chain = dcap::read_pem_chain(text);
  if (!chain.ok()) return;
  require(!chain->empty(), "a chain of nothing");
  const std::string more = std::string(text) + "x";
  require(!dcap::read_pem_chain(more).ok(), "text behind a chain");
}

void check_documents(std::string_view text) {
  const std::string more = std::string(text) + "{}";
  if (const auto info = dcap::parse_tcb_info(text); info.ok()) {
    require(info->fmspc.size() == 6 && info->pce_id.size() == 2, "sizes of a platform's names");
    require(!info->levels.empty(), "TCB info without a level");
    require(!dcap::parse_tcb_info(more).ok(), "text behind TCB info");
  }
  if (const auto identity = dcap::parse_qe_identity(text); identity.ok()) {
    require(identity->mr_signer.size() == 32 && identity->attributes.size() == 16, "sizes");
    require(!identity->levels.empty(), "a QE identity without a level");
    require(!dcap::parse_qe_identity(more).ok(), "text behind a QE identity");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = apm::fuzz::text_of(data, size);
  check_slice(text, "tcbInfo");
  check_slice(text, "enclaveIdentity");
  check_chain(text);
  check_documents(text);
  if (const auto collateral = dcap::collateral_from_json(text); collateral.ok()) {
    const auto document = apm::json::parse(text);
    require(document.ok() && document->as_object() != nullptr, "collateral of what is no object");
    const std::string* info = document->string_at("tcb_info");
    require(collateral->tcb_info.body == (info == nullptr ? "" : *info), "another TCB info");
  }
  dcap::CollateralFiles files;
  files.tcb_info = text;
  static_cast<void>(dcap::collateral_from_files(files));
  return 0;
}
