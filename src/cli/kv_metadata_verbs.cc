// kv metadata get, put, patch, delete.

#include "base/text.h"
#include "cli/kv_path.h"
#include "cli/kv_tables.h"
#include "cli/server_verbs.h"

namespace apm::cli {
namespace {

Error usage(const char* text) { return Error(Code::kInvalidArgument, "usage", text); }

// The members of the answer that are no versions, then each version.
void show(const std::string& path, const json::Object& data) {
  json::Object general = data;
  general.erase("versions");
  print(path_heading("Metadata Path", path));
  print(titled_table("Metadata", general));
  const json::Value* versions = data.find("versions");
  if (versions == nullptr || versions->as_object() == nullptr) return;
  for (const auto& [number, version] : *versions->as_object()) {
    if (version.as_object() == nullptr) continue;
    print("\n" + titled_table("Version " + number, *version.as_object()));
  }
}

int get(Session& session, const Arguments& args) {
  const auto where = find_versioned_secret(session, args);
  if (!where.ok()) return fail(where.error());
  const std::string path = where->at("metadata");
  const auto answer = session.call("GET", path);
  if (!answer.ok()) return fail(answer.error());
  if (answer->status == 404) {
    print_error("No value found at " + path);
    return kRemoteFailure;
  }
  const json::Value* data = answer->data();
  if (!answer->success() || data == nullptr || data->as_object() == nullptr) {
    return fail_remote("reading " + path, answer->status, answer->errors());
  }
  if (args.has("field")) {
    const json::Value* member = data->at(args.get("field"));
    if (member == nullptr) {
      print_error(concat("Field \"", args.get("field"), "\" not present in secret"));
      return kLocalFailure;
    }
    print(cell(*member));
  } else if (session.format() == Format::kJson) {
    print(json::write_pretty(answer->body));
  } else {
    show(path, *data->as_object());
  }
  return kOk;
}

Status add_custom(const Arguments& args, json::Object& body) {
  json::Object custom;
  for (const std::string& word : args.all("custom-metadata")) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      return usage("give -custom-metadata as key=value, once for each key");
    }
    custom.set(word.substr(0, equals), word.substr(equals + 1));
  }
  for (const std::string& key : args.all("remove-custom-metadata")) {
    custom.set(key, json::Null());
  }
  if (!custom.empty()) body.set("custom_metadata", std::move(custom));
  return {};
}

Result<json::Object> settings(const Arguments& args) {
  json::Object body;
  if (args.has("max-versions")) {
    const auto number = parse_u64(args.get("max-versions"));
    if (!number) return usage("-max-versions must be a whole number");
    body.set("max_versions", *number);
  }
  if (const auto required = args.said("cas-required")) body.set("cas_required", *required);
  if (args.has("delete-version-after")) {
    body.set("delete_version_after", args.get("delete-version-after"));
  }
  APM_CHECK_OK(add_custom(args, body));
  return body;
}

int change(Session& session, const Arguments& args, const char* method) {
  const auto body = settings(args);
  if (!body.ok()) return fail(body.error());
  const auto where = find_versioned_secret(session, args);
  if (!where.ok()) return fail(where.error());
  const std::string path = where->at("metadata");
  const auto answer = session.call(method, path, &*body);
  if (!answer.ok()) return fail(answer.error());
  if (!answer->success()) return fail_remote("writing " + path, answer->status, answer->errors());
  print_warnings(*answer);
  print("Success! Data written to: " + path);
  return kOk;
}

int remove(Session& session, const Arguments& args) {
  const auto where = find_versioned_secret(session, args);
  if (!where.ok()) return fail(where.error());
  const std::string path = where->at("metadata");
  return session.run("deleting " + path, "DELETE", path, nullptr,
                     "Success! Data deleted (if it existed) at: " + path);
}

}  // namespace

std::vector<Verb> kv_metadata_verbs() {
  const FlagSet mount{.with_value = {"mount"}, .plain = {}};
  const FlagSet put{
      .with_value = {"mount", "max-versions", "delete-version-after", "custom-metadata"},
      .plain = {"cas-required"}};
  FlagSet patch = put;
  patch.with_value.insert("remove-custom-metadata");
  return {
      {{"kv", "metadata", "get"}, "what is known of a secret and its versions", mount, get},
      {{"kv", "metadata", "put"},
       "set -max-versions, -cas-required, -delete-version-after, -custom-metadata",
       put,
       [](Session& s, const Arguments& a) { return change(s, a, "PUT"); }},
      {{"kv", "metadata", "patch"},
       "the same, keeping other custom metadata; -remove-custom-metadata",
       patch,
       [](Session& s, const Arguments& a) { return change(s, a, "PATCH"); }},
      {{"kv", "metadata", "delete"}, "remove a secret with all its versions", mount, remove},
  };
}

}  // namespace apm::cli
