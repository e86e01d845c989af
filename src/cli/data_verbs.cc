#include "base/text.h"
#include "cli/fields.h"
#include "cli/server_verbs.h"

namespace apm::cli {
namespace {

int one_path(const Arguments& args) {
  if (args.positional().size() == 1) return kOk;
  return fail(Error(Code::kInvalidArgument, "give exactly one path"));
}

int show_fields(Session& session, const Arguments& args, const client::Answer& answer) {
  const json::Value* data = answer.data();
  if (args.has("field")) {
    const json::Value* member = data == nullptr ? nullptr : data->at(args.get("field"));
    if (member == nullptr) {
      return fail(Error(Code::kInvalidArgument,
                        concat("Field \"", args.get("field"), "\" not present in secret")));
    }
    print(cell(*member));
    return kOk;
  }
  if (session.format() == Format::kJson) {
    print(json::write_pretty(answer.body));
    return kOk;
  }
  std::vector<Row> rows;
  if (data != nullptr && data->as_object() != nullptr) {
    for (const auto& [name, value] : *data->as_object()) rows.push_back({name, cell(value)});
  }
  print(table({"Key", "Value"}, rows));
  return kOk;
}

int read(Session& session, const Arguments& args) {
  if (const int bad = one_path(args)) return bad;
  const std::string& path = args.positional()[0];
  const auto answer = session.call("GET", path);
  if (!answer.ok()) return fail(answer.error());
  if (answer->status == 404 && answer->errors().empty()) {
    print_error("No value found at " + path);
    return kRemoteFailure;
  }
  if (!answer->success()) return fail_remote("reading " + path, answer->status, answer->errors());
  return show_fields(session, args, *answer);
}

int write(Session& session, const Arguments& args) {
  if (args.positional().empty()) return one_path(args);
  const std::string& path = args.positional()[0];
  const std::vector<std::string> words(args.positional().begin() + 1, args.positional().end());
  const auto body = fields_of(words);
  if (!body.ok()) return fail(body.error());
  const auto answer = session.call("PUT", path, &*body);
  if (!answer.ok()) return fail(answer.error());
  if (!answer->success())
    return fail_remote("writing to " + path, answer->status, answer->errors());
  if (answer->status != 204) return show_fields(session, args, *answer);
  print("Success! Data written to: " + path);
  return kOk;
}

int print_keys(Session& session, const client::Answer& answer) {
  const json::Value* keys = answer.data() == nullptr ? nullptr : answer.data()->at("keys");
  if (keys == nullptr || keys->as_array() == nullptr) {
    return fail(Error(Code::kUnavailable, "the server's answer has no keys"));
  }
  if (session.format() == Format::kJson) {
    print(json::write_pretty(*keys));
    return kOk;
  }
  std::vector<Row> rows;
  for (const json::Value& key : *keys->as_array()) rows.push_back({cell(key)});
  print(table({"Keys"}, rows));
  return kOk;
}

int list(Session& session, const Arguments& args) {
  if (const int bad = one_path(args)) return bad;
  const std::string& path = args.positional()[0];
  const auto answer = session.call("LIST", path);
  if (!answer.ok()) return fail(answer.error());
  if (answer->status == 404) {
    print_error("No value found at " + path);
    return kRemoteFailure;
  }
  if (!answer->success()) return fail_remote("listing " + path, answer->status, answer->errors());
  return print_keys(session, *answer);
}

int remove(Session& session, const Arguments& args) {
  if (const int bad = one_path(args)) return bad;
  const std::string& path = args.positional()[0];
  return session.run("deleting " + path, "DELETE", path, nullptr,
                     "Success! Data deleted (if it existed) at: " + path);
}

std::string policy_path(const std::string& name) {
  return "sys/policies/acl/" + to_lower(trim(name));
}

int policy_write(Session& session, const Arguments& args) {
  if (args.positional().size() != 2) {
    return fail(Error(Code::kInvalidArgument, "give a name, and a file or - for standard input"));
  }
  const std::string& source = args.positional()[1];
  const auto text = value_of(source == "-" ? source : "@" + source);
  if (!text.ok()) return fail(text.error());
  const json::Object body{{"policy", *text}};
  const std::string name = to_lower(trim(args.positional()[0]));
  return session.run("writing policy " + name, "PUT", policy_path(name), &body,
                     "Success! Uploaded policy: " + name);
}

int policy_read(Session& session, const Arguments& args) {
  if (const int bad = one_path(args)) return bad;
  const auto answer = session.call("GET", policy_path(args.positional()[0]));
  if (!answer.ok()) return fail(answer.error());
  if (!answer->success()) {
    return fail_remote("reading policy " + args.positional()[0], answer->status, answer->errors());
  }
  const std::string* text =
      answer->data() == nullptr ? nullptr : answer->data()->string_at("policy");
  if (text == nullptr) return fail(Error(Code::kUnavailable, "the server's answer has no policy"));
  print(*text);
  return kOk;
}

int policy_list(Session& session, const Arguments&) {
  const auto answer = session.call("LIST", "sys/policies/acl");
  if (!answer.ok()) return fail(answer.error());
  if (!answer->success()) return fail_remote("listing policies", answer->status, answer->errors());
  return print_keys(session, *answer);
}

int policy_delete(Session& session, const Arguments& args) {
  if (const int bad = one_path(args)) return bad;
  const std::string name = to_lower(trim(args.positional()[0]));
  return session.run("deleting policy " + name, "DELETE", policy_path(name), nullptr,
                     "Success! Deleted policy: " + name);
}

int token_lookup(Session& session, const Arguments& args) {
  const bool self = args.positional().empty();
  json::Object body;
  if (!self) {
    const auto token = value_of(args.positional()[0]);
    if (!token.ok()) return fail(token.error());
    body.set("token", std::string(trim(*token)));
  }
  const auto answer = self ? session.call("GET", "auth/token/lookup-self")
                           : session.call("POST", "auth/token/lookup", &body);
  if (!answer.ok()) return fail(answer.error());
  if (!answer->success()) return fail_remote("looking up token", answer->status, answer->errors());
  return show_fields(session, args, *answer);
}

int token_create(Session& session, const Arguments& args) {
  json::Object body;
  json::Array policies;
  const std::string named = args.get("policy");  // outlives the views into it
  for (const auto name : split(named, ',')) {
    if (!name.empty()) policies.emplace_back(name);
  }
  if (!policies.empty()) body.set("policies", policies);
  for (const char* name : {"ttl", "period", "explicit-max-ttl", "display-name"}) {
    if (!args.has(name)) continue;
    std::string member = name;
    for (char& c : member) c = c == '-' ? '_' : c;
    body.set(member, args.get(name));
  }
  if (args.has("orphan")) body.set("no_parent", true);
  const auto answer = session.call("POST", "auth/token/create", &body);
  if (!answer.ok()) return fail(answer.error());
  if (!answer->success()) return fail_remote("creating token", answer->status, answer->errors());
  const json::Value* auth = answer->body.at("auth");
  if (args.has("field") && auth != nullptr) {
    const std::string field = args.get("field") == "token" ? "client_token" : args.get("field");
    if (const json::Value* member = auth->at(field)) {
      print(cell(*member));
      return kOk;
    }
  }
  if (session.format() == Format::kJson || auth == nullptr) {
    print(json::write_pretty(answer->body));
    return kOk;
  }
  std::vector<Row> rows;
  for (const auto& [member, label] :
       {std::pair{"client_token", "token"}, std::pair{"accessor", "token_accessor"},
        std::pair{"lease_duration", "token_duration"}, std::pair{"renewable", "token_renewable"},
        std::pair{"policies", "token_policies"}}) {
    if (const json::Value* value = auth->at(member)) rows.push_back({label, cell(*value)});
  }
  print(table({"Key", "Value"}, rows));
  return kOk;
}

int token_revoke(Session& session, const Arguments& args) {
  if (args.has("self")) {
    return session.run("revoking token", "PUT", "auth/token/revoke-self", nullptr,
                       "Success! Revoked token (if it existed)");
  }
  if (const int bad = one_path(args)) return bad;
  const auto token = value_of(args.positional()[0]);
  if (!token.ok()) return fail(token.error());
  const bool accessor = args.has("accessor");
  const json::Object body{{accessor ? "accessor" : "token", std::string(trim(*token))}};
  return session.run("revoking token", "PUT",
                     accessor ? "auth/token/revoke-accessor" : "auth/token/revoke", &body,
                     "Success! Revoked token (if it existed)");
}

}  // namespace

std::vector<Verb> data_verbs() {
  const FlagSet create{
      .with_value = {"policy", "ttl", "period", "explicit-max-ttl", "display-name"},
      .plain = {"orphan"}};
  return {
      {{"read"}, "read a path", {}, read},
      {{"write"}, "write key=value, key=@file, key=- or a JSON object on stdin (-)", {}, write},
      {{"list"}, "list a path", {}, list},
      {{"delete"}, "delete a path", {}, remove},
      {{"policy", "write"}, "write a policy from a file or -", {}, policy_write},
      {{"policy", "read"}, "print a policy", {}, policy_read},
      {{"policy", "list"}, "name the policies", {}, policy_list},
      {{"policy", "delete"}, "delete a policy", {}, policy_delete},
      {{"token", "lookup"}, "describe a token (- for stdin), or your own", {}, token_lookup},
      {{"token", "create"}, "make a child token", create, token_create},
      {{"token", "revoke"},
       "revoke a token (- for stdin) and its children",
       {.with_value = {}, .plain = {"self", "accessor"}},
       token_revoke},
  };
}

}  // namespace apm::cli
