#include "sim/event_log.h"

#include "base/byte_reader.h"
#include "base/encoding.h"
#include "base/text.h"
#include "crypto/digest.h"

namespace apm::sim {
namespace {

constexpr std::uint32_t kPostCode = 0x01;
constexpr std::uint32_t kSeparator = 0x04;
constexpr std::uint32_t kEventTag = 0x06;
constexpr std::uint32_t kCrtmVersion = 0x08;
constexpr std::uint32_t kIpl = 0x0D;
constexpr std::uint32_t kVariableBoot = 0x80000002;
constexpr std::uint32_t kBootServicesApplication = 0x80000003;
constexpr std::uint32_t kGptEvent = 0x80000006;
constexpr std::uint32_t kAction = 0x80000007;
constexpr std::uint16_t kSha256Algorithm = 0x000B;
constexpr std::size_t kEventsMax = 1000;

const Bytes kGlobalGuid{0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
                        0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c};
const Bytes kSecurityGuid{0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45,
                          0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f};
// Owner of the simulated key databases' entries.
const Bytes kOwnerGuid{0x41, 0x50, 0x4d, 0x53, 0x49, 0x4d, 0x41, 0x50,
                       0x4d, 0x53, 0x49, 0x4d, 0x41, 0x50, 0x4d, 0x31};
// EFI_CERT_X509_GUID
const Bytes kX509Guid{0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a,
                      0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72};

Bytes uefi_variable(const Bytes& guid, std::string_view name, ByteView data) {
  Bytes out = guid;
  append_u64_le(out, name.size());
  append_u64_le(out, data.size());
  for (const char c : name) append_u16_le(out, static_cast<std::uint8_t>(c));
  append(out, data);
  return out;
}

Bytes signature_data(ByteView certificate) {
  Bytes out = kOwnerGuid;
  append(out, certificate);
  return out;
}

// EFI_SIGNATURE_LIST with one certificate.
Bytes signature_list(ByteView certificate) {
  const Bytes entry = signature_data(certificate);
  Bytes out = kX509Guid;
  append_u32_le(out, static_cast<std::uint32_t>(28 + entry.size()));
  append_u32_le(out, 0);
  append_u32_le(out, static_cast<std::uint32_t>(entry.size()));
  append(out, entry);
  return out;
}

class Builder {
 public:
  // The digest is that of the data itself.
  void plain(unsigned pcr, std::uint32_t type, Bytes data) {
    Bytes hash = crypto::sha256(data);
    events_.push_back({pcr, type, std::move(hash), std::move(data)});
  }
  // The digest is that of something else, which the data only describes.
  void of(unsigned pcr, std::uint32_t type, std::string_view measured, Bytes data) {
    events_.push_back({pcr, type, crypto::sha256(as_bytes(measured)), std::move(data)});
  }
  void separator(unsigned pcr) { plain(pcr, kSeparator, Bytes(4, 0)); }
  std::vector<BootEvent> take() { return std::move(events_); }

 private:
  std::vector<BootEvent> events_;
};

void firmware_events(Builder& log, const BootInput& input) {
  log.plain(0, kCrtmVersion, to_bytes(std::string_view("S\0I\0M\0\0\0", 8)));
  log.of(0, kPostCode, "simulated firmware volume 1", to_bytes(std::string_view("FV")));
  const Bytes on{static_cast<std::uint8_t>(input.secure_boot ? 1 : 0)};
  const Bytes list = signature_list(input.signer_der);
  const auto config = [&](const Bytes& guid, std::string_view name, ByteView data) {
    log.plain(7, kEventVariableDriverConfig, uefi_variable(guid, name, data));
  };
  config(kGlobalGuid, "SecureBoot", on);
  config(kGlobalGuid, "PK", list);
  config(kGlobalGuid, "KEK", list);
  config(kSecurityGuid, "db", list);
  config(kSecurityGuid, "dbx", {});
  log.separator(7);
  log.plain(1, kVariableBoot, uefi_variable(kGlobalGuid, "BootOrder", Bytes{0, 0}));
  log.plain(4, kAction, to_bytes(std::string_view("Calling EFI Application from Boot Option")));
  for (unsigned pcr = 0; pcr <= 6; ++pcr) log.separator(pcr);
}

// UEFI_IMAGE_LOAD_EVENT without a device path.
Bytes image_load_event() {
  Bytes out;
  append_u64_le(out, 0x3e000000);
  append_u64_le(out, 0x2000000);
  append_u64_le(out, 0);
  append_u64_le(out, 0);
  return out;
}

// UEFI_GPT_DATA: a partition table header and no partition.
Bytes gpt_event() {
  Bytes out = to_bytes(std::string_view("EFI PART"));
  out.resize(92, 0);
  append_u64_le(out, 0);
  return out;
}

void boot_image_events(Builder& log, const BootInput& input) {
  log.plain(5, kGptEvent, gpt_event());
  if (input.secure_boot) {
    log.plain(7, kEventVariableAuthority,
              uefi_variable(kSecurityGuid, "db", signature_data(input.signer_der)));
  }
  log.of(4, kBootServicesApplication, "image:" + input.image, image_load_event());
  for (const std::string_view section : {".linux", ".osrel", ".cmdline", ".initrd"}) {
    Bytes name = to_bytes(section);
    name.push_back(0);
    log.plain(11, kIpl, name);
    log.of(11, kIpl, concat("section:", section, ":", input.image), name);
  }
  log.of(12, kIpl, "simulated kernel command line", to_bytes(std::string_view("cmdline")));
  log.of(9, kEventTag, "initrd:" + input.image, to_bytes(std::string_view("Linux initrd")));
  log.plain(5, kAction, to_bytes(std::string_view("Exit Boot Services Invocation")));
  log.plain(5, kAction, to_bytes(std::string_view("Exit Boot Services Returned with Success")));
}

Bytes spec_id_event() {
  Bytes out = to_bytes(std::string_view("Spec ID Event03\0", 16));
  append_u32_le(out, 0);             // platform class: client
  append(out, Bytes{0, 2, 105, 2});  // version 2.0 errata 105, 64-bit
  append_u32_le(out, 1);             // one algorithm
  append_u16_le(out, kSha256Algorithm);
  append_u16_le(out, 32);
  out.push_back(0);  // no vendor information
  return out;
}

Result<std::vector<BootEvent>> malformed(const char* what) {
  return Error(Code::kInvalidArgument, "event_log",
               std::string("the event log is malformed: ") + what);
}

}  // namespace

std::vector<BootEvent> boot_events(const BootInput& input) {
  Builder log;
  firmware_events(log, input);
  boot_image_events(log, input);
  return log.take();
}

Bytes encode_event_log(const std::vector<BootEvent>& events) {
  Bytes out;
  const Bytes spec = spec_id_event();
  append_u32_le(out, 0);
  append_u32_le(out, kEventNoAction);
  append(out, Bytes(20, 0));
  append_u32_le(out, static_cast<std::uint32_t>(spec.size()));
  append(out, spec);
  for (const BootEvent& event : events) {
    append_u32_le(out, event.pcr);
    append_u32_le(out, event.type);
    append_u32_le(out, 1);
    append_u16_le(out, kSha256Algorithm);
    append(out, event.sha256);
    append_u32_le(out, static_cast<std::uint32_t>(event.data.size()));
    append(out, event.data);
  }
  return out;
}

Result<std::vector<BootEvent>> decode_event_log(ByteView log) {
  ByteReader reader(log);
  reader.skip(28);
  const ByteView spec = reader.take(reader.u32_le());
  if (!reader.ok() || !as_text(spec).starts_with("Spec ID Event03")) return malformed("Spec ID");
  std::map<std::uint16_t, std::size_t> sizes;
  ByteReader spec_reader(spec);
  spec_reader.skip(24);
  for (std::uint32_t left = spec_reader.u32_le(); left > 0 && spec_reader.ok(); --left) {
    const std::uint16_t algorithm = spec_reader.u16_le();
    sizes[algorithm] = spec_reader.u16_le();
  }
  if (!spec_reader.ok() || !sizes.contains(kSha256Algorithm)) return malformed("no SHA-256 bank");
  std::vector<BootEvent> out;
  while (reader.remaining() > 0) {
    BootEvent event;
    event.pcr = reader.u32_le();
    event.type = reader.u32_le();
    const std::uint32_t digests = reader.u32_le();
    for (std::uint32_t i = 0; i < digests && reader.ok(); ++i) {
      const auto size = sizes.find(reader.u16_le());
      if (size == sizes.end()) return malformed("a digest of an unannounced algorithm");
      const ByteView value = reader.take(size->second);
      if (size->first == kSha256Algorithm) event.sha256 = to_bytes(value);
    }
    event.data = to_bytes(reader.take(reader.u32_le()));
    if (!reader.ok() || event.pcr > 23 || event.sha256.size() != 32) return malformed("an event");
    if (event.type != kEventNoAction) out.push_back(std::move(event));
    if (out.size() > kEventsMax) return malformed("too many events");
  }
  return out;
}

std::map<unsigned, Bytes> replay_events(const std::vector<BootEvent>& events) {
  std::map<unsigned, Bytes> out;
  for (const BootEvent& event : events) {
    Bytes& value = out.try_emplace(event.pcr, Bytes(32, 0)).first->second;
    value = crypto::digest(crypto::Hash::kSha256, {ByteView(value), ByteView(event.sha256)});
  }
  return out;
}

std::optional<bool> secure_boot_in(const std::vector<BootEvent>& events) {
  for (const BootEvent& event : events) {
    if (event.pcr != 7 || event.type != kEventVariableDriverConfig) continue;
    if (!equal(crypto::sha256(event.data), event.sha256)) continue;
    for (const unsigned char on : {std::uint8_t{0}, std::uint8_t{1}}) {
      if (equal(event.data, uefi_variable(kGlobalGuid, "SecureBoot", Bytes{on}))) return on == 1;
    }
  }
  return std::nullopt;
}

}  // namespace apm::sim
