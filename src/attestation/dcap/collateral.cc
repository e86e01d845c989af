#include "attestation/dcap/collateral.h"

#include "attestation/dcap/json_slice.h"
#include "attestation/limits.h"
#include "base/encoding.h"
#include "base/json.h"
#include "base/text.h"

namespace apm::attestation::dcap {
namespace {

Error malformed(std::string_view what) {
  return Error(Code::kInvalidArgument, "dcap_collateral_malformed",
               concat("the DCAP collateral: ", what));
}

Result<SignedDocument> signed_member(std::string_view text, std::string_view name,
                                     std::string_view chain_pem) {
  SignedDocument out;
  out.chain_pem = trim(chain_pem);
  if (text.empty()) return out;
  const auto body = member_slice(text, name);
  if (!body.ok()) return malformed(body.error().message);
  APM_TRY(const json::Value document, json::parse(text));
  const std::string* hex = document.string_at("signature");
  const auto signature = hex_decode(hex == nullptr ? "-" : *hex);
  if (!signature.ok()) return malformed(concat("the signature beside ", name));
  out.body = *body;
  out.signature = *signature;
  return out;
}

// The string under `name`; "" when absent.
Result<std::string> text_at(const json::Value& document, std::string_view name) {
  if (document.at(name) == nullptr) return std::string();
  const std::string* text = document.string_at(name);
  if (text == nullptr) return malformed(concat("\"", name, "\" is not a string"));
  return *text;
}

Result<Bytes> hex_at(const json::Value& document, std::string_view name) {
  APM_TRY(const std::string text, text_at(document, name));
  auto bytes = hex_decode(text);
  if (!bytes.ok()) return malformed(concat("\"", name, "\" is not hexadecimal"));
  return bytes;
}

Result<SignedDocument> document_at(const json::Value& document, const std::string& name) {
  SignedDocument out;
  APM_TRY(out.body, text_at(document, name));
  APM_TRY(out.signature, hex_at(document, name + "_signature"));
  APM_TRY(const std::string chain, text_at(document, name + "_issuer_chain"));
  out.chain_pem = trim(chain);
  return out;
}

}  // namespace

Result<Collateral> collateral_from_files(const CollateralFiles& files) {
  Collateral out;
  APM_TRY(out.tcb_info, signed_member(files.tcb_info, "tcbInfo", files.tcb_info_chain_pem));
  APM_TRY(out.qe_identity,
          signed_member(files.qe_identity, "enclaveIdentity", files.qe_identity_chain_pem));
  out.pck_crl = files.pck_crl;
  out.root_crl = files.root_crl;
  return out;
}

Result<Collateral> collateral_from_json(std::string_view text) {
  json::Limits limits;
  limits.bytes_max = kCollateralBytesMax;
  const auto document = json::parse(text, limits);
  if (!document.ok()) return malformed(document.error().message);
  if (document->as_object() == nullptr) return malformed("it is not a JSON object");
  Collateral out;
  APM_TRY(out.tcb_info, document_at(*document, "tcb_info"));
  APM_TRY(out.qe_identity, document_at(*document, "qe_identity"));
  APM_TRY(out.pck_crl, hex_at(*document, "pck_crl"));
  APM_TRY(out.root_crl, hex_at(*document, "root_ca_crl"));
  return out;
}

}  // namespace apm::attestation::dcap
