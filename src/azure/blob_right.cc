#include "azure/blob_right.h"

#include <utility>

#include "azure/blob_log.h"
#include "azure/limits.h"
#include "storage/limits.h"

namespace apm::azure {
namespace {

BootTime end_of(BootTime asked, Milliseconds ttl) {
  return asked + ttl - ttl / storage::kLeaseMarginPart;
}

}  // namespace

BlobRight::BlobRight(BlobClient& client, Mutex& client_mutex, Terms terms)
    : client_(client),
      client_mutex_(client_mutex),
      terms_(std::move(terms)),
      valid_until_(end_of(terms_.asked, terms_.ttl)),
      thread_([this] { renew_until_ended(); }) {}

BlobRight::~BlobRight() { end_renewing(); }

void BlobRight::end_renewing() {
  {
    const MutexLock lock(mutex_);
    ended_ = true;
  }
  ended_changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool BlobRight::held() const { return !lost_ && BootClock::now() < valid_until_.load(); }

Status BlobRight::renew(const Deadline& deadline) {
  const MutexLock lock(client_mutex_);
  const BootTime asked = BootClock::now();
  const Status renewed = client_.renew_lease(kManifestBlob, terms_.lease_id, deadline);
  if (renewed.ok()) {
    valid_until_ = end_of(asked, terms_.ttl);
  } else if (renewed.error().code == Code::kConflict || renewed.error().code == Code::kNotFound) {
    lost_ = true;
  }
  return renewed;
}

Status BlobRight::give_up(const Deadline& deadline) {
  const MutexLock lock(client_mutex_);
  lost_ = true;
  return client_.release_lease(kManifestBlob, terms_.lease_id, deadline);
}

void BlobRight::renew_until_ended() {
  Milliseconds pause = terms_.ttl / 3;
  while (true) {
    {
      const SteadyTime until = std::chrono::steady_clock::now() + pause;
      const MutexLock lock(mutex_);
      while (!ended_ && ended_changed_.wait_until(mutex_, until)) {
      }
      if (ended_) return;
    }
    // A failure shows in held() when the lifetime has run out; until then it is tried more often.
    const Status renewed = renew(Deadline::after(terms_.ttl / 3));
    if (lost_) return;
    pause = renewed.ok() ? terms_.ttl / 3 : terms_.ttl / 15;
  }
}

}  // namespace apm::azure
