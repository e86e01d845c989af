#include "azure/blob_error.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "azure/limits.h"
#include "base/text.h"

namespace apm::azure {
namespace {

struct Meaning {
  std::string_view azure_code;
  Code code;
  std::string_view reason;
  std::string_view advice;
};

constexpr std::string_view kTakenOver = "Another server took the store over; restart this one";
constexpr std::array kMeanings = {
    Meaning{"BlobNotFound", Code::kNotFound, "blob_not_found", "Nobody but this server may delete"},
    Meaning{"ContainerNotFound", Code::kNotFound, "blob_container_not_found",
            "Create the container, or correct its name"},
    Meaning{"BlobAlreadyExists", Code::kConflict, "blob_exists", "Another server made it"},
    Meaning{"ContainerAlreadyExists", Code::kConflict, "blob_exists", "It can be used"},
    Meaning{"LeaseAlreadyPresent", Code::kConflict, "blob_lease_held",
            "Another server has the lease; stop it, or wait until its lease ends"},
    // Broken by hand with a period: its end comes by itself.
    Meaning{"LeaseIsBreakingAndCannotBeAcquired", Code::kConflict, "blob_lease_held",
            "The lease was broken and runs out; wait until it ends"},
    Meaning{"LeaseIdMismatchWithLeaseOperation", Code::kConflict, "blob_lease_lost", kTakenOver},
    Meaning{"LeaseIdMismatchWithBlobOperation", Code::kConflict, "blob_lease_lost", kTakenOver},
    Meaning{"LeaseNotPresentWithLeaseOperation", Code::kConflict, "blob_lease_lost", kTakenOver},
    Meaning{"LeaseNotPresentWithBlobOperation", Code::kConflict, "blob_lease_lost", kTakenOver},
    Meaning{"LeaseIsBrokenAndCannotBeRenewed", Code::kConflict, "blob_lease_lost", kTakenOver},
    Meaning{"LeaseLost", Code::kConflict, "blob_lease_lost", kTakenOver},
    Meaning{"LeaseIdMissing", Code::kConflict, "blob_lease_lost", kTakenOver},
    Meaning{"AppendPositionConditionNotMet", Code::kPrecondition, "blob_append_position",
            "Somebody else wrote to this log"},
    Meaning{"ConditionNotMet", Code::kPrecondition, "blob_condition",
            "Somebody else changed this blob"},
    Meaning{"RequestBodyTooLarge", Code::kTooLarge, "blob_too_large", "Write less at once"},
};

std::string printable(std::string_view text) {
  std::string out(text.substr(0, kQuotedTextMax));
  std::replace_if(out.begin(), out.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return out;
}

}  // namespace

Error blob_error(const std::string& what, const net::Response& response) {
  const std::string* header = response.header("x-ms-error-code");
  const std::string azure_code = header == nullptr ? "" : printable(*header);
  const std::string told =
      concat(what, ": HTTP ", response.status, azure_code.empty() ? "" : " ", azure_code, ". ");
  for (const Meaning& m : kMeanings) {
    if (azure_code == m.azure_code) {
      return {m.code, std::string(m.reason), concat(told, m.advice)};
    }
  }
  if (response.status == 401 || response.status == 403) {
    return {Code::kPermissionDenied, "blob_access_denied",
            concat(told, "Check the account key or the identity's role on the container, and this ",
                   "machine's clock")};
  }
  // As net/ holds it: who is asked to come again was not served.
  const bool asked = response.header("retry-after") != nullptr;
  if (response.status == 429 || (response.status == 503 && asked)) {
    return {Code::kUnavailable, "blob_paused",
            concat(told, "The account is over its limits, and nothing was done")};
  }
  if (response.status == 503) {
    return {Code::kUnavailable, "blob_throttled", concat(told, "The account is over its limits")};
  }
  if (response.status == 404) return {Code::kNotFound, "blob_not_found", concat(told, "Not there")};
  if (response.status == 409 || response.status == 412) {
    return {Code::kConflict, "blob_state",
            concat(told, "The blob is not in the state this call needs")};
  }
  return {Code::kUnavailable, "blob_unavailable",
          concat(told, "Check that the endpoint is a Blob service and its health")};
}

}  // namespace apm::azure
