#include "secrets/kv_v1.h"

#include "secrets/key_values.h"

namespace apm::secrets {

Result<logical::Response> KvV1::handle(const logical::Request& request) {
  logical::Response response;
  switch (request.operation) {
    case logical::Operation::kRead: {
      APM_TRY(std::optional<json::Object> item, read_item(view_, request.path));
      if (!item) return Error(Code::kNotFound, "secret_absent", "");
      response.lease_duration_s = lease_of(*item);
      response.data = std::move(*item);
      return response;
    }
    case logical::Operation::kList: {
      APM_TRY(response.data, list_items(view_, request.path));
      return response;
    }
    case logical::Operation::kCreate:
    case logical::Operation::kUpdate:
      APM_CHECK_OK(write_item(view_, request.path, request.data));
      return response;
    case logical::Operation::kDelete:
      APM_CHECK_OK(check_item_path(request.path));
      APM_CHECK_OK(view_.erase(request.path));
      return response;
    case logical::Operation::kPatch: break;
  }
  return Error(Code::kUnsupported, "kv_patch", "unsupported operation");
}

Result<std::optional<bool>> KvV1::exists(const logical::Request& request) {
  APM_CHECK_OK(check_item_path(request.path));
  APM_TRY(const std::optional<Bytes> stored, view_.get(request.path));
  return std::optional<bool>(stored.has_value());
}

}  // namespace apm::secrets
