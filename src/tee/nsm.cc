#include "tee/nsm.h"

#include <cbor.h>
#include <sys/ioctl.h>

#include <array>

#include "attestation/nitro/cbor.h"
#include "base/text.h"
#include "tee/device_error.h"
#include "tee/limits.h"

namespace apm::tee {
namespace {

using attestation::nitro::CborReader;

// Debian 12's kernel headers have no <linux/nsm.h>: these are its struct nsm_iovec, struct nsm_raw
// and NSM_IOCTL_RAW.
struct NsmIovec {
  std::uint64_t address = 0;
  std::uint64_t size = 0;
};
struct NsmRaw {
  NsmIovec request;
  NsmIovec response;  // `size`: the room there is, then what was written
};
static_assert(sizeof(NsmRaw) == 32);
constexpr unsigned long kNsmRaw = _IOWR(0x0A, 0x0, NsmRaw);

constexpr std::size_t kHeadBytesMax = 9;  // of a CBOR item

std::uint64_t address_of(void* memory) { return reinterpret_cast<std::uintptr_t>(memory); }

using EncodeHead = std::size_t (*)(std::size_t, unsigned char*, std::size_t);

void put_head(Bytes& out, EncodeHead encode, std::size_t number) {
  std::array<std::uint8_t, kHeadBytesMax> head{};
  const std::size_t size = encode(number, head.data(), head.size());
  append(out, ByteView(head).first(size));
}

void put_text(Bytes& out, std::string_view text) {
  put_head(out, cbor_encode_string_start, text.size());
  append(out, text);
}

Status put_field(Bytes& out, std::string_view name, const std::optional<Bytes>& value) {
  put_text(out, name);
  if (!value) {
    std::array<std::uint8_t, 1> null{};
    static_cast<void>(cbor_encode_null(null.data(), null.size()));
    append(out, ByteView(null));
    return {};
  }
  if (value->size() > kNsmFieldBytesMax) {
    return Error(Code::kTooLarge, "nsm_field_size",
                 concat(name, " has ", value->size(), " bytes; a Nitro document takes at most ",
                        kNsmFieldBytesMax));
  }
  put_head(out, cbor_encode_bytestring_start, value->size());
  append(out, ByteView(*value));
  return {};
}

Error malformed(std::string_view what) {
  return malformed_answer(kNsmPath, concat("the security module's answer: ", what));
}

Result<Bytes> read_document(CborReader& reader) {
  const auto fields = reader.open_definite_map();
  if (!fields.ok() || *fields != 1) return malformed("Attestation is not a map of one member");
  const auto name = reader.read_text();
  if (!name.ok() || *name != "document") return malformed("it holds no document");
  const auto document = reader.read_bytes();
  if (!document.ok()) return malformed(document.error().message);
  return to_bytes(*document);
}

// An error's name of the module ("InvalidArgument") in a message: letters only.
std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    out += (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ? c : '?';
  }
  return out;
}

}  // namespace

Result<Bytes> encode_attestation_request(const NitroRequest& request) {
  Bytes out;
  put_head(out, cbor_encode_map_start, 1);
  put_text(out, "Attestation");
  put_head(out, cbor_encode_map_start, 3);
  APM_CHECK_OK(put_field(out, "user_data", request.user_data));
  APM_CHECK_OK(put_field(out, "nonce", request.nonce));
  APM_CHECK_OK(put_field(out, "public_key", request.public_key));
  return out;
}

Result<Bytes> decode_attestation_response(ByteView response) {
  CborReader reader(response);
  const auto members = reader.open_definite_map();
  if (!members.ok() || *members != 1) return malformed("it is not a map of one member");
  const auto name = reader.read_text();
  if (!name.ok()) return malformed(name.error().message);
  if (*name == "Error") {
    const auto word = reader.read_text();
    if (!word.ok()) return malformed(word.error().message);
    return Error(
        Code::kIo, "nsm_refused",
        concat(kNsmPath, ": the Nitro security module refused the request: ", printable(*word),
               ". \"InvalidArgument\" is a field that is too long; for \"InternalError\" "
               "try again"));
  }
  if (*name != "Attestation") return malformed("it answers another request");
  APM_TRY(Bytes document, read_document(reader));
  if (!reader.at_end()) return malformed("there is more behind it");
  return document;
}

Result<Bytes> get_nitro_document(DeviceFiles& files, const NitroRequest& request,
                                 const std::string& path) {
  APM_TRY(Bytes question, encode_attestation_request(request));
  if (question.size() > kNsmRequestBytesMax) {
    return Error(Code::kTooLarge, "nsm_field_size", "the request to /dev/nsm is too long");
  }
  for (int attempt = 1;; ++attempt) {
    Bytes answer(kNsmResponseBytesMax);
    NsmRaw raw{{address_of(question.data()), question.size()},
               {address_of(answer.data()), answer.size()}};
    const int error = files.request(path, kNsmRaw, &raw);
    if (error == 0) {
      if (raw.response.size > answer.size()) return malformed("its size is beyond the buffer");
      return decode_attestation_response(ByteView(answer).first(raw.response.size));
    }
    if (!is_transient(error) || attempt == kDeviceAttemptsMax) {
      return device_error(path, "Attestation", error);
    }
    files.wait(kDeviceRetryDelay);
  }
}

}  // namespace apm::tee
