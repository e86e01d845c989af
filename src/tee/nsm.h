#pragma once

// The attestation document of this Nitro enclave, by /dev/nsm: a CBOR request, a CBOR answer, one
// ioctl. Encoding and decoding are pure. One thread for the device.
// Sources: Linux 6.8, include/uapi/linux/nsm.h (the same numbers and layout as in the driver of
// AWS's SDK); the messages as AWS's NSM API library 0.4 serialises its Request and Response:
// {"Attestation": {"user_data", "nonce", "public_key"}}, each bytes or null, and
// {"Attestation": {"document": bytes}} or {"Error": text}.
//
// Errors: those of device_error.h, "nsm_field_size" (kTooLarge), "nsm_refused" with the module's
// own word.

#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "tee/device_files.h"

namespace apm::tee {

inline constexpr const char* kNsmPath = "/dev/nsm";

// What the document is to be bound to; each at most 1024 bytes. What is absent is null in it.
struct NitroRequest {
  std::optional<Bytes> user_data, nonce, public_key;
};

[[nodiscard]] Result<Bytes> get_nitro_document(DeviceFiles& files, const NitroRequest& request,
                                               const std::string& path = kNsmPath);

[[nodiscard]] Result<Bytes> encode_attestation_request(const NitroRequest& request);
// The document, not looked into. Refuses whatever is behind it.
[[nodiscard]] Result<Bytes> decode_attestation_response(ByteView response);

}  // namespace apm::tee
