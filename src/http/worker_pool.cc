#include "http/worker_pool.h"

#include <utility>

namespace apm::http {

WorkerPool::WorkerPool(Size size) : queue_depth_max_(size.queue_depth_max) {
  threads_.reserve(size.workers);
  for (std::size_t i = 0; i < size.workers; ++i) threads_.emplace_back([this] { run(); });
}

bool WorkerPool::submit(std::function<void()> job) {
  {
    const MutexLock lock(mutex_);
    if (stopped_ || queue_.size() >= queue_depth_max_) return false;
    queue_.push_back(std::move(job));
  }
  wake_.notify_one();
  return true;
}

void WorkerPool::stop() {
  std::deque<std::function<void()>> dropped;  // destroyed without the lock
  {
    const MutexLock lock(mutex_);
    stopped_ = true;
    dropped.swap(queue_);
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void WorkerPool::run() {
  for (;;) {
    std::function<void()> job;
    {
      const MutexLock lock(mutex_);
      while (!stopped_ && queue_.empty()) wake_.wait(mutex_);
      if (stopped_) return;
      job = std::move(queue_.front());
      queue_.pop_front();
    }
    job();
  }
}

}  // namespace apm::http
