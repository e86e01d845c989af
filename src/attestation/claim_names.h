#pragma once

// The claims that policies can name (docs/claims.md): every member with one value that some family
// can have, and what stands beside the claims (family, trust_anchor, enclave_id, signer_id). Lists
// are not among them, because no condition on a list can hold. Stored policies use these names: one
// may be added, and none ever taken away. Pure; any thread.

#include <string_view>
#include <vector>

namespace apm::attestation {

// "sevsnp.reported_tcb.snp". Exact: letter case matters.
[[nodiscard]] bool is_claim_name(std::string_view path);

// As the table has them: a last part "#" stands for a register's number, "*" for any name.
[[nodiscard]] const std::vector<std::string_view>& claim_names();

}  // namespace apm::attestation
