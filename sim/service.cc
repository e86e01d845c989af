#include "sim/service.h"

#include "base/text.h"
#include "sim/canaries.h"
#include "sim/files.h"

namespace apm::sim {

Services::Services(Settings settings, Hardware hardware, const Clock& clock)
    : settings_(std::move(settings)),
      hardware_(std::move(hardware)),
      state_(settings_.dir),
      faults_(clock),
      imds_(settings_, hardware_, clock),
      maa_(settings_, hardware_, clock),
      vault_(settings_, hardware_, state_, clock) {}

Result<std::unique_ptr<Services>> Services::create(const Settings& settings, const Clock& clock) {
  APM_TRY(Hardware hardware, Hardware::open(settings));
  return std::unique_ptr<Services>(new Services(settings, std::move(hardware), clock));
}

Status Services::start() {
  NetServerOptions plain;
  plain.faults = &faults_;
  plain.service_of = [](const HttpRequest& r) -> std::string {
    return !r.segments.empty() && r.segments[0] == "sim" ? "control" : "imds";
  };
  plain.handle = [this](const HttpRequest& r) { return handle_plain(r); };
  NetServerOptions imds = plain;
  imds.counts_connections = true;
  NetServerOptions https;
  https.faults = &faults_;
  https.tls = &hardware_;
  https.counts_connections = true;
  https.service_of = [this](const HttpRequest& r) { return service_of(r); };
  https.handle = [this](const HttpRequest& r) { return handle_https(r); };
  APM_TRY(control_, NetServer::start(std::move(plain)));
  APM_TRY(plain_, NetServer::start(std::move(imds)));
  APM_TRY(https_, NetServer::start(std::move(https)));
  const json::Object endpoints{{"imds", concat("http://127.0.0.1:", plain_->port())},
                               {"control", concat("http://127.0.0.1:", control_->port())},
                               {"https", concat("127.0.0.1:", https_->port())},
                               {"vault_host", settings_.vault_host()},
                               {"maa_host", settings_.maa_host},
                               {"login_host", settings_.login_host},
                               {"ca_file", settings_.dir + "/ca.pem"},
                               {"amd_root_file", settings_.dir + "/amd-root.pem"}};
  return write_private_file(settings_.dir + "/endpoints.json",
                            as_bytes(json::write_pretty(endpoints)));
}

std::string Services::service_of(const HttpRequest& request) const {
  const std::string header = request.header("host");
  const std::string host = to_lower(header.substr(0, header.find(':')));
  if (host == settings_.maa_host) return "maa";
  if (host == settings_.login_host) return "entra";
  // Clients that cannot be redirected by name reach the vault as localhost.
  if (host == settings_.vault_host() || host == "localhost" || host == "127.0.0.1") return "akv";
  return "unknown";
}

HttpResponse Services::handle_https(const HttpRequest& request) {
  const std::string service = service_of(request);
  if (service == "maa") return maa_.handle(request);
  if (service == "entra") return imds_.handle_login(request);
  if (service == "akv") return vault_.handle(request);
  return azure_error(404, "UnknownHost", "the simulator has no service of this name");
}

HttpResponse Services::handle_plain(const HttpRequest& request) {
  if (!request.segments.empty() && request.segments[0] == "sim") return control(request);
  return imds_.handle(request);
}

HttpResponse Services::canaries() {
  HttpResponse out;
  const Status status = state_.with([&](VaultData& data) {
    auto found = canaries_of(data);
    out = found.ok() ? json_response(200, *found)
                     : azure_error(500, "canaries", found.error().message);
    return false;
  });
  return status.ok() ? out : azure_error(500, "canaries", status.error().message);
}

HttpResponse Services::control(const HttpRequest& request) {
  const std::string what = request.segments.size() == 2 ? request.segments[1] : "";
  const auto done = [](const Status& status) {
    if (status.ok()) return json_response(200, json::Object{{"ok", true}});
    return azure_error(400, status.error().reason, status.error().message);
  };
  if (request.method == "GET" && what == "log") return json_response(200, faults_.log());
  if (request.method == "GET" && what == "counts") return json_response(200, faults_.counts());
  if (request.method == "GET" && what == "canaries") return canaries();
  if (request.method == "DELETE" && what == "faults") {
    faults_.clear_faults();
    return done({});
  }
  const auto body = json::parse(request.body);
  if (request.method != "POST" || !body.ok()) {
    return azure_error(404, "control", "no such control call, or a body that is no JSON");
  }
  if (what == "faults") return done(faults_.add_fault(*body));
  if (what == "kill") return done(faults_.arm_kill(*body));
  const std::string* name = body->string_at("name");
  if (what != "secret-get" || name == nullptr) {
    return azure_error(404, "control", "no such control call, or no name");
  }
  HttpResponse out = azure_error(404, "SecretNotFound", *name);
  const Status status = state_.with([&](VaultData& data) {
    const auto found = data.secrets.find(to_lower(*name));
    if (found != data.secrets.end() && !found->second.versions.empty()) {
      out = json_response(200, json::Object{{"value", found->second.versions.back().value}});
    }
    return false;
  });
  return status.ok() ? out : done(status);
}

}  // namespace apm::sim
