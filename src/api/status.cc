#include "api/status.h"

#include "api/limits.h"

namespace apm::api {

int http_status(Code code) {
  switch (code) {
    case Code::kInvalidArgument: return 400;
    case Code::kUnauthenticated: return 403;
    case Code::kPermissionDenied: return 403;
    case Code::kNotFound: return 404;
    case Code::kUnsupported: return 405;
    case Code::kConflict: return 400;
    case Code::kPrecondition: return 500;
    case Code::kTooLarge: return 413;
    case Code::kMediaType: return 415;
    case Code::kRateLimited: return 429;
    case Code::kSealed: return 503;
    case Code::kUninitialized: return 400;
    case Code::kRefused: return 403;
    case Code::kUnavailable: return 503;
    case Code::kDeadlineExceeded: return 503;
    case Code::kCorrupt: return 500;
    case Code::kIo: return 500;
    case Code::kCrypto: return 500;
    case Code::kInternal: return 500;
  }
  return 500;
}

namespace {

bool is_of_endorsements(const Error& error) {
  return error.code == Code::kUnavailable && error.reason.starts_with(kEndorsements);
}

}  // namespace

int retry_after_s(const Error& error) {
  if (!is_of_endorsements(error)) return 0;
  if (error.reason == "endorsement_busy") return kRetryAfterBusyS;
  return error.reason == "endorsement_budget" ? kRetryAfterBudgetS : 0;
}

std::vector<std::string> public_texts(const Error& error) {
  static constexpr std::string_view kDenied = "1 error occurred:\n\t* permission denied\n\n";
  // Vault's text first, for clients that look for it.
  if (error.reason == kNotAuthorised) return {std::string(kDenied), error.message};
  if (is_of_endorsements(error)) {
    return {
        "the evidence did not bring its collateral, and this server could not get it: an operator "
        "finds why in its log and under auth/apm/refusals"};
  }
  switch (error.code) {
    case Code::kUnauthenticated:
      if (error.reason == "token_invalid") return {"permission denied", "invalid token"};
      return {"permission denied"};
    case Code::kPermissionDenied:
      return {error.message.empty() ? std::string(kDenied) : error.message};
    case Code::kNotFound:
      if (error.message.empty()) return {};
      return {error.message};
    case Code::kSealed: return {error.reason == "starting" ? error.message : "Vault is sealed"};
    case Code::kUnavailable:
      if (error.reason == kNoActiveNode || error.reason == kNotActiveAnyMore) {
        return {error.message};
      }
      return {"a service that this server needs did not answer"};
    case Code::kDeadlineExceeded: return {"a service that this server needs did not answer"};
    case Code::kInvalidArgument:
    case Code::kUnsupported:
    case Code::kConflict:
    case Code::kTooLarge:
    case Code::kMediaType:
    case Code::kRateLimited:
    case Code::kUninitialized:
    case Code::kRefused: return {error.message};
    case Code::kPrecondition:
    case Code::kCorrupt:
    case Code::kIo:
    case Code::kCrypto:
    case Code::kInternal: return {"internal error"};
  }
  return {"internal error"};
}

std::string public_reason(const Error& error) {
  const bool told = error.code == Code::kRefused || error.code == Code::kInvalidArgument ||
                    error.reason == kNotAuthorised || is_of_endorsements(error);
  return told ? error.reason : "";
}

}  // namespace apm::api
