#pragma once

// Why an operation did not succeed, as a value.
//
// `code` is a closed set: the API maps it to an HTTP status with one switch without a default.
// `reason` is a stable snake_case word for programs ("snp_signature_invalid"); it may be empty.
// `message` is for people. Whether a client may see it depends on the code alone: see is_public().
// No field may ever hold a secret.

#include <string>
#include <string_view>

namespace apm {

enum class Code {
  kInvalidArgument,   // the caller's input is malformed or out of range
  kUnauthenticated,   // no credential, or one that is not valid
  kPermissionDenied,  // valid credential, not allowed
  kNotFound,          // the thing asked for does not exist
  kUnsupported,       // the path exists, the operation does not
  kConflict,          // the thing is already there, or in use
  kPrecondition,      // a storage precondition no longer holds: somebody else wrote first
  kTooLarge,          // a named limit is exceeded
  kMediaType,         // the body's content type is not one we read
  kRateLimited,       // too many requests; try again later
  kSealed,            // the barrier is sealed
  kUninitialized,     // the store was never initialised
  kRefused,           // evidence, a released key or a policy check was refused; see reason
  kUnavailable,       // a service we depend on did not answer usefully, after all retries
  kDeadlineExceeded,  // a deadline passed
  kCorrupt,           // stored or received data fails its integrity check
  kIo,                // the operating system refused
  kCrypto,            // a cryptographic library call failed
  kInternal,          // a bug, or a state that should not occur
};

struct Error {
  Code code = Code::kInternal;
  std::string reason;
  std::string message;

  Error(Code c, std::string msg) : code(c), message(std::move(msg)) {}
  Error(Code c, std::string why, std::string msg)
      : code(c), reason(std::move(why)), message(std::move(msg)) {}

  // The same error, told from further away: "reading the keyring: <message>".
  [[nodiscard]] Error within(std::string_view context) const;
};

// The stable name of a code, for logs and JSON ("invalid_argument").
[[nodiscard]] std::string_view code_name(Code code);

// True when `message` was written for the client and says nothing of our inside.
[[nodiscard]] bool is_public(Code code);

}  // namespace apm
