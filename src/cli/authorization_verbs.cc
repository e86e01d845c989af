#include "base/text.h"
#include "cli/admin_verbs.h"

namespace apm::cli {
namespace {

const FlagSet kFlags{.with_value = {"enclave", "signer", "engine-path", "claims"}, .plain = {}};

// A claims policy in a file, as JSON; "-" is standard input.
Result<json::Value> read_claims(const std::string& file) {
  APM_TRY(const std::string text, value_of(file == "-" ? file : "@" + file));
  auto parsed = json::parse(text);
  if (parsed.ok()) return parsed;
  return Error(Code::kInvalidArgument, "usage",
               concat("--claims ", file, " is not JSON: ", parsed.error().message));
}

Result<json::Object> body_of(const Arguments& args, bool enclave) {
  const bool named = enclave ? args.has("enclave") : args.has("signer");
  if (args.positional().size() != 1 || !named) {
    return Error(Code::kInvalidArgument, "usage",
                 enclave ? "give --enclave ID, --signer ID where there is one, and one secret name"
                         : "give --signer ID and one secret name");
  }
  json::Object body{{"engine_path", args.get("engine-path", "anjuna")},
                    {"secret", args.positional()[0]}};
  if (args.has("signer")) body.set("signer", args.get("signer"));
  if (args.has("enclave")) body.set("enclave", args.get("enclave"));
  if (args.has("claims")) {
    APM_TRY(json::Value claims, read_claims(args.get("claims")));
    body.set("claims", std::move(claims));
  }
  return body;
}

int authorize(Session& session, const Arguments& args, bool enclave) {
  const auto body = body_of(args, enclave);
  if (!body.ok()) return fail(body.error());
  const std::string who =
      enclave ? "enclave " + args.get("enclave") : "signer " + args.get("signer");
  return session.run("authorizing", "PUT",
                     enclave ? "auth/apm/authorizations/enclave" : "auth/apm/authorizations/signer",
                     &*body,
                     concat("Success! Secret ", args.positional()[0], " is authorized for ", who));
}

int revoke(Session& session, const Arguments& args) {
  const auto body = body_of(args, args.has("enclave"));
  if (!body.ok()) return fail(body.error());
  return session.run("revoking", "PUT", "auth/apm/authorizations/revoke", &*body,
                     "Success! Authorization revoked for secret " + args.positional()[0]);
}

int list(Session& session, const Arguments&) {
  const auto answer = session.call("GET", "auth/apm/authorizations");
  if (!answer.ok()) return fail(answer.error());
  if (!answer->success() && answer->status != 404) {
    return fail_remote("listing authorizations", answer->status, answer->errors());
  }
  const json::Value* data = answer->data();
  if (session.format() == Format::kJson) {
    print(data == nullptr ? "{}" : json::write_pretty(*data));
    return kOk;
  }
  std::vector<Row> rows;
  const json::Value* all = data == nullptr ? nullptr : data->at("authorizations");
  if (all != nullptr && all->as_array() != nullptr) {
    for (const json::Value& one : *all->as_array()) {
      const auto text = [&one](const char* name) {
        const std::string* found = one.string_at(name);
        return found == nullptr || found->empty() ? std::string("-") : *found;
      };
      const json::Value* claims = one.at("claims");
      rows.push_back({text("engine_path") + "/" + text("secret"), text("enclave"), text("signer"),
                      claims == nullptr ? "-" : json::write(*claims)});
    }
  }
  print(table({"Secret", "Enclave", "Signer", "Claims"}, rows));
  return kOk;
}

}  // namespace

std::vector<Verb> authorization_verbs() {
  return {
      {{"authorize", "enclave"},
       "let one enclave of one signer read a secret (--claims FILE: only when its evidence says "
       "so)",
       kFlags,
       [](Session& s, const Arguments& a) { return authorize(s, a, true); }},
      {{"authorize", "signer"},
       "let every enclave of one signer read a secret (--claims FILE likewise)",
       kFlags,
       [](Session& s, const Arguments& a) { return authorize(s, a, false); }},
      {{"revoke"}, "take an authorization back (same flags as it was given with)", kFlags, revoke},
      {{"authorizations"}, "who may read what", {}, list},
  };
}

}  // namespace apm::cli
