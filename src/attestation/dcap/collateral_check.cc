#include "attestation/dcap/collateral_check.h"

#include "attestation/dcap/fields.h"
#include "base/clock.h"
#include "base/encoding.h"
#include "base/text.h"
#include "crypto/crl.h"

namespace apm::attestation::dcap {
namespace {

using crypto::Certificate;
using crypto::Crl;

constexpr std::size_t kHalf = 32;  // of a P-256 signature

// One run over the collateral of one piece of evidence.
class Check {
 public:
  Check(const Evidence& evidence, const Expectation& expectation, Appraisal& appraisal)
      : evidence_(evidence), expectation_(expectation), appraisal_(appraisal) {}

  Result<TcbInfo> tcb_info(const SignedDocument& document);
  Result<QeIdentity> qe_identity(const SignedDocument& document);
  Result<Crl> revocation_list(const std::string& prefix, ByteView raw, const Certificate& issuer);
  Status not_revoked(const Crl& list, const Certificate& certificate, const std::string& reason);
  // The certificates that signed the documents, for the root's list.
  [[nodiscard]] const std::vector<Certificate>& signers() const { return signers_; }

 private:
  Status authentic(const std::string& prefix, const SignedDocument& document);
  Status about(const std::string& prefix, const DocumentHeader& header, std::string_view id);
  Status dated(const std::string& prefix, std::int64_t from_s, std::int64_t until_s);
  Status require(bool holds, Rule rule) {
    return appraisal_.covers(rule.stage) ? appraisal_.require(holds, std::move(rule)) : Status();
  }

  const Evidence& evidence_;
  const Expectation& expectation_;
  Appraisal& appraisal_;
  std::vector<Certificate> signers_;
};

// Signed over the exact text by a TCB Signing key under a pinned root.
Status Check::authentic(const std::string& prefix, const SignedDocument& document) {
  APM_TRY(const TrustedChain chain, trust_chain({.prefix = prefix,
                                                 .pem = document.chain_pem,
                                                 .kind = ChainKind::kTcbSigning,
                                                 .anchors = expectation_.anchors,
                                                 .now_unix_s = expectation_.now_unix_s},
                                                appraisal_));
  APM_CHECK_OK(require(
      chain.anchor == evidence_.chain->anchor,
      {Stage::kChain, prefix + "_root_not_pinned", concat("anchor '", chain.anchor->name, "'"),
       concat("the quote's, '", evidence_.chain->anchor->name, "'")}));
  APM_TRY(const crypto::PublicKey key, chain.leaf.public_key());
  const ByteView signature(document.signature);
  const bool good = signature.size() == 2 * kHalf &&
                    key.verify_ecdsa(crypto::Hash::kSha256, as_bytes(document.body),
                                     signature.first(kHalf), signature.subspan(kHalf))
                        .ok();
  signers_.push_back(chain.leaf.clone());
  return require(good, {Stage::kChain, prefix + "_signature", good ? "it verifies" : "it does not",
                        "the document's text signed by Intel SGX TCB Signing"});
}

Status Check::dated(const std::string& prefix, std::int64_t from_s, std::int64_t until_s) {
  const std::int64_t now = expectation_.now_unix_s;
  APM_CHECK_OK(require(from_s <= now, {Stage::kValidity, prefix + "_not_yet_valid",
                                       "issued " + rfc3339(from_s), "not after " + rfc3339(now)}));
  return require(now <= until_s,
                 {Stage::kValidity, prefix + "_expired", "next update " + rfc3339(until_s),
                  concat("not before ", rfc3339(now), ": fetch it anew")});
}

Status Check::about(const std::string& prefix, const DocumentHeader& header, std::string_view id) {
  APM_CHECK_OK(dated(prefix, header.issue_date_s, header.next_update_s));
  return require(header.id == id, {Stage::kBinding, prefix + "_id", header.id, std::string(id)});
}

Result<TcbInfo> Check::tcb_info(const SignedDocument& document) {
  const std::string prefix = "dcap_tcb_info";
  APM_CHECK_OK(authentic(prefix, document));
  auto info = parse_tcb_info(document.body);
  APM_CHECK_OK(appraisal_.require(info.ok() ? Status() : Status(info.error()), Stage::kFormat,
                                  prefix + "_malformed"));
  APM_CHECK_OK(about(prefix, info->header, tee_name(evidence_.quote.tee)));
  const Pck& pck = *evidence_.pck;
  APM_CHECK_OK(require(equal(info->fmspc, pck.fmspc),
                       {Stage::kBinding, "dcap_fmspc_mismatch", hex_encode(info->fmspc),
                        concat("FMSPC ", hex_encode(pck.fmspc), " of the PCK certificate")}));
  APM_CHECK_OK(require(equal(info->pce_id, pck.pce_id),
                       {Stage::kBinding, "dcap_pce_id_mismatch", hex_encode(info->pce_id),
                        concat("PCEID ", hex_encode(pck.pce_id), " of the PCK certificate")}));
  return info;
}

Result<QeIdentity> Check::qe_identity(const SignedDocument& document) {
  const std::string prefix = "dcap_qe_identity";
  APM_CHECK_OK(authentic(prefix, document));
  auto identity = parse_qe_identity(document.body);
  APM_CHECK_OK(appraisal_.require(identity.ok() ? Status() : Status(identity.error()),
                                  Stage::kFormat, prefix + "_malformed"));
  const bool tdx = evidence_.quote.tee == Tee::kTdx;
  APM_CHECK_OK(about(prefix, identity->header, tdx ? "TD_QE" : "QE"));
  return identity;
}

Result<Crl> Check::revocation_list(const std::string& prefix, ByteView raw,
                                   const Certificate& issuer) {
  auto list = Crl::from_der_or_pem(raw);
  const Status parsed =
      list.ok() ? Status()
                : Status(refused(prefix + "_malformed",
                                 concat(list.error().reason, ": ", list.error().message)));
  APM_CHECK_OK(appraisal_.require(parsed, Stage::kFormat, prefix + "_malformed"));
  APM_CHECK_OK(
      require(list->issued_by(issuer), {Stage::kChain, prefix + "_issuer",
                                        list->issuer_common_name(), issuer.subject_common_name()}));
  APM_TRY(const crypto::PublicKey key, issuer.public_key());
  const bool good = list->signed_by(key);
  APM_CHECK_OK(
      require(good, {Stage::kChain, prefix + "_signature", good ? "it verifies" : "it does not",
                     concat("signed by ", issuer.subject_common_name())}));
  APM_CHECK_OK(dated(prefix, list->this_update_s(), list->next_update_s()));
  return list;
}

Status Check::not_revoked(const Crl& list, const Certificate& certificate,
                          const std::string& reason) {
  return require(!list.revoked(certificate),
                 {Stage::kValidity, reason,
                  concat("'", certificate.subject_common_name(), "', serial number ",
                         hex_encode(certificate.serial())),
                  "a certificate that its issuer has not revoked"});
}

std::string names_of_absent(const Collateral& collateral) {
  std::string out;
  const auto name = [&](bool absent, std::string_view what) {
    if (absent) out += concat(out.empty() ? "" : ", no ", what);
  };
  const auto empty = [](const SignedDocument& document) {
    return document.body.empty() || document.signature.empty() || document.chain_pem.empty();
  };
  name(empty(collateral.tcb_info), "TCB info (with signature and chain)");
  name(empty(collateral.qe_identity), "QE identity (with signature and chain)");
  name(collateral.pck_crl.empty(), "PCK revocation list");
  name(collateral.root_crl.empty(), "root revocation list");
  return out;
}

bool present(const SignedDocument& document) {
  return !document.body.empty() && !document.signature.empty() && !document.chain_pem.empty();
}

}  // namespace

Result<CheckedCollateral> check_collateral(const Collateral& collateral, const Evidence& evidence,
                                           const Expectation& expectation, Appraisal& appraisal) {
  CheckedCollateral out;
  out.missing = names_of_absent(collateral);
  Check check(evidence, expectation, appraisal);
  const TrustedChain& chain = *evidence.chain;
  if (present(collateral.tcb_info)) {
    APM_TRY(out.tcb_info, check.tcb_info(collateral.tcb_info));
  }
  if (present(collateral.qe_identity)) {
    APM_TRY(out.qe_identity, check.qe_identity(collateral.qe_identity));
  }
  if (!collateral.pck_crl.empty()) {
    APM_TRY(const Crl list,
            check.revocation_list("dcap_pck_crl", collateral.pck_crl, *chain.authority));
    APM_CHECK_OK(check.not_revoked(list, chain.leaf, "dcap_pck_revoked"));
  }
  if (!collateral.root_crl.empty()) {
    APM_TRY(const Crl list,
            check.revocation_list("dcap_root_crl", collateral.root_crl, chain.anchor->root));
    APM_CHECK_OK(check.not_revoked(list, *chain.authority, "dcap_pck_ca_revoked"));
    for (const Certificate& signer : check.signers()) {
      APM_CHECK_OK(check.not_revoked(list, signer, "dcap_tcb_signing_revoked"));
    }
  }
  return out;
}

}  // namespace apm::attestation::dcap
