#include "secrets/catalog.h"

#include "secrets/cubbyhole.h"
#include "secrets/kv_v1.h"

namespace apm::secrets {

Result<std::unique_ptr<logical::Backend>> make_engine(
    const std::string& type, const std::map<std::string, std::string>& options, barrier::View view,
    const Clock&) {
  if (type == "cubbyhole") {
    return std::unique_ptr<logical::Backend>(std::make_unique<Cubbyhole>(std::move(view)));
  }
  if (type == "kv" || type == "kv-v1" || type == "generic") {
    const auto version = options.find("version");
    if (version != options.end() && version->second != "1") {
      return Error(
          Code::kInvalidArgument, "engine_option",
          "this server has kv version 1 only: leave the option version out or set it to 1");
    }
    return std::unique_ptr<logical::Backend>(std::make_unique<KvV1>(std::move(view)));
  }
  return Error(Code::kInvalidArgument, "engine_unknown",
               "plugin not found in the catalog: " + type);
}

}  // namespace apm::secrets
