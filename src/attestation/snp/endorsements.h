#pragma once

// The certificates that come with an SNP report, in any of the forms that platforms give them:
// PEM (leaf first), the GHCB certificate table of an extended report (AMD 56421), or Azure's THIM
// answer. All of it is told by the host: read with bounds, believed only after a path to a pinned
// key was found. Pure; any thread.
//
// Errors: kRefused with reason snp_chain_missing, snp_chain_malformed or snp_table_malformed.

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/x509.h"

namespace apm::attestation::snp {

// Which of the two keys of AMD signed a report: the chip's own, or one that AMD gave to a cloud.
enum class KeyKind { kVcek, kVlek };
[[nodiscard]] std::string_view key_kind_name(KeyKind kind);  // "VCEK"

// Exactly one of the three forms is to be filled.
struct Endorsements {
  std::string chain_pem;    // leaf, then at most one intermediate and one root in any order
  Bytes certificate_table;  // as GHCB's SNP extended guest request gives it
  std::string thim_json;    // {"vcekCert": PEM, "certificateChain": PEM, ...}
};

struct Chain {
  crypto::Certificate leaf;
  std::optional<crypto::Certificate> intermediate;  // ASK or ASVK
  std::optional<crypto::Certificate> root;          // only ever compared with the pinned one
};
// `kind`: which leaf to take from a table that holds both.
[[nodiscard]] Result<Chain> read_chain(const Endorsements& endorsements, KeyKind kind);

struct TableEntry {
  std::string guid;  // "63da758d-e664-4564-adc5-f4b93be8accd"
  ByteView data;     // into the table
};
[[nodiscard]] Result<std::vector<TableEntry>> parse_certificate_table(ByteView table);

// An extended report as tools store it: the report, then its certificate table.
struct ExtendedReport {
  Bytes report;
  Bytes certificate_table;
};
[[nodiscard]] Result<ExtendedReport> split_extended_report(ByteView raw);

}  // namespace apm::attestation::snp
