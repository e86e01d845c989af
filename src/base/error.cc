#include "base/error.h"

namespace apm {

Error Error::within(std::string_view context) const {
  std::string text(context);
  text += ": ";
  text += message;
  return Error(code, reason, std::move(text));
}

std::string_view code_name(Code code) {
  switch (code) {
    case Code::kInvalidArgument: return "invalid_argument";
    case Code::kUnauthenticated: return "unauthenticated";
    case Code::kPermissionDenied: return "permission_denied";
    case Code::kNotFound: return "not_found";
    case Code::kUnsupported: return "unsupported";
    case Code::kConflict: return "conflict";
    case Code::kPrecondition: return "precondition";
    case Code::kTooLarge: return "too_large";
    case Code::kMediaType: return "media_type";
    case Code::kRateLimited: return "rate_limited";
    case Code::kSealed: return "sealed";
    case Code::kUninitialized: return "uninitialized";
    case Code::kRefused: return "refused";
    case Code::kUnavailable: return "unavailable";
    case Code::kDeadlineExceeded: return "deadline_exceeded";
    case Code::kCorrupt: return "corrupt";
    case Code::kIo: return "io";
    case Code::kCrypto: return "crypto";
    case Code::kInternal: return "internal";
  }
  return "internal";
}

bool is_public(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
    case Code::kUnauthenticated:
    case Code::kPermissionDenied:
    case Code::kNotFound:
    case Code::kUnsupported:
    case Code::kConflict:
    case Code::kTooLarge:
    case Code::kMediaType:
    case Code::kRateLimited:
    case Code::kSealed:
    case Code::kUninitialized:
    case Code::kRefused: return true;
    case Code::kPrecondition:
    case Code::kUnavailable:
    case Code::kDeadlineExceeded:
    case Code::kCorrupt:
    case Code::kIo:
    case Code::kCrypto:
    case Code::kInternal: return false;
  }
  return false;
}

}  // namespace apm
