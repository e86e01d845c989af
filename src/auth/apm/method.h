#pragma once

// The attested login (docs/formats/attested-login.md), mounted at auth/apm:
//   challenge                    POST, no token      a nonce and who this server is
//   login                        POST, no token      evidence in, a sealed token out
//   config                       GET, POST           policy floors and service keys, merged
//   authorizations               GET, LIST           all of them
//   authorizations/enclave       POST, PUT           {enclave, signer, engine_path, secret, claims}
//   authorizations/signer        POST, PUT           {signer, engine_path, secret, claims}
//   authorizations/revoke        POST, PUT           the same members as were authorised
//   authorizations/<id>          GET, DELETE
//   refusals                     LIST, sudo          the last refused logins and reads
//   refusals/<request id>        GET, sudo           with every rule
//   explain                      POST, sudo          what an evidence file would get (explain.h)
// A denied login is kRefused with the reason of the rule that failed. Logging in writes nothing to
// storage. Any thread.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "attestation/azure_vtpm/verify.h"
#include "auth/apm/authorisations.h"
#include "auth/apm/collateral.h"
#include "auth/apm/config.h"
#include "auth/apm/families.h"
#include "auth/apm/nonce.h"
#include "auth/apm/refusals.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "logical/backend.h"

namespace apm::auth_apm {

// Makes the token of an identity; the same arguments may be given again and must give a token that
// is worth the same.
using TokenIssuer = std::function<Result<std::string>(const logical::AttestedIdentity& identity,
                                                      std::int64_t issued_unix_s,
                                                      std::uint64_t ttl_s, std::string accessor)>;

struct Dependencies {
  const Clock* clock = nullptr;
  std::shared_ptr<const attestation::snp::Anchors> anchors;
  // Null: the vendors' built-in ones.
  std::shared_ptr<const attestation::dcap::Anchors> intel_anchors;
  std::shared_ptr<const attestation::nitro::Anchors> aws_anchors;
  // For evidence that does not bring its collateral. Null: such evidence is refused.
  std::shared_ptr<CollateralSource> collateral;
  MaaProviders maa_providers;  // none: no token logs in
  std::string cluster_id;
  // SHA-256 of the SubjectPublicKeyInfo of the certificate that the listener shows now.
  std::function<Result<Bytes>()> server_key_sha256;
  TokenIssuer issue_token;
};

class Method final : public logical::Backend {
 public:
  // Reads config and authorisations from the view: the barrier must be unsealed.
  [[nodiscard]] static Result<std::unique_ptr<Method>> open(barrier::View view,
                                                            Dependencies dependencies);

  [[nodiscard]] Result<logical::Response> handle(const logical::Request& request) override;
  [[nodiscard]] bool unauthenticated(const std::string& path) const override;
  [[nodiscard]] bool needs_sudo(const std::string& path) const override;
  [[nodiscard]] bool authorises(const logical::AttestedIdentity& identity, logical::Operation op,
                                const std::string& full_path) const override;
  [[nodiscard]] std::string read_refused(const logical::Request& request) override;

 private:
  Method(barrier::View view, Dependencies dependencies);
  [[nodiscard]] Result<logical::Response> challenge();
  [[nodiscard]] Result<logical::Response> login(const logical::Request& request);
  [[nodiscard]] Result<logical::Response> try_login(const logical::Request& request,
                                                    attestation::Appraisal& appraisal);
  [[nodiscard]] Result<Judged> verify(const logical::Request& request, Judge judge,
                                      attestation::Appraisal& appraisal);
  [[nodiscard]] Result<logical::Response> refusals(const logical::Request& request) const;
  [[nodiscard]] Result<logical::Response> explain_file(const logical::Request& request) const;
  [[nodiscard]] Result<logical::Response> config(const logical::Request& request);
  [[nodiscard]] Result<logical::Response> authorizations(const logical::Request& request);
  [[nodiscard]] Result<logical::Response> authorization_item(const logical::Request& request,
                                                             const std::string& item);
  [[nodiscard]] Result<logical::Response> authorize(const json::Object& data, bool with_enclave);
  [[nodiscard]] Result<logical::Response> revoke(const json::Object& data);
  [[nodiscard]] TrustAnchors anchors() const;
  [[nodiscard]] Config current_config() const;

  barrier::View view_;
  Dependencies dependencies_;
  Nonces nonces_;
  Authorisations authorisations_;
  Refusals refusals_;
  mutable SharedMutex config_mutex_;
  Config config_ APM_GUARDED_BY(config_mutex_);
};

}  // namespace apm::auth_apm
