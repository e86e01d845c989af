// kv get, put, patch, list, delete, undelete, destroy, rollback, enable-versioning.

#include "base/text.h"
#include "cli/fields.h"
#include "cli/kv_path.h"
#include "cli/kv_tables.h"
#include "cli/server_verbs.h"

namespace apm::cli {
namespace {

Error usage(const char* text) { return Error(Code::kInvalidArgument, "usage", text); }

int nothing_at(const std::string& path) {
  print_error("No value found at " + path);
  return kRemoteFailure;
}

int no_data_at(const std::string& path) {
  print_error("No data found at " + path);
  return kRemoteFailure;
}

int show_field(const json::Value* data, const std::string& field, const std::string& path) {
  if (data == nullptr || data->as_object() == nullptr) return no_data_at(path);
  const json::Value* member = data->at(field);
  if (member == nullptr) {
    print_error(concat("Field \"", field, "\" not present in secret"));
    return kLocalFailure;
  }
  print(cell(*member));
  return kOk;
}

// What a write to version 2 answers.
int show_written(Session& session, const Arguments& args, const std::string& path,
                 const client::Answer& answer) {
  print_warnings(answer);
  const json::Value* data = answer.data();
  if (args.has("field")) return show_field(data, args.get("field"), path);
  if (session.format() == Format::kJson) {
    print(json::write_pretty(answer.body));
    return kOk;
  }
  print(path_heading("Secret Path", path));
  if (data != nullptr && data->as_object() != nullptr) {
    print(titled_table("Metadata", *data->as_object()));
  }
  return kOk;
}

// Metadata and value of one version; the value is missing when the version was deleted.
int show_versioned(const std::string& path, const json::Value& data) {
  print(path_heading("Secret Path", path));
  const json::Value* metadata = data.at("metadata");
  const json::Value* value = data.at("data");
  const bool has_value = value != nullptr && value->as_object() != nullptr;
  if (metadata != nullptr && metadata->as_object() != nullptr) {
    print(titled_table("Metadata", *metadata->as_object()) + (has_value ? "\n" : ""));
  }
  if (has_value) print(titled_table("Data", *value->as_object()));
  return kOk;
}

Result<std::string> version_query(const Arguments& args, const KvPath& where) {
  if (!args.has("version")) return std::string();
  const auto number = parse_u64(args.get("version"));
  if (!number) return usage("-version must be a whole number");
  if (!where.versioned && *number != 0) {
    return usage("-version needs a mount of kv version 2");
  }
  return concat("version=", *number);
}

int get(Session& session, const Arguments& args) {
  const auto where = find_kv_secret(session, args);
  if (!where.ok()) return fail(where.error());
  const auto query = version_query(args, *where);
  if (!query.ok()) return fail(query.error());
  const std::string path = where->at("data");
  const auto answer = session.call("GET", path, nullptr, where->versioned ? *query : "");
  if (!answer.ok()) return fail(answer.error());
  const json::Value* data = answer->data();
  const bool has_data = data != nullptr && data->as_object() != nullptr;
  if (answer->status == 404 && !has_data) return nothing_at(path);
  if (!answer->success() && answer->status != 404) {
    return fail_remote("reading " + path, answer->status, answer->errors());
  }
  if (!has_data) return no_data_at(path);
  const json::Value* value = where->versioned ? data->at("data") : data;
  if (args.has("field")) return show_field(value, args.get("field"), path);
  if (session.format() == Format::kJson) {
    print(json::write_pretty(answer->body));
    return kOk;
  }
  if (where->versioned) return show_versioned(path, *data);
  print(titled_table("Data", *data->as_object()));
  return kOk;
}

// {"data": fields} with the check-and-set option when it is given.
Result<json::Object> versioned_body(const Arguments& args, json::Object fields) {
  json::Object body{{"data", std::move(fields)}};
  if (!args.has("cas")) return body;
  const auto cas = parse_u64(args.get("cas"));
  if (!cas) return usage("-cas must be a whole number");
  body.set("options", json::Object{{"cas", *cas}});
  return body;
}

Result<json::Object> given_fields(const Arguments& args) {
  if (args.positional().size() < 2) return usage("give a path and fields, for example key=value");
  const std::vector<std::string> words(args.positional().begin() + 1, args.positional().end());
  return fields_of(words);
}

int put(Session& session, const Arguments& args) {
  auto fields = given_fields(args);
  if (!fields.ok()) return fail(fields.error());
  const auto where = find_kv_secret(session, args);
  if (!where.ok()) return fail(where.error());
  if (!where->versioned) {
    if (args.has("cas")) return fail(usage("-cas needs a mount of kv version 2"));
    return session.run("writing " + where->at("data"), "PUT", where->at("data"), &*fields,
                       "Success! Data written to: " + where->at("data"));
  }
  const auto body = versioned_body(args, std::move(*fields));
  if (!body.ok()) return fail(body.error());
  const std::string path = where->at("data");
  const auto answer = session.call("PUT", path, &*body);
  if (!answer.ok()) return fail(answer.error());
  if (!answer->success()) return fail_remote("writing " + path, answer->status, answer->errors());
  return show_written(session, args, path, *answer);
}

// The current value with the fields in it, written if nobody wrote meanwhile: for callers that may
// read and update, but not patch.
Result<client::Answer> read_then_write(Session& session, const Arguments& args,
                                       const std::string& path, const json::Object& fields) {
  APM_TRY(client::Answer read, session.call("GET", path));
  if (!read.success()) return read;
  const json::Value* value = read.data() == nullptr ? nullptr : read.data()->at("data");
  const json::Value* metadata = read.data() == nullptr ? nullptr : read.data()->at("metadata");
  const json::Value* version = metadata == nullptr ? nullptr : metadata->at("version");
  if (value == nullptr || value->as_object() == nullptr || version == nullptr) {
    return Error(Code::kUnavailable, "answer", "the server's answer has no data or no version");
  }
  json::Object merged = *value->as_object();
  for (const auto& [name, field] : fields) merged.set(name, field);
  APM_TRY(json::Object body, versioned_body(args, std::move(merged)));
  if (!args.has("cas")) body.set("options", json::Object{{"cas", *version}});
  return session.call("PUT", path, &body);
}

int patch(Session& session, const Arguments& args) {
  const std::string method = args.get("method", "patch");
  if (method != "patch" && method != "rw") return fail(usage("-method is patch or rw"));
  auto fields = given_fields(args);
  if (!fields.ok()) return fail(fields.error());
  const auto where = find_versioned_secret(session, args);
  if (!where.ok()) return fail(where.error());
  const std::string path = where->at("data");
  const auto body = versioned_body(args, *fields);
  if (!body.ok()) return fail(body.error());
  const auto answer = method == "rw" ? read_then_write(session, args, path, *fields)
                                     : session.call("PATCH", path, &*body);
  if (!answer.ok()) return fail(answer.error());
  if (answer->status == 404) return nothing_at(path);
  if (!answer->success()) return fail_remote("patching " + path, answer->status, answer->errors());
  return show_written(session, args, path, *answer);
}

int list(Session& session, const Arguments& args) {
  const auto where = find_kv_path(session, args);
  if (!where.ok()) return fail(where.error());
  const std::string path = where->at("metadata");
  const auto answer = session.call("LIST", path);
  if (!answer.ok()) return fail(answer.error());
  if (answer->status == 404) return nothing_at(path);
  if (!answer->success()) return fail_remote("listing " + path, answer->status, answer->errors());
  const json::Value* keys = answer->data() == nullptr ? nullptr : answer->data()->at("keys");
  if (keys == nullptr || keys->as_array() == nullptr) return nothing_at(path);
  if (session.format() == Format::kJson) {
    print(json::write_pretty(*keys));
    return kOk;
  }
  std::vector<Row> rows;
  for (const json::Value& key : *keys->as_array()) rows.push_back({cell(key)});
  print(table({"Keys"}, rows));
  return kOk;
}

Result<json::Object> named_versions(const Arguments& args) {
  json::Array numbers;
  for (const std::string& list : args.all("versions")) {
    for (const std::string_view part : split(list, ',')) {
      const auto number = parse_u64(trim(part));
      if (!number) return usage("-versions must be whole numbers, for example -versions=1,2");
      numbers.emplace_back(*number);
    }
  }
  if (numbers.empty()) return usage("say which versions, for example -versions=1,2");
  return json::Object{{"versions", std::move(numbers)}};
}

// delete, undelete or destroy of named versions.
int change_versions(Session& session, const Arguments& args, const char* area) {
  const auto body = named_versions(args);
  if (!body.ok()) return fail(body.error());
  const auto where = find_versioned_secret(session, args);
  if (!where.ok()) return fail(where.error());
  const std::string path = where->at(area);
  const std::string done = std::string(area) == "delete"
                               ? "Success! Data deleted (if it existed) at: "
                               : "Success! Data written to: ";
  return session.run("writing " + path, "PUT", path, &*body, done + path);
}

int remove(Session& session, const Arguments& args) {
  if (args.has("versions")) return change_versions(session, args, "delete");
  const auto where = find_kv_secret(session, args);
  if (!where.ok()) return fail(where.error());
  const std::string path = where->at("data");
  return session.run("deleting " + path, "DELETE", path, nullptr,
                     "Success! Data deleted (if it existed) at: " + path);
}

// An old version becomes the newest one, if nobody wrote since the newest one was looked at.
int rollback(Session& session, const Arguments& args) {
  const auto wanted = parse_u64(args.get("version"));
  if (!wanted || *wanted == 0) return fail(usage("say which version with -version=N"));
  const auto where = find_versioned_secret(session, args);
  if (!where.ok()) return fail(where.error());
  const std::string path = where->at("data");
  const auto metadata = session.call("GET", where->at("metadata"));
  if (!metadata.ok()) return fail(metadata.error());
  if (metadata->status == 404) return nothing_at(path);
  const json::Value* current =
      metadata->data() == nullptr ? nullptr : metadata->data()->at("current_version");
  if (!metadata->success() || current == nullptr) {
    return fail_remote("reading " + where->at("metadata"), metadata->status, metadata->errors());
  }
  const auto old = session.call("GET", path, nullptr, concat("version=", *wanted));
  if (!old.ok()) return fail(old.error());
  const json::Value* value = old->data() == nullptr ? nullptr : old->data()->at("data");
  if (!old->success() && old->status != 404) {
    return fail_remote("reading " + path, old->status, old->errors());
  }
  if (value == nullptr || value->as_object() == nullptr) {
    print_error(
        concat("Cannot roll back to a version that has been deleted or does not exist: ", *wanted));
    return kRemoteFailure;
  }
  const json::Object body{{"data", *value}, {"options", json::Object{{"cas", *current}}}};
  const auto answer = session.call("PUT", path, &body);
  if (!answer.ok()) return fail(answer.error());
  if (!answer->success()) return fail_remote("writing " + path, answer->status, answer->errors());
  return show_written(session, args, path, *answer);
}

int enable_versioning(Session& session, const Arguments& args) {
  if (args.positional().size() != 1) return fail(usage("give exactly one mount"));
  const std::string mount = std::string(trim(args.positional()[0]));
  const std::string path = mount.ends_with('/') ? mount.substr(0, mount.size() - 1) : mount;
  const json::Object body{{"options", json::Object{{"version", "2"}}}};
  return session.run("tuning secrets engine " + path, "POST", "sys/mounts/" + path + "/tune", &body,
                     "Success! Tuned the secrets engine at: " + path + "/");
}

Verb verb(const char* word, const char* summary, std::set<std::string> flags,
          std::function<int(Session&, const Arguments&)> action) {
  flags.insert("mount");
  return {{"kv", word}, summary, {.with_value = std::move(flags), .plain = {}}, std::move(action)};
}

std::function<int(Session&, const Arguments&)> on_versions(const char* area) {
  return [area](Session& s, const Arguments& a) { return change_versions(s, a, area); };
}

}  // namespace

std::vector<Verb> kv_verbs() {
  return {
      verb("get", "read a secret, or one -version of it", {"version"}, get),
      verb("put", "write a secret; -cas=N: only if N is the current version", {"cas"}, put),
      verb("patch", "change some fields of a secret", {"cas", "method"}, patch),
      verb("list", "name the secrets in a folder", {}, list),
      verb("delete", "delete the current version, or -versions=1,2", {"versions"}, remove),
      verb("undelete", "bring deleted -versions back", {"versions"}, on_versions("undelete")),
      verb("destroy", "remove the data of -versions for good", {"versions"},
           on_versions("destroy")),
      verb("rollback", "make an old -version the newest one", {"version"}, rollback),
      verb("enable-versioning", "turn a mount of version 1 into version 2, where the server can",
           {}, enable_versioning),
  };
}

}  // namespace apm::cli
