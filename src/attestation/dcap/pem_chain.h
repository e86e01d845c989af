#pragma once

// A PEM certificate list that is signed by nobody, as it stands in quotes and beside collateral:
// only its canonical form is read, so that a changed byte is a refusal and not another spelling of
// the same chain. Blocks follow each other directly; lines have one width (64 in Intel's own, 76
// seen); base64 and DER are canonical. Behind the last block stand a newline, a NUL, both or
// neither (all seen). CR before LF is accepted.
// Errors: kRefused "dcap_chain_malformed".

#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/x509.h"

namespace apm::attestation::dcap {

[[nodiscard]] Result<std::vector<crypto::Certificate>> read_pem_chain(std::string_view pem);

}  // namespace apm::attestation::dcap
