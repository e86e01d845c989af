#include "secrets/catalog.h"

#include "base/text.h"
#include "secrets/cubbyhole.h"
#include "secrets/kv2/engine.h"
#include "secrets/kv_v1.h"

namespace apm::secrets {
namespace {

constexpr const char* kVersion = "version";

Error bad_version(std::string_view why) {
  return Error(Code::kInvalidArgument, "engine_option", std::string(why));
}

}  // namespace

Result<EngineType> plain_type(EngineType asked) {
  if (asked.type != "kv-v1" && asked.type != "kv-v2") return asked;
  const std::string version = asked.type == "kv-v2" ? "2" : "1";
  const auto named = asked.options.find(kVersion);
  if (named != asked.options.end() && named->second != version) {
    return bad_version(concat("the type ", asked.type, " contradicts the option version=",
                              named->second, ": give one of them"));
  }
  asked.type = "kv";
  asked.options[kVersion] = version;
  return asked;
}

std::string engine_version(const EngineType& engine) {
  const auto version = engine.options.find(kVersion);
  return engine.type == "kv" && version != engine.options.end() ? version->second : "1";
}

Result<std::unique_ptr<logical::Backend>> make_engine(
    const std::string& type, const std::map<std::string, std::string>& options, barrier::View view,
    const Clock& clock) {
  if (type == "cubbyhole") {
    return std::unique_ptr<logical::Backend>(std::make_unique<Cubbyhole>(std::move(view)));
  }
  if (type != "kv" && type != "kv-v1" && type != "generic") {
    return Error(Code::kInvalidArgument, "engine_unknown",
                 "plugin not found in the catalog: " + type);
  }
  const auto named = options.find(kVersion);
  const std::string version = named == options.end() ? "1" : named->second;
  if (version == "1") {
    return std::unique_ptr<logical::Backend>(std::make_unique<KvV1>(std::move(view)));
  }
  if (version == "2" && type == "kv") {
    return std::unique_ptr<logical::Backend>(std::make_unique<kv2::Engine>(std::move(view), clock));
  }
  return bad_version(concat("there is no version ", version, " of the engine ", type,
                            ": the option version of kv is 1 or 2"));
}

}  // namespace apm::secrets
