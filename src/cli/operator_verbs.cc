#include <unistd.h>

#include <optional>

#include "base/text.h"
#include "cli/server_verbs.h"

namespace apm::cli {
namespace {

std::string text_of(const json::Value& body, std::string_view name) {
  const json::Value* member = body.at(name);
  return member == nullptr ? "n/a" : cell(*member);
}

bool flag_of(const json::Value& body, std::string_view name) {
  const json::Value* member = body.at(name);
  const bool* flag = member == nullptr ? nullptr : member->as_bool();
  return flag != nullptr && *flag;
}

void print_seal_status(const json::Value& body) {
  std::vector<Row> rows{{"Seal Type", text_of(body, "type")},
                        {"Initialized", text_of(body, "initialized")},
                        {"Sealed", text_of(body, "sealed")},
                        {"Total Shares", text_of(body, "n")},
                        {"Threshold", text_of(body, "t")}};
  if (flag_of(body, "sealed") && flag_of(body, "initialized")) {
    rows.push_back({"Unseal Progress", text_of(body, "progress") + "/" + text_of(body, "t")});
    rows.push_back({"Unseal Nonce", text_of(body, "nonce")});
  }
  rows.push_back({"Version", text_of(body, "version")});
  rows.push_back({"Storage Type", text_of(body, "storage_type")});
  if (body.at("store_kind") != nullptr) rows.push_back({"Store Kind", text_of(body, "store_kind")});
  for (const char* name : {"cluster_name", "cluster_id"}) {
    if (body.at(name) != nullptr) rows.push_back({name, text_of(body, name)});
  }
  print(table({"Key", "Value"}, rows));
}

std::string join(const json::Value& list) {
  std::string out;
  if (list.as_array() == nullptr) return cell(list);
  for (const json::Value& one : *list.as_array()) out += (out.empty() ? "" : ", ") + cell(one);
  return out.empty() ? "none" : out;
}

std::string text_below(const json::Value& body, std::string_view object, std::string_view name) {
  const json::Value* inner = body.at(object);
  const std::string* text = inner == nullptr ? nullptr : inner->string_at(name);
  return text == nullptr || text->empty() ? "n/a" : *text;
}

void print_server_status(const json::Value& data) {
  std::vector<Row> rows{{"Mode", text_of(data, "mode")},
                        {"Storage", text_of(data, "storage")},
                        {"Memory Locked", text_of(data, "memory_locked")}};
  for (const auto& [title, name] :
       {std::pair<const char*, const char*>{"Audit Devices", "audit_devices"},
        {"Other Trust Anchors", "trust_anchors"},
        {"Endorsement Sources", "endorsement_sources"},
        {"Test Settings", "test_settings"}}) {
    const json::Value* list = data.at(name);
    rows.push_back({title, list == nullptr ? "n/a" : join(*list)});
  }
  rows.push_back({"Master Key", text_below(data, "master_key", "kid")});
  rows.push_back({"Release Policy", text_below(data, "master_key", "release_policy_sha256")});
  rows.push_back({"Root Token", text_below(data, "handover", "state")});
  print("");
  print(table({"Server", "Value"}, rows));
}

// On standard error, so that scripts read what they always read.
void print_warnings(const json::Value& data) {
  const json::Value* list = data.at("warnings");
  if (list == nullptr || list->as_array() == nullptr) return;
  for (const json::Value& one : *list->as_array()) print_error("WARNING: " + cell(one));
}

// What only a token may see; nothing when there is no token or it does not reach that far.
std::optional<json::Value> server_status(Session& session, const json::Value& seal_status) {
  if (session.config().token.empty() || flag_of(seal_status, "sealed")) return std::nullopt;
  const auto answer = session.call("GET", "sys/apm/status");
  if (answer.ok() && answer->success() && answer->data() != nullptr) return *answer->data();
  print_error("This token may not read sys/apm/status, which says more.");
  return std::nullopt;
}

// Vault's words. Nothing when the server is the only one of its store, or sealed.
std::optional<json::Value> leader_status(Session& session, const json::Value& seal_status) {
  if (flag_of(seal_status, "sealed")) return std::nullopt;
  const auto answer = session.call("GET", "sys/leader");
  if (!answer.ok() || !answer->success() || !flag_of(answer->body, "ha_enabled")) {
    return std::nullopt;
  }
  return answer->body;
}

void print_leader(const json::Value& leader) {
  const bool self = flag_of(leader, "is_self");
  const std::string* address = leader.string_at("leader_address");
  std::vector<Row> rows{{"HA Enabled", "true"}, {"HA Mode", self ? "active" : "standby"}};
  if (self) rows.push_back({"Active Since", text_of(leader, "active_time")});
  if (!self) {
    rows.push_back(
        {"Active Node Address", address == nullptr || address->empty() ? "<none>" : *address});
  }
  print("");
  print(table({"High Availability", "Value"}, rows));
}

int show_seal_status(Session& session, const json::Value& body) {
  if (session.format() == Format::kJson) {
    print(json::write_pretty(body));
  } else {
    print_seal_status(body);
  }
  return kOk;
}

int status(Session& session, const Arguments&) {
  const auto answer = session.call("GET", "sys/seal-status");
  if (!answer.ok()) {
    print_error("Error: " + answer.error().message);
    return kLocalFailure;
  }
  if (!answer->success()) {
    static_cast<void>(fail_remote("checking seal status", answer->status, answer->errors()));
    return kLocalFailure;
  }
  const std::optional<json::Value> leader = leader_status(session, answer->body);
  const bool standby = leader && !flag_of(*leader, "is_self");
  // What a token shows is the active node's to say; this command is about the node that was asked.
  const std::optional<json::Value> more =
      standby ? std::nullopt : server_status(session, answer->body);
  json::Value shown = answer->body;
  if (leader && session.format() == Format::kJson) shown.as_object()->set("leader", *leader);
  if (more && session.format() == Format::kJson) shown.as_object()->set("server", *more);
  static_cast<void>(show_seal_status(session, shown));
  if (leader && session.format() == Format::kTable) print_leader(*leader);
  if (more) {
    if (session.format() == Format::kTable) print_server_status(*more);
    print_warnings(*more);
  } else if (text_of(answer->body, "store_kind") == "test") {
    print_error("WARNING: TEST STORE: it must never hold real secrets");
  }
  return flag_of(answer->body, "sealed") ? 2 : kOk;
}

int init_status(Session& session) {
  const auto answer = session.call("GET", "sys/init");
  if (!answer.ok() || !answer->success()) return kLocalFailure;
  const bool done = flag_of(answer->body, "initialized");
  print(done ? "Vault is initialized" : "Vault is not initialized");
  return done ? kOk : 2;
}

json::Array strings_at(const json::Value& body, std::string_view name) {
  const json::Value* member = body.at(name);
  return member != nullptr && member->as_array() != nullptr ? *member->as_array() : json::Array();
}

void print_init_json(const json::Value& body, std::uint64_t shares, std::uint64_t threshold) {
  print(json::write_pretty(json::Object{{"unseal_keys_b64", strings_at(body, "keys_base64")},
                                        {"unseal_keys_hex", strings_at(body, "keys")},
                                        {"unseal_shares", shares},
                                        {"unseal_threshold", threshold},
                                        {"recovery_keys_b64", json::Array()},
                                        {"recovery_keys_hex", json::Array()},
                                        {"recovery_keys_shares", 0},
                                        {"recovery_keys_threshold", 0},
                                        {"root_token", text_of(body, "root_token")}}));
}

// Scripts take the fourth word of every line with "Unseal Key", and the first line with "Root".
void print_init_table(const json::Value& body, std::uint64_t shares, std::uint64_t threshold) {
  std::string out;
  std::size_t index = 0;
  for (const json::Value& key : strings_at(body, "keys_base64")) {
    out += concat("Unseal Key ", ++index, ": ", cell(key), "\n");
  }
  out += concat("\nInitial Root Token: ", text_of(body, "root_token"),
                "\n\nSuccess! Vault is initialized\n\nThe store was initialized with ", shares,
                " key shares and a threshold of ", threshold, ". Keep the shares apart:\nwithout ",
                threshold, " of them nothing in the store can ever be read again.");
  print(out);
}

int init(Session& session, const Arguments& args) {
  if (args.has("status")) return init_status(session);
  const auto shares = parse_u64(args.get("key-shares", "5"));
  const auto threshold = parse_u64(args.get("key-threshold", "3"));
  if (!shares || !threshold) {
    return fail(Error(Code::kInvalidArgument, "-key-shares and -key-threshold must be numbers"));
  }
  const json::Object body{{"secret_shares", *shares}, {"secret_threshold", *threshold}};
  const auto answer = session.call("PUT", "sys/init", &body);
  if (!answer.ok()) return fail(answer.error());
  if (!answer->success()) return fail_remote("initializing", answer->status, answer->errors());
  if (session.format() == Format::kJson) {
    print_init_json(answer->body, *shares, *threshold);
  } else {
    print_init_table(answer->body, *shares, *threshold);
  }
  return kOk;
}

Result<std::string> read_key(const Arguments& args) {
  if (!args.positional().empty()) return value_of(args.positional()[0]);
  if (::isatty(STDIN_FILENO) == 0) return value_of("-");
  return Error(Code::kInvalidArgument,
               "give the unseal key on standard input, for example: unseal - < key-file");
}

int unseal(Session& session, const Arguments& args) {
  json::Object body;
  if (args.has("reset")) {
    body.set("reset", true);
  } else {
    const auto key = read_key(args);
    if (!key.ok()) return fail(key.error());
    body.set("key", std::string(trim(*key)));
  }
  const auto answer = session.call("PUT", "sys/unseal", &body);
  if (!answer.ok()) return fail(answer.error());
  if (!answer->success()) return fail_remote("unsealing", answer->status, answer->errors());
  return show_seal_status(session, answer->body);
}

int step_down(Session& session, const Arguments&) {
  session.stay_here();
  return session.run("stepping down", "PUT", "sys/step-down", nullptr,
                     "Success! Stepped down: " + session.config().address);
}

int seal(Session& session, const Arguments&) {
  session.stay_here();
  return session.run("sealing", "PUT", "sys/seal", nullptr, "Success! Vault is sealed.");
}

}  // namespace

std::vector<Verb> operator_verbs() {
  return {
      {{"status"},
       "seal status and, with a token, what matters; exit code 0 unsealed, 2 sealed, 1 error",
       {},
       status},
      {{"operator", "init"},
       "initialize a store of `server -config`",
       {.with_value = {"key-shares", "key-threshold"}, .plain = {"status"}},
       init},
      {{"operator", "unseal"},
       "give one unseal key, best on standard input",
       {.with_value = {}, .plain = {"reset"}},
       unseal},
      {{"operator", "seal"}, "seal the server", {}, seal},
      {{"operator", "step-down"},
       "let another node take over; this one competes again after a while",
       {},
       step_down},
  };
}

}  // namespace apm::cli
