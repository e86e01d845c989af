#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/text.h"
#include "crypto/native.h"
#include "crypto/x509.h"

namespace apm::crypto {
namespace {

using X509Store = std::unique_ptr<X509_STORE, FreeWith<X509_STORE_free>>;
using StoreContext = std::unique_ptr<X509_STORE_CTX, FreeWith<X509_STORE_CTX_free>>;

void free_stack(STACK_OF(X509) * stack) { sk_X509_free(stack); }
using Stack = std::unique_ptr<STACK_OF(X509), FreeWith<free_stack>>;

std::string reason_of(int code) {
  switch (code) {
    case X509_V_ERR_CERT_HAS_EXPIRED: return "chain_expired";
    case X509_V_ERR_CERT_NOT_YET_VALID: return "chain_not_yet_valid";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED: return "chain_untrusted";
    default: return "chain_invalid";
  }
}

Status verify_in(X509_STORE* store, const Certificate& leaf,
                 const std::vector<const Certificate*>& intermediates, std::int64_t at_unix_s,
                 int depth_max) {
  const Stack untrusted(sk_X509_new_null());
  for (const Certificate* one : intermediates) sk_X509_push(untrusted.get(), one->native());
  const StoreContext context(X509_STORE_CTX_new());
  if (context == nullptr ||
      X509_STORE_CTX_init(context.get(), store, leaf.native(), untrusted.get()) != 1) {
    return openssl_error("starting a path validation");
  }
  X509_VERIFY_PARAM* param = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(param, at_unix_s);
  X509_VERIFY_PARAM_set_depth(param, depth_max);
  X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_ANY);
  X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_CHECK_SS_SIGNATURE);
  if (X509_verify_cert(context.get()) == 1) return {};
  ERR_clear_error();
  const int code = X509_STORE_CTX_get_error(context.get());
  const X509* where = X509_STORE_CTX_get_current_cert(context.get());
  std::string subject;
  if (where != nullptr) {
    X509* mutable_where = const_cast<X509*>(where);
    X509_up_ref(mutable_where);
    subject =
        Certificate(std::unique_ptr<x509_st, X509Deleter>(mutable_where)).subject_common_name();
  }
  return Error(Code::kRefused, reason_of(code),
               concat("the certificate chain is refused at \"", subject,
                      "\": ", X509_verify_cert_error_string(code)));
}

}  // namespace

Status verify_path(const PathInput& input) {
  const X509Store store(X509_STORE_new());
  if (store == nullptr || input.leaf == nullptr) return openssl_error("making a certificate store");
  for (const Certificate* anchor : input.anchors) {
    if (X509_STORE_add_cert(store.get(), anchor->native()) != 1)
      return openssl_error("adding an anchor");
  }
  return verify_in(store.get(), *input.leaf, input.intermediates, input.at_unix_s, input.depth_max);
}

Status verify_path_system(const Certificate& leaf,
                          const std::vector<const Certificate*>& intermediates,
                          std::string_view extra_pem, bool use_system, std::int64_t at_unix_s) {
  const X509Store store(X509_STORE_new());
  if (store == nullptr) return openssl_error("making a certificate store");
  // Debian's bundle by name: the environment (SSL_CERT_FILE) has no say in whom we trust.
  if (use_system && X509_STORE_load_file(store.get(), "/etc/ssl/certs/ca-certificates.crt") != 1) {
    return openssl_error("reading /etc/ssl/certs/ca-certificates.crt (package ca-certificates)");
  }
  APM_TRY(const std::vector<Certificate> extra, Certificate::list_from_pem(extra_pem));
  for (const Certificate& anchor : extra) {
    if (X509_STORE_add_cert(store.get(), anchor.native()) != 1)
      return openssl_error("adding an anchor");
  }
  constexpr int kDepthMax = 8;
  return verify_in(store.get(), leaf, intermediates, at_unix_s, kDepthMax);
}

}  // namespace apm::crypto
