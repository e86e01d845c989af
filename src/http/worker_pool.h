#pragma once

// A fixed number of threads and a bounded queue of jobs. A full queue says no; it never blocks.
// Any thread may submit; the owner starts and stops it once. Jobs must not throw.

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace apm::http {

class WorkerPool {
 public:
  struct Size {
    std::size_t workers;
    std::size_t queue_depth_max;
  };
  explicit WorkerPool(Size size);
  ~WorkerPool() { stop(); }
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // False when the queue is full or the pool is stopped; the job is then not run.
  [[nodiscard]] bool submit(std::function<void()> job);

  // Lets the running jobs end, drops the queued ones, joins the threads.
  void stop();

 private:
  void run();

  const std::size_t queue_depth_max_;
  Mutex mutex_;
  CondVar wake_;
  std::deque<std::function<void()>> queue_ APM_GUARDED_BY(mutex_);
  bool stopped_ APM_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace apm::http
