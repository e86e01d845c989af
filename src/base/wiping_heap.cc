// Every block that C++ code frees is zeroed first, so that no request, token or decoded key is
// left behind in freed memory. This replaces the global operators new and delete for every
// program that links base; the C libraries get the same through their own hooks (see
// crypto/library.cc and net). Long-lived keys do not live here: they are crypto::SecretBytes.
//
// Sanitizers bring their own operators, and must see the real ones.

#include "base/wiping_heap.h"

#include <malloc.h>
#include <string.h>

#include <cstdlib>
#include <new>

namespace apm {

void wipe_and_free(void* block) {
  if (block == nullptr) return;
  ::explicit_bzero(block, ::malloc_usable_size(block));
  std::free(block);  // NOLINT: this is the allocator
}

}  // namespace apm

#ifndef APM_SANITIZED

namespace {

void* allocate(std::size_t size) {
  if (void* block = std::malloc(size == 0 ? 1 : size))
    return block;  // NOLINT: this is the allocator
  throw std::bad_alloc();
}

void* allocate_aligned(std::size_t size, std::align_val_t alignment) {
  const auto align = static_cast<std::size_t>(alignment);
  const std::size_t rounded = (size + align - 1) / align * align;
  if (void* block = std::aligned_alloc(align, rounded == 0 ? align : rounded)) return block;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void* operator new(std::size_t size, std::align_val_t a) { return allocate_aligned(size, a); }
void* operator new[](std::size_t size, std::align_val_t a) { return allocate_aligned(size, a); }
void operator delete(void* p) noexcept { apm::wipe_and_free(p); }
void operator delete[](void* p) noexcept { apm::wipe_and_free(p); }
void operator delete(void* p, std::size_t) noexcept { apm::wipe_and_free(p); }
void operator delete[](void* p, std::size_t) noexcept { apm::wipe_and_free(p); }
void operator delete(void* p, std::align_val_t) noexcept { apm::wipe_and_free(p); }
void operator delete[](void* p, std::align_val_t) noexcept { apm::wipe_and_free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { apm::wipe_and_free(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { apm::wipe_and_free(p); }

#endif
