#include "tee/device_error.h"

#include <cerrno>
#include <cstring>

#include "base/text.h"

namespace apm::tee {
namespace {

struct Meaning {
  Code code;
  const char* reason;
  const char* remedy;
};

Meaning meaning_of(int error) {
  switch (error) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
      return {Code::kNotFound, "tee_device_missing",
              "Load the guest driver of this platform, and in a container pass the device through"};
    case EACCES:
    case EPERM:
      return {Code::kIo, "tee_device_permission",
              "Run as root, or give this user the device's group (and CAP_SYS_ADMIN where the "
              "driver asks for it)"};
    case EAGAIN:
    case EBUSY:
    case ETIMEDOUT:
    case EINTR:
      return {Code::kUnavailable, "tee_device_busy",
              "The host throttles or still works on another request. Ask less often, and for one "
              "piece of evidence at a time"};
    default:
      return {Code::kIo, "tee_device_failed",
              "Look for the driver's own words in the kernel log (dmesg)"};
  }
}

}  // namespace

bool is_transient(int error) {
  return error == EAGAIN || error == EBUSY || error == ETIMEDOUT || error == EINTR;
}

Error device_error(const std::string& path, std::string_view call, int error,
                   std::string_view hint) {
  const Meaning meaning = meaning_of(error);
  std::string text = path;
  if (!call.empty()) text += concat(": ", call);
  text += concat(": ", std::strerror(error));
  if (!hint.empty()) text += concat(" (", hint, ")");
  return Error(meaning.code, meaning.reason, concat(text, ". ", meaning.remedy));
}

Error malformed_answer(const std::string& path, std::string_view what) {
  return Error(Code::kIo, "tee_answer_malformed",
               concat(path, ": ", what,
                      ". The driver does not answer as its interface says: is the kernel one that "
                      "docs/operations/workloads.md names?"));
}

}  // namespace apm::tee
