#include "crypto/secret_bytes.h"

#include <openssl/crypto.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <new>

#include "base/file.h"
#include "base/mutex.h"
#include "base/text.h"
#include "crypto/random.h"

namespace apm::crypto {
namespace {

constexpr std::size_t kGrain = 16;

// One arena for the process, between two guard pages. This is the one static object of the product:
// a secret must find its pool without every caller carrying it, and the pool has no other state.
class Pool {
 public:
  static Pool& instance() {
    static Pool pool;
    return pool;
  }

  [[nodiscard]] const Status& status() const { return status_; }

  std::uint8_t* take(std::size_t size) {
    const MutexLock lock(mutex_);
    if (!status_.ok() || size > kSecretBytesMax) throw std::bad_alloc();
    const std::size_t need = (size + kGrain - 1) / kGrain * kGrain;
    for (auto gap = gaps_.begin(); gap != gaps_.end(); ++gap) {
      if (gap->second < need) continue;
      const std::size_t offset = gap->first;
      const std::size_t left = gap->second - need;
      gaps_.erase(gap);
      if (left > 0) gaps_[offset + need] = left;
      return arena_ + offset;
    }
    throw std::bad_alloc();
  }

  void give_back(std::uint8_t* block, std::size_t size) {
    const std::size_t length = (size + kGrain - 1) / kGrain * kGrain;
    ::explicit_bzero(block, length);
    const MutexLock lock(mutex_);
    auto [at, added] = gaps_.emplace(static_cast<std::size_t>(block - arena_), length);
    if (auto next = std::next(at); next != gaps_.end() && at->first + at->second == next->first) {
      at->second += next->second;
      gaps_.erase(next);
    }
    if (at != gaps_.begin()) {
      auto before = std::prev(at);
      if (before->first + before->second == at->first) {
        before->second += at->second;
        gaps_.erase(at);
      }
    }
  }

 private:
  Pool() {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    void* whole =
        ::mmap(nullptr, kSecretPoolBytes + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (whole == MAP_FAILED) {
      status_ = io_error("map the pool for secrets");
      return;
    }
    arena_ = static_cast<std::uint8_t*>(whole) + page;
    if (::mprotect(arena_, kSecretPoolBytes, PROT_READ | PROT_WRITE) != 0) {
      status_ = io_error("make the pool for secrets writable");
    } else if (::mlock(arena_, kSecretPoolBytes) != 0) {
      const Error cause = io_error("lock the pool for secrets in memory");
      status_ = Error(Code::kIo, "secret_pool_not_locked",
                      concat(cause.message,
                             ". Raise RLIMIT_MEMLOCK (ulimit -l, LimitMEMLOCK=) to at "
                             "least ",
                             kSecretPoolBytes / 1024, " KiB"));
    } else if (::madvise(arena_, kSecretPoolBytes, MADV_DONTDUMP) != 0 ||
               ::madvise(arena_, kSecretPoolBytes, MADV_WIPEONFORK) != 0) {
      status_ = io_error("keep the pool for secrets out of dumps and children");
    }
    gaps_[0] = kSecretPoolBytes;
  }

  Mutex mutex_;
  std::uint8_t* arena_ = nullptr;
  std::map<std::size_t, std::size_t> gaps_ APM_GUARDED_BY(mutex_);  // offset -> free bytes
  Status status_;
};

}  // namespace

Status prepare_secret_pool() { return Pool::instance().status(); }

SecretBytes SecretBytes::zeros(std::size_t size) {
  if (size == 0) return {};
  std::uint8_t* data = Pool::instance().take(size);
  std::memset(data, 0, size);
  return SecretBytes(data, size);
}

SecretBytes SecretBytes::copy_of(ByteView bytes) {
  SecretBytes out = zeros(bytes.size());
  std::copy(bytes.begin(), bytes.end(), out.data_);
  return out;
}

SecretBytes SecretBytes::copy_of(std::string_view text) { return copy_of(as_bytes(text)); }

SecretBytes SecretBytes::random(std::size_t size) {
  SecretBytes out = zeros(size);
  random_fill(out.mutable_view());
  return out;
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this != &other) {
    wipe();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

SecretBytes::~SecretBytes() { wipe(); }

SecretBytes SecretBytes::clone() const { return copy_of(view()); }

bool SecretBytes::equals(const SecretBytes& other) const {
  return constant_time_equal(view(), other.view());
}

void SecretBytes::wipe() {
  if (data_ == nullptr) return;
  Pool::instance().give_back(std::exchange(data_, nullptr), std::exchange(size_, 0));
}

bool constant_time_equal(ByteView a, ByteView b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void wipe(MutableByteView bytes) { OPENSSL_cleanse(bytes.data(), bytes.size()); }

void wipe(std::string& text) {
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

}  // namespace apm::crypto
