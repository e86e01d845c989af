#include "base/text.h"
#include "cli/admin_verbs.h"

namespace apm::cli {
namespace {

const FlagSet kValueFlags{.with_value = {"value", "file", "engine-path"}, .plain = {}};
const FlagSet kPathFlags{.with_value = {"engine-path"}, .plain = {}};

Error usage(const char* text) { return Error(Code::kInvalidArgument, "usage", text); }

Result<std::string> secret_path(const Arguments& args) {
  if (args.positional().size() != 1) return usage("give exactly one secret name");
  return args.get("engine-path", "anjuna") + "/" + args.positional()[0];
}

// From --value, --file or, best, standard input.
Result<std::string> value_from(const Arguments& args) {
  if (args.has("value") && args.has("file")) return usage("give --value or --file, not both");
  if (args.has("value")) return args.get("value");
  return value_of(args.has("file") ? "@" + args.get("file") : "-");
}

Result<bool> exists(Session& session, const std::string& path) {
  APM_TRY(const client::Answer answer, session.call("GET", path));
  if (answer.success()) return true;
  if (answer.status == 404) return false;
  return Error(Code::kPermissionDenied,
               concat("looking for ", path, ": the server answered ", answer.status));
}

// create refuses what is there, update what is not: neither surprises anybody.
int store(Session& session, const Arguments& args, bool create) {
  const auto path = secret_path(args);
  if (!path.ok()) return fail(path.error());
  const auto there = exists(session, *path);
  if (!there.ok()) return fail(there.error());
  if (*there == create) {
    print_error(create ? concat("Error: secret ", *path, " exists already; use secret update")
                       : concat("Error: there is no secret ", *path, "; use secret create"));
    return kRemoteFailure;
  }
  const auto value = value_from(args);
  if (!value.ok()) return fail(value.error());
  const json::Object body{{args.positional()[0], *value}};
  return session.run("storing " + *path, "PUT", *path, &body,
                     concat("Success! Secret ", create ? "created: " : "updated: ", *path));
}

int get(Session& session, const Arguments& args) {
  const auto path = secret_path(args);
  if (!path.ok()) return fail(path.error());
  const auto answer = session.call("GET", *path);
  if (!answer.ok()) return fail(answer.error());
  if (answer->status == 404) {
    print_error("No value found at " + *path);
    return kRemoteFailure;
  }
  if (!answer->success()) return fail_remote("reading " + *path, answer->status, answer->errors());
  const json::Value* data = answer->data();
  if (session.format() == Format::kJson && data != nullptr) {
    print(json::write_pretty(*data));
    return kOk;
  }
  const json::Value* value = data == nullptr ? nullptr : data->at(args.positional()[0]);
  if (value == nullptr) return fail(usage("this secret has several fields: use -format=json"));
  print(cell(*value));
  return kOk;
}

int list(Session& session, const Arguments& args) {
  const auto answer = session.call("LIST", args.get("engine-path", "anjuna"));
  if (!answer.ok()) return fail(answer.error());
  json::Array none;
  const json::Value* keys = answer->data() == nullptr ? nullptr : answer->data()->at("keys");
  if (!answer->success() && answer->status != 404) {
    return fail_remote("listing secrets", answer->status, answer->errors());
  }
  const json::Array& names =
      keys != nullptr && keys->as_array() != nullptr ? *keys->as_array() : none;
  if (session.format() == Format::kJson) {
    print(json::write_pretty(names));
    return kOk;
  }
  std::vector<Row> rows;
  for (const json::Value& name : names) rows.push_back({cell(name)});
  print(table({"Secret"}, rows));
  return kOk;
}

int remove(Session& session, const Arguments& args) {
  const auto path = secret_path(args);
  if (!path.ok()) return fail(path.error());
  return session.run("deleting " + *path, "DELETE", *path, nullptr,
                     "Success! Secret deleted: " + *path);
}

}  // namespace

std::vector<Verb> secret_verbs() {
  return {
      {{"secret", "create"},
       "store a new secret; value on stdin, --file or --value",
       kValueFlags,
       [](Session& s, const Arguments& a) { return store(s, a, true); }},
      {{"secret", "update"},
       "replace a secret's value",
       kValueFlags,
       [](Session& s, const Arguments& a) { return store(s, a, false); }},
      {{"secret", "get"}, "print a secret's value", kPathFlags, get},
      {{"secret", "list"}, "name the secrets", kPathFlags, list},
      {{"secret", "delete"}, "delete a secret", kPathFlags, remove},
  };
}

}  // namespace apm::cli
