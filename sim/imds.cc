#include "sim/imds.h"

#include "base/encoding.h"
#include "base/text.h"
#include "sim/limits.h"
#include "sim/td_quote.h"
#include "sim/tokens.h"

namespace apm::sim {
namespace {

HttpResponse oauth_error(int status, const char* code, const char* text) {
  return json_response(status, json::Object{{"error", code}, {"error_description", text}});
}

// TCB as THIM writes it: the 64-bit value in hexadecimal.
std::string tcb_hex(const ChipTcb& tcb) {
  const Bytes raw{static_cast<std::uint8_t>(tcb.microcode),
                  static_cast<std::uint8_t>(tcb.snp),
                  0,
                  0,
                  0,
                  0,
                  static_cast<std::uint8_t>(tcb.tee),
                  static_cast<std::uint8_t>(tcb.bootloader)};
  return hex_encode(raw);
}

bool known_resource(std::string_view resource) {
  return resource.starts_with("https://") && resource.size() > 8;
}

}  // namespace

HttpResponse Imds::handle(const HttpRequest& request) const {
  if (request.header("metadata") != "true") {
    return oauth_error(400, "invalid_request", "Required metadata header not specified");
  }
  if (request.method == "POST" && request.path == "/acc/tdquote") return td_quote(request);
  if (request.method != "GET") return azure_error(405, "MethodNotAllowed", "GET only");
  std::string path;
  for (const std::string& part : request.segments) path += "/" + to_lower(part);
  if (path == "/metadata/identity/oauth2/token") return token(request);
  if (path == "/metadata/thim/amd/certification") return certification(request);
  const bool text = request.parameter("format") == "text";
  const std::string vm_id = "3f1c6f1e-5a52-4dd5-9d0b-6a1d4b9a7c10";
  if (path == "/metadata/instance/compute/vmid" && text) {
    HttpResponse out;
    out.content_type = "text/plain; charset=utf-8";
    out.body = vm_id;
    return out;
  }
  if (path == "/metadata/instance/compute") {
    return json_response(200, json::Object{{"azEnvironment", "AzurePublicCloud"},
                                           {"location", "westeurope"},
                                           {"name", "sim-vm"},
                                           {"osType", "Linux"},
                                           {"vmId", vm_id},
                                           {"vmSize", "Standard_DC4as_v5"}});
  }
  return oauth_error(404, "not_found", "No such metadata path in the simulator");
}

HttpResponse Imds::token(const HttpRequest& request) const {
  const std::string resource = request.parameter("resource");
  if (request.parameter("api-version").empty()) {
    return oauth_error(400, "invalid_request", "api-version is missing");
  }
  if (!known_resource(resource)) {
    return oauth_error(400, "invalid_resource", "The resource is missing or not known");
  }
  const auto selects = [&](const char* name, const std::string& own) {
    const std::string asked = request.parameter(name);
    return asked.empty() || to_lower(asked) == to_lower(own);
  };
  if (!selects("client_id", settings_.client_id) || !selects("object_id", settings_.object_id) ||
      !selects("msi_res_id", settings_.resource_id)) {
    return oauth_error(400, "invalid_request", "Identity not found");
  }
  const std::int64_t now = clock_.unix_s();
  const bool expired = request.fault == "expired_token";
  const std::int64_t begin = expired ? now - 2 * kAccessTokenSeconds : now;
  auto made = make_access_token(settings_, hardware_, resource, begin, kAccessTokenSeconds);
  if (!made.ok()) return oauth_error(500, "server_error", "the token could not be signed");
  if (request.fault == "tamper") change_in_the_middle(*made);
  const std::string lifetime = std::to_string(kAccessTokenSeconds);
  return json_response(200, json::Object{{"access_token", std::move(*made)},
                                         {"client_id", settings_.client_id},
                                         {"expires_in", lifetime},
                                         {"expires_on", std::to_string(now + kAccessTokenSeconds)},
                                         {"ext_expires_in", lifetime},
                                         {"not_before", std::to_string(now)},
                                         {"resource", resource},
                                         {"token_type", "Bearer"}});
}

HttpResponse Imds::certification(const HttpRequest& request) const {
  std::string vcek = hardware_.vcek.certificate.pem();
  if (request.fault == "rotated_vcek") vcek = hardware_.vtpm_ca.certificate.pem();
  if (request.fault == "tamper") change_in_the_middle(vcek);
  return json_response(200, json::Object{{"vcekCert", std::move(vcek)},
                                         {"tcbm", tcb_hex(hardware_.tcb)},
                                         {"certificateChain", hardware_.amd_chain_pem()},
                                         {"cacheControl", "86400"}});
}

// The host makes a quote of what this platform's CPU reported, and of nothing else.
HttpResponse Imds::td_quote(const HttpRequest& request) const {
  const auto body = json::parse(request.body);
  const std::string* text = body.ok() ? body->string_at("report") : nullptr;
  const auto report = base64url_decode(text == nullptr ? std::string_view("?") : *text);
  if (!report.ok()) return oauth_error(400, "invalid_request", "report: base64url of a TDREPORT");
  const auto quote = build_td_quote(hardware_.intel, *report);
  if (!quote.ok()) return oauth_error(400, "invalid_request", quote.error().message.c_str());
  std::string out = base64url_encode(*quote);
  if (request.fault == "tamper") change_in_the_middle(out);
  return json_response(200, json::Object{{"quote", std::move(out)}});
}

HttpResponse Imds::handle_login(const HttpRequest& request) const {
  const auto& parts = request.segments;
  const std::string base = "https://" + settings_.login_host + "/";
  if (request.method == "GET" && parts.size() >= 2 && parts[1] == "discovery") {
    return json_response(
        200, json::Object{{"tenant_discovery_endpoint",
                           base + settings_.tenant + "/v2.0/.well-known/openid-configuration"}});
  }
  if (request.method == "GET" && !parts.empty() && parts.back() == "openid-configuration") {
    return json_response(
        200,
        json::Object{{"issuer", base + settings_.tenant + "/v2.0"},
                     {"authorization_endpoint", base + settings_.tenant + "/oauth2/v2.0/authorize"},
                     {"token_endpoint", base + settings_.tenant + "/oauth2/v2.0/token"}});
  }
  if (request.method != "POST" || parts.empty() || parts.back() != "token") {
    return oauth_error(404, "not_found", "No such login path in the simulator");
  }
  auto form = parse_form(request.body);
  if (form["grant_type"] != "client_credentials" || form["client_id"] != settings_.client_id ||
      form["client_secret"] != settings_.client_secret) {
    return json_response(401, json::Object{{"error", "invalid_client"},
                                           {"error_description",
                                            "AADSTS7000215: Invalid client "
                                            "secret or id provided."},
                                           {"error_codes", json::Array{json::Value(7000215)}}});
  }
  std::string resource = form["scope"];
  if (const std::size_t at = resource.rfind("/.default"); at != std::string::npos) {
    resource.resize(at);
  }
  auto made = make_access_token(settings_, hardware_, resource, clock_.unix_s(), 3600);
  if (!made.ok()) return oauth_error(500, "server_error", "the token could not be signed");
  return json_response(200, json::Object{{"token_type", "Bearer"},
                                         {"expires_in", 3600},
                                         {"ext_expires_in", 3600},
                                         {"access_token", std::move(*made)}});
}

}  // namespace apm::sim
