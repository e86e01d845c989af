#include "attestation/dcap/pck.h"

#include <algorithm>
#include <map>

#include "attestation/dcap/der_reader.h"
#include "attestation/dcap/fields.h"
#include "base/text.h"

namespace apm::attestation::dcap {
namespace {

constexpr std::string_view kExtension = "1.2.840.113741.1.13.1";
// The same in DER, without tag and length.
constexpr std::array<std::uint8_t, 9> kPrefix = {0x2a, 0x86, 0x48, 0x86, 0xf8,
                                                 0x4d, 0x01, 0x0d, 0x01};
constexpr std::uint8_t kTcb = 2;  // 1.2.840.113741.1.13.1.2

Error malformed() {
  return refused("dcap_pck_extension",
                 "the PCK certificate's SGX extension is absent, or not of the known form");
}

// SEQUENCE OF SEQUENCE { OID prefix.n, value }: the encoded value by n, each n once.
std::optional<std::map<std::uint8_t, ByteView>> entries_of(ByteView list, ByteView prefix) {
  std::map<std::uint8_t, ByteView> out;
  DerReader reader(list);
  while (reader.more()) {
    DerReader entry(reader.take(kDerSequence));
    const ByteView oid = entry.take(kDerOid);
    if (!reader.ok() || !entry.ok() || oid.size() != prefix.size() + 1 ||
        !equal(oid.first(prefix.size()), prefix) || !out.emplace(oid.back(), entry.rest()).second) {
      return std::nullopt;
    }
  }
  return reader.finish() ? std::optional(out) : std::nullopt;
}

using Entries = std::map<std::uint8_t, ByteView>;

std::optional<Bytes> octets(const Entries& entries, std::uint8_t number, std::size_t size) {
  const auto found = entries.find(number);
  if (found == entries.end()) return std::nullopt;
  DerReader reader(found->second);
  const ByteView content = reader.take(kDerOctetString);
  if (!reader.finish() || content.size() != size) return std::nullopt;
  return to_bytes(content);
}

std::optional<std::uint64_t> number_at(const Entries& entries, std::uint8_t number,
                                       std::uint8_t tag, std::uint64_t max) {
  const auto found = entries.find(number);
  if (found == entries.end()) return std::nullopt;
  DerReader reader(found->second);
  const std::uint64_t value = reader.take_unsigned(tag, max);
  return reader.finish() ? std::optional(value) : std::nullopt;
}

std::optional<Entries> sequence_at(const Entries& entries, std::uint8_t number) {
  const auto found = entries.find(number);
  if (found == entries.end()) return std::nullopt;
  DerReader reader(found->second);
  const ByteView list = reader.take(kDerSequence);
  if (!reader.finish()) return std::nullopt;
  Bytes prefix(kPrefix.begin(), kPrefix.end());
  prefix.push_back(number);
  return entries_of(list, prefix);
}

Status read_tcb(const Entries& tcb, Pck& pck) {
  for (std::uint8_t i = 0; i < 16; ++i) {
    const auto svn = number_at(tcb, static_cast<std::uint8_t>(i + 1), kDerInteger, 0xff);
    if (!svn) return malformed();
    pck.tcb_components[i] = static_cast<std::uint8_t>(*svn);
  }
  const auto pce_svn = number_at(tcb, 17, kDerInteger, 0xffff);
  const auto cpu_svn = octets(tcb, 18, 16);
  if (!pce_svn || !cpu_svn) return malformed();
  pck.pce_svn = static_cast<std::uint16_t>(*pce_svn);
  pck.cpu_svn = *cpu_svn;
  return {};
}

}  // namespace

Result<Pck> read_pck(const crypto::Certificate& certificate) {
  const std::optional<Bytes> raw = certificate.extension(std::string(kExtension));
  if (!raw) return malformed();
  DerReader reader(*raw);
  const ByteView list = reader.take(kDerSequence);
  const auto entries = entries_of(list, kPrefix);
  if (!reader.finish() || !entries) return malformed();
  const auto ppid = octets(*entries, 1, 16);
  const auto tcb = sequence_at(*entries, kTcb);
  const auto pce_id = octets(*entries, 3, 2);
  const auto fmspc = octets(*entries, 4, 6);
  const auto type = number_at(*entries, 5, kDerEnumerated, 2);
  if (!ppid || !tcb || !pce_id || !fmspc || !type) return malformed();
  Pck pck{.ppid = *ppid,
          .cpu_svn = {},
          .pce_id = *pce_id,
          .fmspc = *fmspc,
          .sgx_type = *type,
          .platform_instance = octets(*entries, 6, 16)};
  if (entries->contains(6) && !pck.platform_instance) return malformed();
  APM_CHECK_OK(read_tcb(*tcb, pck));
  return pck;
}

}  // namespace apm::attestation::dcap
