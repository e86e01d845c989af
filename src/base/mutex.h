#pragma once

// The mutexes of the product: std's, with the annotations that let clang prove which lock guards
// what (libstdc++ does not annotate its own). Lock them through MutexLock, ReaderLock and
// WriterLock. CondVar has no predicate form on purpose: a loop in the caller's body is what clang
// can follow.

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <shared_mutex>

#include "base/thread_annotations.h"

namespace apm {

class APM_CAPABILITY("mutex") Mutex {
 public:
  void lock() APM_ACQUIRE() { mutex_.lock(); }
  void unlock() APM_RELEASE() { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

class APM_CAPABILITY("shared mutex") SharedMutex {
 public:
  void lock() APM_ACQUIRE() { mutex_.lock(); }
  void unlock() APM_RELEASE() { mutex_.unlock(); }
  void lock_shared() APM_ACQUIRE_SHARED() { mutex_.lock_shared(); }
  void unlock_shared() APM_RELEASE_SHARED() { mutex_.unlock_shared(); }

 private:
  std::shared_mutex mutex_;
};

class APM_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) APM_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() APM_RELEASE() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

class APM_SCOPED_CAPABILITY WriterLock {
 public:
  explicit WriterLock(SharedMutex& mutex) APM_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~WriterLock() APM_RELEASE() { mutex_.unlock(); }
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;

 private:
  SharedMutex& mutex_;
};

class APM_SCOPED_CAPABILITY ReaderLock {
 public:
  explicit ReaderLock(SharedMutex& mutex) APM_ACQUIRE_SHARED(mutex) : mutex_(mutex) {
    mutex_.lock_shared();
  }
  ~ReaderLock() APM_RELEASE() { mutex_.unlock_shared(); }
  ReaderLock(const ReaderLock&) = delete;
  ReaderLock& operator=(const ReaderLock&) = delete;

 private:
  SharedMutex& mutex_;
};

class CondVar {
 public:
  // Gives the mutex up while waiting. Wakes without cause too: call it in a loop.
  void wait(Mutex& mutex) APM_REQUIRES(mutex) {
    std::unique_lock lock(mutex.mutex_, std::adopt_lock);
    changed_.wait(lock);
    lock.release();
  }
  // False when `at` has passed.
  [[nodiscard]] bool wait_until(Mutex& mutex, std::chrono::steady_clock::time_point at)
      APM_REQUIRES(mutex) {
    std::unique_lock lock(mutex.mutex_, std::adopt_lock);
    const std::cv_status status = changed_.wait_until(lock, at);
    lock.release();
    return status == std::cv_status::no_timeout;
  }
  void notify_one() { changed_.notify_one(); }
  void notify_all() { changed_.notify_all(); }

 private:
  std::condition_variable changed_;
};

}  // namespace apm
