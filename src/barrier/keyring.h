#pragma once

// The keys of the records, oldest first; the last one is active. Kept in core/keyring as JSON under
// a key that is derived from the root key (docs/formats/seal.md), together with a copy of the seal
// configuration. No locking of its own: the barrier's lock guards it.

#include "barrier/barrier.h"

namespace apm::barrier {

struct Term {
  std::uint32_t number = 0;
  std::int64_t installed_unix_s = 0;
  std::uint64_t reserved = 0;  // encryptions that may have been made with it, never fewer
  crypto::SecretBytes key;

  [[nodiscard]] Term clone() const;
};

struct Keyring {
  SealConfig config;
  std::uint64_t version_floor = 0;  // a record version that was reached
  std::vector<Term> terms;          // numbers ascend; never empty once made

  [[nodiscard]] Keyring clone() const;
  [[nodiscard]] Term& active() { return terms.back(); }
  [[nodiscard]] const Term& active() const { return terms.back(); }
  [[nodiscard]] const Term* find(std::uint32_t number) const;  // nullptr when there is none
  // A fresh key, one number up. kTooLarge "keyring_full".
  [[nodiscard]] Status add_term(std::int64_t now_unix_s);
};

[[nodiscard]] Result<Bytes> seal_keyring(const crypto::SecretBytes& root_key,
                                         const Keyring& keyring);
// kCorrupt "keyring_corrupt" when it does not open, or does not hold what it must.
[[nodiscard]] Result<Keyring> open_keyring(const crypto::SecretBytes& root_key, ByteView sealed);

}  // namespace apm::barrier
