#pragma once

// Snapshots on their way out of a server or into it, piece by piece, because requests and answers
// are bounded. At most one each way at a time. Each has a random id and belongs to the token that
// began it; its pieces come in order; when no piece was asked for or sent for kSnapshotIdleMax, or
// the server is sealed, it is forgotten. Any thread may call.
//
// Errors: kConflict "snapshot_busy", kNotFound "snapshot_transfer" (ended, idle for too long, or
// somebody else's), kInvalidArgument "snapshot_piece" (not the next one), kTooLarge
// "snapshot_too_large".

#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/mutex.h"
#include "snapshot/writer.h"

namespace apm::api {

class Transfers {
 public:
  explicit Transfers(const Clock& clock) : clock_(clock) {}

  // Whose transfer, and which.
  struct Ticket {
    std::string owner;  // the accessor of the caller's token
    std::string id;
  };
  struct Piece {
    Bytes data;
    std::uint64_t records = 0;  // so far
    bool last = false;
  };

  [[nodiscard]] Status check_save_free();
  [[nodiscard]] Result<std::string> begin_save(const std::string& owner,
                                               std::unique_ptr<snapshot::Writer> writer);
  [[nodiscard]] Result<Piece> read(const Ticket& ticket, std::uint64_t number);

  [[nodiscard]] Result<std::string> begin_restore(const std::string& owner);
  [[nodiscard]] Status write(const Ticket& ticket, std::uint64_t number, ByteView data);
  // All that was sent; the transfer has ended.
  [[nodiscard]] Result<Bytes> take(const Ticket& ticket);

  void end(const Ticket& ticket);  // whichever way; nothing when there is none
  void forget_idle();
  void forget_all();

 private:
  struct Transfer {
    Ticket ticket;
    std::uint64_t next = 0;
    SteadyTime used;
    std::unique_ptr<snapshot::Writer> writer;  // of a save
    Bytes received;                            // of a restore
  };
  using Slot = std::optional<Transfer>;

  [[nodiscard]] Status check_free(Slot& slot) APM_REQUIRES(mutex_);
  [[nodiscard]] std::string begin(Slot& slot, Transfer transfer) APM_REQUIRES(mutex_);
  [[nodiscard]] Result<Transfer*> find(Slot& slot, const Ticket& ticket) APM_REQUIRES(mutex_);
  [[nodiscard]] Status advance(Transfer& transfer, std::uint64_t number) APM_REQUIRES(mutex_);
  [[nodiscard]] bool idle(const Transfer& transfer) const;

  const Clock& clock_;
  Mutex mutex_;
  Slot save_ APM_GUARDED_BY(mutex_);
  Slot restore_ APM_GUARDED_BY(mutex_);
};

}  // namespace apm::api
