#include "secrets/cubbyhole.h"

#include "secrets/key_values.h"

namespace apm::secrets {
namespace {

Result<barrier::View> private_view(const barrier::View& view, const logical::Caller& caller) {
  if (caller.cubbyhole_id.empty()) {
    return Error(Code::kInvalidArgument, "cubbyhole_none",
                 "cubbyhole operations are only supported by \"service\" type tokens");
  }
  return barrier::View(view.barrier(), view.prefix() + caller.cubbyhole_id + "/");
}

}  // namespace

Result<logical::Response> Cubbyhole::handle(const logical::Request& request) {
  APM_TRY(const barrier::View own, private_view(view_, request.caller));
  logical::Response response;
  switch (request.operation) {
    case logical::Operation::kRead: {
      APM_TRY(response.data, read_item(own, request.path));
      if (!response.data) return Error(Code::kNotFound, "secret_absent", "");
      return response;
    }
    case logical::Operation::kList: {
      APM_TRY(response.data, list_items(own, request.path));
      return response;
    }
    case logical::Operation::kCreate:
    case logical::Operation::kUpdate:
      APM_CHECK_OK(write_item(own, request.path, request.data));
      return response;
    case logical::Operation::kDelete:
      APM_CHECK_OK(check_item_path(request.path));
      APM_CHECK_OK(own.erase(request.path));
      return response;
    case logical::Operation::kPatch: break;
  }
  return Error(Code::kUnsupported, "cubbyhole_patch", "unsupported operation");
}

Result<std::optional<bool>> Cubbyhole::exists(const logical::Request& request) {
  if (request.caller.cubbyhole_id.empty()) return std::optional<bool>();
  APM_CHECK_OK(check_item_path(request.path));
  APM_TRY(const barrier::View own, private_view(view_, request.caller));
  APM_TRY(const std::optional<Bytes> stored, own.get(request.path));
  return std::optional<bool>(stored.has_value());
}

}  // namespace apm::secrets
