// The host's certificate table: every entry that is read lies inside the table and behind its list,
// once. What a fuzzer makes is no chain to AMD's root, in any of the three forms.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>

#include "attestation/snp/endorsements.h"
#include "attestation/snp/vek.h"

namespace {

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "property broken: %s\n", what);
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace attestation = apm::attestation;
  namespace snp = attestation::snp;
  const apm::ByteView raw(data, size);
  if (const auto entries = snp::parse_certificate_table(raw); entries.ok()) {
    const std::size_t list = (entries->size() + 1) * 24;
    std::set<std::string> seen;
    for (const snp::TableEntry& entry : *entries) {
      require(entry.data.data() >= data + list, "an entry lies in the list");
      require(entry.data.data() + entry.data.size() <= data + size, "an entry leaves the table");
      require(seen.insert(entry.guid).second, "an entry occurs twice");
    }
  }
  static const snp::Anchors vendor = *snp::Anchors::vendor();
  const std::string text(apm::as_text(raw));
  for (const snp::Endorsements& form :
       {snp::Endorsements{text, {}, ""}, snp::Endorsements{"", apm::to_bytes(raw), ""},
        snp::Endorsements{"", {}, text}}) {
    for (const snp::KeyKind kind : {snp::KeyKind::kVcek, snp::KeyKind::kVlek}) {
      attestation::Appraisal appraisal;
      const auto vek = snp::verify_vek(form, kind, {&vendor, 1'790'000'000, {}, false}, appraisal);
      require(vek.ok() || !vek.error().reason.empty(), "a refusal without a reason");
      require(vek.ok() == appraisal.verdict().ok(), "verdict and result differ");
    }
  }
  return 0;
}
