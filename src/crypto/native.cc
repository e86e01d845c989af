#include "crypto/native.h"

#include <openssl/err.h>

#include <array>

#include "base/text.h"

namespace apm::crypto {

std::string text_of(BIO* bio) {
  const char* data = nullptr;
  const std::size_t size =
      BIO_get_mem_data(bio, &data) > 0 ? static_cast<std::size_t>(BIO_get_mem_data(bio, &data)) : 0;
  return {data == nullptr ? "" : data, size};
}

Error openssl_error(const std::string& what) {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  std::array<char, 256> text{};
  if (code != 0) ERR_error_string_n(code, text.data(), text.size());
  return Error(Code::kCrypto, concat(what, " failed", code == 0 ? "" : ": ", text.data()));
}

}  // namespace apm::crypto
