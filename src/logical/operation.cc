#include "logical/operation.h"

namespace apm::logical {

std::string_view operation_name(Operation operation) {
  switch (operation) {
    case Operation::kRead: return "read";
    case Operation::kList: return "list";
    case Operation::kCreate: return "create";
    case Operation::kUpdate: return "update";
    case Operation::kPatch: return "patch";
    case Operation::kDelete: return "delete";
  }
  return "";
}

}  // namespace apm::logical
