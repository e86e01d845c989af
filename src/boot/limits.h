#pragma once

#include <chrono>
#include <cstddef>

namespace apm::boot {

inline constexpr std::chrono::minutes kBootDeadline{5};    // the whole of a boot
inline constexpr std::chrono::seconds kStoreLeaseWait{1};  // between looks at an empty store
inline constexpr std::chrono::seconds kSettleMargin{
    30};  // for the first role, beyond a boot's deadline
inline constexpr std::chrono::seconds kTakeoverDeadline{
    60};  // of the outside calls of a later term
// From the answer to a stored version until every later version is dated later, by a vault that
// dates by the second and may take a moment between dating and showing.
inline constexpr std::chrono::milliseconds kVersionDateSettles{1'500};
inline constexpr std::size_t kConfigBytesMax = 256 * 1024;
inline constexpr std::size_t kPemBytesMax = 256 * 1024;
inline constexpr std::size_t kEventLogBytesMax = 1024 * 1024;
inline constexpr int kAdminKeyBitsMin = 3072;  // RSA; NIST SP 800-57: beyond 2030
inline constexpr int kAdminKeyBitsMax = 8192;
inline constexpr std::size_t kAdminKeyTextMax = 16 * 1024;
inline constexpr std::size_t kAdminEnvelopeTextMax = 8 * 1024;
// What the `endorsements` stanza may ask for at most. A login that waits holds a worker: with both
// vendors, these leave a quarter of http's workers to everything else.
inline constexpr std::chrono::seconds kFetchDeadlineDefault{10};
inline constexpr std::chrono::seconds kFetchDeadlineMax{30};
inline constexpr std::size_t kLoginsWaitingMax = 6;  // for one vendor
inline constexpr std::size_t kFetchesPerMinuteMost = 6000;
inline constexpr std::size_t kDocumentsMost = 65'536;
inline constexpr std::size_t kVersionsExaminedMax = 64;  // of one Key Vault secret

}  // namespace apm::boot
