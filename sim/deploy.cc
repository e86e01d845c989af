#include "sim/deploy.h"

#include "base/encoding.h"
#include "base/text.h"
#include "crypto/random.h"
#include "crypto/x509_build.h"
#include "sim/files.h"
#include "sim/limits.h"
#include "sim/tokens.h"

namespace apm::sim {
namespace {

constexpr std::size_t kPasswordLength = 32;

Status expect_ok(const HttpResponse& response, const std::string& what) {
  if (response.status == 200) return {};
  return Error(Code::kUnavailable, "deploy",
               concat(what, ": status ", response.status, ": ", response.body));
}

Result<crypto::SecretBytes> password_of(const std::string& file) {
  if (!file.empty() && file_exists(file)) {
    APM_TRY(Bytes text, read_file(file, kFileBytesMax));
    const auto out = crypto::SecretBytes::copy_of(trim(as_text(text)));
    crypto::wipe(text);
    return out.clone();
  }
  std::string fresh = crypto::random_base62(kPasswordLength);
  auto out = crypto::SecretBytes::copy_of(std::string_view(fresh));
  crypto::wipe(fresh);
  if (!file.empty()) APM_CHECK_OK(write_private_file(file, out.view()));
  return out;
}

Result<Bytes> server_pfx(const Hardware& hardware, const std::string& hostname,
                         const crypto::SecretBytes& password, std::int64_t now_s) {
  APM_TRY(const crypto::PrivateKey key, crypto::PrivateKey::generate_rsa(2048));
  APM_TRY(const crypto::PublicKey public_key, key.public_key());
  crypto::CertificateSpec spec;
  spec.common_name = hostname;
  spec.dns_names = {hostname, "localhost", "IP:127.0.0.1"};
  spec.not_before_s = now_s - 3600;
  spec.not_after_s = now_s + 365 * 86'400;
  spec.server_auth = true;
  APM_TRY(const crypto::Certificate leaf,
          crypto::build_certificate(spec, public_key, &hardware.server_ca.certificate,
                                    hardware.server_ca.key));
  return crypto::build_pkcs12(key, leaf, {&hardware.server_ca.certificate}, password);
}

Result<crypto::PublicKey> master_key(Services& services, const Clock& clock) {
  const std::string path = "/keys/apm-master-key";
  HttpResponse found = call_vault(services, clock, "GET", path, {});
  if (found.status == 404) {
    const json::Object policy{
        {"version", "1.0.0"},
        {"anyOf",
         json::Array{json::Value(json::Object{
             {"authority", services.settings().maa_url()},
             {"allOf",
              json::Array{
                  json::Value(json::Object{{"claim", "x-ms-isolation-tee.x-ms-attestation-type"},
                                           {"equals", "sevsnpvm"}}),
                  json::Value(json::Object{{"claim", "x-ms-isolation-tee.x-ms-compliance-status"},
                                           {"equals", "azure-compliant-cvm"}})}}})}}};
    const json::Object body{
        {"kty", "RSA-HSM"},
        {"key_size", 2048},
        {"attributes", json::Object{{"exportable", true}}},
        {"release_policy",
         json::Object{{"data", base64url_encode(as_bytes(json::write(policy)))}}}};
    found = call_vault(services, clock, "POST", path + "/create", body);
  }
  APM_CHECK_OK(expect_ok(found, "the master key"));
  APM_TRY(const json::Value bundle, json::parse(found.body));
  const json::Value* key = bundle.at("key");
  if (key == nullptr) return Error(Code::kInternal, "deploy", "a key bundle without a key");
  APM_TRY(const std::string n, json::require_string(*key, "n"));
  APM_TRY(const Bytes modulus, base64url_decode(n));
  return crypto::PublicKey::from_rsa(modulus, Bytes{1, 0, 1});
}

Status put_secret(Services& services, const Clock& clock, const std::string& name,
                  const std::string& value) {
  return expect_ok(
      call_vault(services, clock, "PUT", "/secrets/" + name, json::Object{{"value", value}}), name);
}

}  // namespace

HttpResponse call_vault(Services& services, const Clock& clock, const std::string& method,
                        const std::string& path, const json::Value& body) {
  const auto token = make_access_token(services.settings(), services.hardware(),
                                       "https://vault.azure.net", clock.unix_s(), 3600);
  if (!token.ok()) return azure_error(500, "InternalError", token.error().message);
  HttpRequest request;
  request.service = "akv";
  request.method = method;
  request.target = path + "?api-version=7.4";
  request.headers = {{"authorization", "Bearer " + *token},
                     {"host", services.settings().vault_host()}};
  if (!body.is_null()) request.body = json::write(body);
  split_target(request);
  return services.handle_https(request);
}

Status deploy(Services& services, const Clock& clock, const DeployInput& input) {
  using crypto::Hash;
  APM_TRY(const crypto::PublicKey master, master_key(services, clock));
  APM_TRY(const crypto::SecretBytes password, password_of(input.pfx_password_file));
  APM_TRY(const Bytes pfx,
          server_pfx(services.hardware(), input.hostname, password, clock.unix_s()));
  APM_TRY(const Bytes wrapped_password,
          master.encrypt_oaep(Hash::kSha256, Hash::kSha256, password.view()));
  const std::string storage_key = base64_encode(crypto::random_bytes(64));
  APM_TRY(const Bytes wrapped_storage_key,
          master.encrypt_oaep(Hash::kSha256, Hash::kSha256, as_bytes(storage_key)));
  APM_CHECK_OK(put_secret(services, clock, "apm-tls-cert", base64_encode(pfx)));
  APM_CHECK_OK(
      put_secret(services, clock, "apm-tls-cert-password", base64_encode(wrapped_password)));
  return put_secret(services, clock, "apm-saa-key", base64_encode(wrapped_storage_key));
}

}  // namespace apm::sim
