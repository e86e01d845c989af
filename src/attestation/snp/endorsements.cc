#include "attestation/snp/endorsements.h"

#include <algorithm>

#include "attestation/limits.h"
#include "attestation/snp/report.h"
#include "base/byte_reader.h"
#include "base/encoding.h"
#include "base/json.h"
#include "base/text.h"

namespace apm::attestation::snp {
namespace {

using crypto::Certificate;

constexpr std::size_t kGuidSize = 16;
constexpr std::size_t kTableEntrySize = kGuidSize + 4 + 4;
constexpr std::string_view kGuidVcek = "63da758d-e664-4564-adc5-f4b93be8accd";
constexpr std::string_view kGuidVlek = "a8074bc2-a25a-483e-aae6-39c045a0b8a1";
constexpr std::string_view kGuidAsk = "4ab7b379-bbac-4fe4-a02f-05aef327c782";
constexpr std::string_view kGuidArk = "c0b406a4-a803-4952-9743-3fb6014cd0ae";

Error malformed(std::string_view what) {
  return Error(Code::kRefused, "snp_chain_malformed",
               concat("the certificates that came with the SNP report: ", what));
}

Error bad_table(std::string_view what) {
  return Error(Code::kRefused, "snp_table_malformed",
               concat("the certificate table of the SNP report: ", what));
}

bool is_root(const Certificate& c) { return c.subject_common_name() == c.issuer_common_name(); }

Result<Chain> chain_of(std::vector<Certificate> list) {
  if (list.empty() || list.size() > kSnpChainCertificatesMax) {
    return malformed(concat("there are ", list.size(),
                            "; the VCEK or VLEK comes first, then at most one ASK or ASVK and one "
                            "ARK"));
  }
  Chain chain{std::move(list.front()), std::nullopt, std::nullopt};
  for (std::size_t i = 1; i < list.size(); ++i) {
    std::optional<Certificate>& place = is_root(list[i]) ? chain.root : chain.intermediate;
    if (place) return malformed("there are two roots or two intermediates");
    place = std::move(list[i]);
  }
  return chain;
}

Result<Chain> chain_from_pem(std::string_view pem) {
  if (pem.size() > kChainPemBytesMax) return malformed("they are too large");
  auto list = Certificate::list_from_pem(pem);
  if (!list.ok()) return malformed(list.error().message);
  return chain_of(std::move(*list));
}

Result<Chain> chain_from_thim(std::string_view text) {
  json::Limits limits;
  limits.bytes_max = kChainPemBytesMax;
  const auto parsed = json::parse(text, limits);
  const std::string* leaf = parsed.ok() ? parsed->string_at("vcekCert") : nullptr;
  const std::string* chain = parsed.ok() ? parsed->string_at("certificateChain") : nullptr;
  if (leaf == nullptr || chain == nullptr) {
    return malformed("the THIM answer is not JSON with vcekCert and certificateChain");
  }
  const auto first = Certificate::list_from_pem(*leaf);
  if (!first.ok() || first->size() != 1) return malformed("vcekCert is not one PEM certificate");
  return chain_from_pem(concat(*leaf, "\n", *chain));
}

Result<Chain> chain_from_table(ByteView table, KeyKind kind) {
  APM_TRY(const std::vector<TableEntry> entries, parse_certificate_table(table));
  const auto find = [&](std::string_view guid) {
    return std::find_if(entries.begin(), entries.end(),
                        [&](const TableEntry& entry) { return entry.guid == guid; });
  };
  // The leaf first. The table has one place for the key above it, whatever that key signs.
  const std::string_view leaf = kind == KeyKind::kVcek ? kGuidVcek : kGuidVlek;
  std::vector<Certificate> list;
  for (const std::string_view guid : {leaf, kGuidAsk, kGuidArk}) {
    const auto entry = find(guid);
    if (entry == entries.end()) {
      if (guid != leaf) continue;
      return Error(Code::kRefused, "snp_chain_missing",
                   concat("the certificate table holds no ", key_kind_name(kind)));
    }
    auto certificate = Certificate::from_der(entry->data);
    if (!certificate.ok()) return bad_table(certificate.error().message);
    list.push_back(std::move(*certificate));
  }
  return chain_of(std::move(list));
}

std::string guid_text(ByteView raw) {
  const std::string hex = hex_encode(raw);
  return concat(hex.substr(0, 8), "-", hex.substr(8, 4), "-", hex.substr(12, 4), "-",
                hex.substr(16, 4), "-", hex.substr(20));
}

bool all_zero(ByteView bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t b) { return b == 0; });
}

struct Place {
  std::string guid;
  std::uint32_t offset = 0;
  std::uint32_t size = 0;
};

// The list at the head of the table, up to its all-zero entry.
Result<std::vector<Place>> read_places(ByteReader& reader) {
  std::vector<Place> places;
  while (true) {
    const ByteView raw = reader.take(kTableEntrySize);
    if (!reader.ok()) return bad_table("its list has no end");
    if (all_zero(raw)) return places;
    if (places.size() == kSnpTableEntriesMax) return bad_table("it has too many entries");
    ByteReader entry(raw);
    std::string guid = guid_text(entry.take(kGuidSize));
    const std::uint32_t offset = entry.u32_le();
    places.push_back({std::move(guid), offset, entry.u32_le()});
  }
}

}  // namespace

std::string_view key_kind_name(KeyKind kind) {
  switch (kind) {
    case KeyKind::kVcek: return "VCEK";
    case KeyKind::kVlek: return "VLEK";
  }
  return "";
}

Result<Chain> read_chain(const Endorsements& endorsements, KeyKind kind) {
  const int forms = int{!endorsements.chain_pem.empty()} +
                    int{!endorsements.certificate_table.empty()} +
                    int{!endorsements.thim_json.empty()};
  if (forms == 0) {
    return Error(
        Code::kRefused, "snp_chain_missing",
        concat("no certificate came with the SNP report: it needs its ", key_kind_name(kind)));
  }
  if (forms > 1) return malformed("they came in more than one form");
  if (!endorsements.chain_pem.empty()) return chain_from_pem(endorsements.chain_pem);
  if (!endorsements.thim_json.empty()) return chain_from_thim(endorsements.thim_json);
  return chain_from_table(endorsements.certificate_table, kind);
}

Result<std::vector<TableEntry>> parse_certificate_table(ByteView table) {
  if (table.size() > kSnpTableBytesMax) return bad_table("it is too large");
  ByteReader reader(table);
  APM_TRY(const std::vector<Place> places, read_places(reader));
  const std::size_t list_size = table.size() - reader.remaining();
  std::vector<TableEntry> entries;
  for (const Place& place : places) {
    // Sizes are 32 bits each: their sum fits.
    const std::uint64_t end = std::uint64_t{place.offset} + place.size;
    if (place.offset < list_size || end > table.size() || place.size == 0) {
      return bad_table(concat("entry ", place.guid, " does not lie in the table"));
    }
    const bool twice = std::any_of(entries.begin(), entries.end(), [&](const TableEntry& entry) {
      return entry.guid == place.guid;
    });
    if (twice) return bad_table(concat("entry ", place.guid, " occurs twice"));
    entries.push_back({place.guid, table.subspan(place.offset, place.size)});
  }
  return entries;
}

Result<ExtendedReport> split_extended_report(ByteView raw) {
  if (raw.size() <= kReportSize) return bad_table("there is none behind the report");
  return ExtendedReport{to_bytes(raw.first(kReportSize)), to_bytes(raw.subspan(kReportSize))};
}

}  // namespace apm::attestation::snp
