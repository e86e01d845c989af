#include "crypto/library.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/wiping_heap.h"

namespace apm::crypto {
namespace {

void* allocate(std::size_t size, const char*, int) { return std::malloc(size); }  // NOLINT: C hook

void release(void* block, const char*, int) { wipe_and_free(block); }

// realloc() may leave the old block behind unwiped, so it is spelled out.
void* reallocate(void* block, std::size_t size, const char*, int) {
  if (size == 0) {
    wipe_and_free(block);
    return nullptr;
  }
  void* fresh = std::malloc(size);  // NOLINT: a C hook
  if (fresh == nullptr || block == nullptr) return fresh;
  std::memcpy(fresh, block, std::min(size, ::malloc_usable_size(block)));
  wipe_and_free(block);
  return fresh;
}

}  // namespace

Status start_library() {
  if (CRYPTO_set_mem_functions(allocate, reallocate, release) != 1) {
    return Error(Code::kCrypto, "OpenSSL was used before its wiping allocator was set");
  }
  if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_LOAD_CRYPTO_STRINGS,
                          nullptr) != 1) {
    return Error(Code::kCrypto, "OpenSSL does not start");
  }
  return {};
}

}  // namespace apm::crypto
