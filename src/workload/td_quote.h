#pragma once

// The TD quote of an Azure confidential VM on TDX. Its guest cannot ask the TDX module: the
// TDREPORT stands in the vTPM's HCL report, and Azure's host makes a quote of it (POST /acc/tdquote
// at the metadata address, plain HTTP by Azure's design). What comes back is untrusted: the
// verifier finds the report's own data in a quote that Intel's key signs. Borrows the client; one
// thread. The members, base64url without padding, as Azure's own attestation tools write them.
//
// Errors: those of parse_hcl_report and of net; "td_quote_not_tdx" for a machine of another kind,
// "td_quote_unavailable", "td_quote_malformed".

#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "net/http_client.h"

namespace apm::workload {

[[nodiscard]] Result<Bytes> fetch_td_quote(net::HttpClient& client,
                                           const std::string& imds_endpoint, ByteView hcl_report);

}  // namespace apm::workload
