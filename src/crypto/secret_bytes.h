#pragma once

// Key material: lives in one locked, guarded, non-dumpable pool; wiped when it goes; cannot be
// copied by accident, printed, or compared except in constant time.
//
// The pool is a fixed arena, mapped and mlock()ed at first use (MADV_DONTDUMP, MADV_WIPEONFORK).
// prepare_secret_pool() does this at start-up, so that too small a RLIMIT_MEMLOCK is a named error
// there and not a failure later. A full pool is out-of-memory (std::bad_alloc). Any thread.

#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace apm::crypto {

inline constexpr std::size_t kSecretPoolBytes = 1 << 20;
inline constexpr std::size_t kSecretBytesMax = 64 * 1024;  // one secret

[[nodiscard]] Status prepare_secret_pool();

class SecretBytes {
 public:
  SecretBytes() = default;  // empty
  [[nodiscard]] static SecretBytes zeros(std::size_t size);
  [[nodiscard]] static SecretBytes copy_of(
      ByteView bytes);  // the source stays the caller's to wipe
  [[nodiscard]] static SecretBytes copy_of(std::string_view text);
  [[nodiscard]] static SecretBytes random(std::size_t size);

  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes();

  [[nodiscard]] SecretBytes clone() const;
  [[nodiscard]] ByteView view() const { return {data_, size_}; }
  [[nodiscard]] MutableByteView mutable_view() { return {data_, size_}; }
  [[nodiscard]] std::string_view text() const { return as_text(view()); }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] bool equals(const SecretBytes& other) const;  // constant time for equal sizes
  void wipe();

 private:
  SecretBytes(std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

// Same length and same content, in time that depends on the length alone.
[[nodiscard]] bool constant_time_equal(ByteView a, ByteView b);

// Zeroes memory in a way that the compiler keeps.
void wipe(MutableByteView bytes);
void wipe(std::string& text);

}  // namespace apm::crypto
