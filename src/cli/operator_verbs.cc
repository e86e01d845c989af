#include <unistd.h>

#include <iostream>

#include "base/file.h"
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
  for (const char* name : {"cluster_name", "cluster_id"}) {
    if (body.at(name) != nullptr) rows.push_back({name, text_of(body, name)});
  }
  print(table({"Key", "Value"}, rows));
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
  static_cast<void>(show_seal_status(session, answer->body));
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

int seal(Session& session, const Arguments&) {
  return session.run("sealing", "PUT", "sys/seal", nullptr, "Success! Vault is sealed.");
}

}  // namespace

std::vector<Verb> operator_verbs() {
  return {
      {{"status"}, "seal status; exit code 0 unsealed, 2 sealed, 1 error", {}, status},
      {{"operator", "init"},
       "initialize a store of `server -config`",
       {.with_value = {"key-shares", "key-threshold"}, .plain = {"status"}},
       init},
      {{"operator", "unseal"},
       "give one unseal key, best on standard input",
       {.with_value = {}, .plain = {"reset"}},
       unseal},
      {{"operator", "seal"}, "seal the server", {}, seal},
  };
}

}  // namespace apm::cli
