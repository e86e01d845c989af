#pragma once

// The right to write a commit log on Azure Blob: the lease of the manifest's blob, renewed by a
// thread of its own until end(). Owns its client, so that nothing else delays a renewal. Any thread
// may ask.

#include <atomic>
#include <optional>
#include <string>
#include <thread>

#include "azure/blob_client.h"
#include "base/mutex.h"

namespace apm::azure {

class BlobRight {
 public:
  struct Terms {
    std::string lease_id;
    Milliseconds ttl{0};
    BootTime asked;  // before the service was asked for it
  };
  BlobRight(BlobClient& client, Mutex& client_mutex, Terms terms);
  BlobRight(const BlobRight&) = delete;
  BlobRight& operator=(const BlobRight&) = delete;
  ~BlobRight();  // ends the thread; does not give the lease up

  void end_renewing();
  // Held by this machine's clock, counted from before the service was asked and ending a margin
  // (storage/limits.h) before somebody else may have it.
  [[nodiscard]] bool held() const;
  [[nodiscard]] bool lost() const { return lost_; }
  void lose() { lost_ = true; }
  [[nodiscard]] const std::string& lease_id() const { return terms_.lease_id; }

  [[nodiscard]] Status renew(const Deadline& deadline);  // sets lost() when somebody took over
  [[nodiscard]] Status give_up(const Deadline& deadline);

 private:
  void renew_until_ended();

  BlobClient& client_;
  Mutex& client_mutex_;
  const Terms terms_;
  std::atomic<bool> lost_{false};
  std::atomic<BootTime> valid_until_;

  Mutex mutex_;
  CondVar ended_changed_;
  bool ended_ APM_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace apm::azure
