#pragma once

// Machines of four kinds that software keys sign for, at the present time: an SNP guest, a TD, an
// SGX enclave and a Nitro enclave; and what their vendors would publish about them. A wish says
// what shall be wrong with the evidence. For end-to-end tests: not linked into any program.

#include <algorithm>
#include <set>
#include <string>

#include "attestation/testing/synthetic_enclave.h"
#include "attestation/testing/synthetic_intel.h"
#include "attestation/testing/synthetic_machine.h"

namespace apm::played {

using attestation::testing::IntelKeys;
using attestation::testing::kIntelDay;
using attestation::testing::kIntelNow;
using attestation::testing::must;
using attestation::testing::put;
using attestation::testing::SyntheticEnclave;
using attestation::testing::SyntheticIntel;
using attestation::testing::SyntheticMachine;
namespace dcap = attestation::dcap;

// debug, other (another measurement), stranger (another root), old (Nitro: an hour ago), bare (SNP:
// the host gives no certificates)
using Wish = std::set<std::string>;

struct Evidence {
  Bytes evidence;
  Bytes certificates;  // SNP: the host's table
};

// ---- SNP ----

struct SnpHost {
  explicit SnpHost(std::int64_t now) : own(now), stranger(now) {}
  SyntheticMachine own, stranger;

  [[nodiscard]] SyntheticMachine& of(const Wish& wish) {
    return wish.contains("stranger") ? stranger : own;
  }
};

inline void append_entry(Bytes& table, Bytes& data, std::string_view guid, const Bytes& der,
                         std::size_t table_size) {
  append(table, ByteView(must(hex_decode(guid))));
  append_u32_le(table, static_cast<std::uint32_t>(table_size + data.size()));
  append_u32_le(table, static_cast<std::uint32_t>(der.size()));
  append(data, ByteView(der));
}
// As the GHCB specification has it: entries of 24 bytes, an empty one, the certificates.
inline Bytes certificate_table(const SyntheticMachine& machine) {
  constexpr std::size_t kSize = std::size_t{24} * 4;
  Bytes table, data;
  append_entry(table, data, "63da758de6644564adc5f4b93be8accd", machine.leaf().der(), kSize);
  append_entry(table, data, "4ab7b379bbac4fe4a02f05aef327c782", machine.intermediate().der(),
               kSize);
  append_entry(table, data, "c0b406a4a803495297433fb6014cd0ae", machine.ark().der(), kSize);
  table.resize(kSize);
  append(table, ByteView(data));
  return table;
}

inline Evidence snp_evidence(SnpHost& host, const Wish& wish, const Bytes& report_data) {
  SyntheticMachine& machine = host.of(wish);
  machine.reset();
  machine.edit_report = [&](Bytes& report) {
    put(report, 0x50, report_data);
    if (wish.contains("debug")) report[0x008 + 2] |= 1U << 3;  // POLICY bit 19
    if (wish.contains("other")) put(report, 0x90, Bytes(48, 0x77));
  };
  Evidence out{machine.snp_evidence().report, {}};
  machine.edit_report = [](Bytes&) {};
  if (!wish.contains("bare")) out.certificates = certificate_table(machine);
  return out;
}

// ---- Intel ----

struct Span {
  std::int64_t from_s = 0;
  std::int64_t until_s = 0;
};

// The platform's certificates are good at `now`; what Intel says of it is of `documents`.
inline SyntheticIntel intel_platform(bool tdx, std::int64_t now, Span documents) {
  SyntheticIntel out = tdx ? SyntheticIntel(4, dcap::Tee::kTdx, dcap::BodyType::kTd10)
                           : SyntheticIntel(3, dcap::Tee::kSgx, dcap::BodyType::kSgx);
  for (auto* certificate : {&out.root, &out.authority, &out.leaf, &out.tcb_signing}) {
    certificate->not_before_s = now - kIntelDay;
    certificate->not_after_s = now + kIntelDay;
  }
  out.pck_crl.this_update_s = out.root_crl.this_update_s = now - 3600;
  out.pck_crl.next_update_s = out.root_crl.next_update_s = now + kIntelDay;
  for (std::string* text : {&out.tcb_info, &out.qe_identity}) {
    SyntheticIntel::replace(*text, rfc3339(kIntelNow - kIntelDay), rfc3339(documents.from_s));
    SyntheticIntel::replace(*text, rfc3339(kIntelNow + kIntelDay), rfc3339(documents.until_s));
  }
  return out;
}

inline Evidence intel_evidence(bool tdx, std::int64_t now, const Wish& wish,
                               const Bytes& report_data) {
  SyntheticIntel platform = intel_platform(tdx, now, {now - 3600, now + kIntelDay});
  put(platform.body, tdx ? 520 : 320, report_data);
  if (wish.contains("debug")) platform.body[tdx ? 120 : 48] |= tdx ? 1 : 2;
  if (wish.contains("other")) put(platform.body, tdx ? 136 : 64, Bytes(tdx ? 48 : 32, 0x77));
  if (wish.contains("stranger")) {
    platform.root.key = platform.root.signer = platform.authority.signer =
        &IntelKeys::get().other_root;
  }
  return {platform.quote(), {}};
}

// ---- Nitro ----

struct NitroHost {
  explicit NitroHost(std::int64_t now) : own(now), stranger(now) {}
  SyntheticEnclave own, stranger;
};

struct NitroQuestion {
  Bytes nonce, public_key;
};

inline Bytes nitro_document(NitroHost& host, std::int64_t now, const Wish& wish,
                            const NitroQuestion& question) {
  using attestation::testing::cbor_bytes;
  using attestation::testing::cbor_text;
  SyntheticEnclave& enclave = wish.contains("stranger") ? host.stranger : host.own;
  enclave.reset();
  const std::int64_t at = wish.contains("old") ? now - 3600 : now;
  enclave.edit_fields = [&](attestation::testing::CborPairs& fields) {
    for (auto& [name, value] : fields) {
      if (name == cbor_text("nonce")) value = cbor_bytes(question.nonce);
      if (name == cbor_text("public_key")) value = cbor_bytes(question.public_key);
      if (name == cbor_text("timestamp")) {
        value = attestation::testing::cbor_unsigned(static_cast<std::uint64_t>(at) * 1000);
      }
    }
  };
  for (auto& [index, value] : enclave.pcrs) {
    if (wish.contains("debug")) std::ranges::fill(value, std::uint8_t{0});
    if (wish.contains("other") && index == 0) std::ranges::fill(value, std::uint8_t{0x77});
  }
  Bytes document = enclave.document();
  enclave.edit_fields = [](attestation::testing::CborPairs&) {};
  return document;
}

}  // namespace apm::played
