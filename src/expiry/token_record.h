#pragma once

// How a token's record is written (JSON behind the barrier). Pure; any thread.

#include "expiry/token_store.h"

namespace apm::expiry {

[[nodiscard]] Bytes write_record(const TokenEntry& entry);
// kCorrupt "token_record".
[[nodiscard]] Result<TokenEntry> read_record(ByteView stored);

// Used up or past its end, whatever its ancestors are.
[[nodiscard]] bool is_over(const TokenEntry& entry, std::int64_t now_unix_s);

}  // namespace apm::expiry
