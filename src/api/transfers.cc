#include "api/transfers.h"

#include "api/limits.h"
#include "base/text.h"
#include "crypto/random.h"

namespace apm::api {
namespace {

Error not_here() {
  return Error(
      Code::kNotFound, "snapshot_transfer",
      concat("there is no such transfer of a snapshot: it ended, belongs to another token, "
             "or nothing was asked of it for ",
             kSnapshotIdleMax.count() / 1000, " seconds; begin again"));
}

}  // namespace

bool Transfers::idle(const Transfer& transfer) const {
  return clock_.steady() - transfer.used > kSnapshotIdleMax;
}

Status Transfers::check_free(Slot& slot) {
  if (slot && idle(*slot)) slot.reset();
  if (!slot) return {};
  return Error(Code::kConflict, "snapshot_busy",
               concat("another snapshot is being saved or restored; wait until it has ended, or "
                      "until nothing was asked of it for ",
                      kSnapshotIdleMax.count() / 1000, " seconds"));
}

std::string Transfers::begin(Slot& slot, Transfer transfer) {
  transfer.ticket.id = crypto::random_uuid();
  transfer.used = clock_.steady();
  slot = std::move(transfer);
  return slot->ticket.id;
}

Result<Transfers::Transfer*> Transfers::find(Slot& slot, const Ticket& ticket) {
  if (slot && idle(*slot)) slot.reset();
  if (!slot || slot->ticket.id != ticket.id || slot->ticket.owner != ticket.owner) {
    return not_here();
  }
  slot->used = clock_.steady();
  return &*slot;
}

Status Transfers::advance(Transfer& transfer, std::uint64_t number) {
  if (number != transfer.next) {
    return Error(Code::kInvalidArgument, "snapshot_piece",
                 concat("piece ", transfer.next, " of the snapshot is the next one, not ", number,
                        "; begin again if a piece was lost"));
  }
  ++transfer.next;
  return {};
}

// --- Out ---

Status Transfers::check_save_free() {
  const MutexLock lock(mutex_);
  return check_free(save_);
}

Result<std::string> Transfers::begin_save(const std::string& owner,
                                          std::unique_ptr<snapshot::Writer> writer) {
  const MutexLock lock(mutex_);
  APM_CHECK_OK(check_free(save_));
  Transfer transfer;
  transfer.ticket.owner = owner;
  transfer.writer = std::move(writer);
  return begin(save_, std::move(transfer));
}

Result<Transfers::Piece> Transfers::read(const Ticket& ticket, std::uint64_t number) {
  const MutexLock lock(mutex_);
  APM_TRY(Transfer * transfer, find(save_, ticket));
  APM_CHECK_OK(advance(*transfer, number));
  Result<Bytes> data = transfer->writer->read(kSnapshotPieceBytes);
  if (!data.ok()) {
    save_.reset();
    return data.error().within("saving the snapshot; begin again");
  }
  Piece piece{std::move(*data), transfer->writer->records(), false};
  piece.last = piece.data.size() < kSnapshotPieceBytes;
  if (piece.last) save_.reset();
  return piece;
}

// --- In ---

Result<std::string> Transfers::begin_restore(const std::string& owner) {
  const MutexLock lock(mutex_);
  APM_CHECK_OK(check_free(restore_));
  Transfer transfer;
  transfer.ticket.owner = owner;
  return begin(restore_, std::move(transfer));
}

Status Transfers::write(const Ticket& ticket, std::uint64_t number, ByteView data) {
  const MutexLock lock(mutex_);
  APM_TRY(Transfer * transfer, find(restore_, ticket));
  if (data.size() > kSnapshotPieceBytes) {
    return Error(Code::kTooLarge, "snapshot_piece",
                 concat("a piece of a snapshot has at most ", kSnapshotPieceBytes, " bytes"));
  }
  if (transfer->received.size() + data.size() > kSnapshotUploadBytesMax) {
    restore_.reset();
    return Error(Code::kTooLarge, "snapshot_too_large",
                 concat("a running server takes a snapshot of at most ", kSnapshotUploadBytesMax,
                        " bytes; stop it and restore offline: operator snapshot restore -config"));
  }
  APM_CHECK_OK(advance(*transfer, number));
  append(transfer->received, data);
  return {};
}

Result<Bytes> Transfers::take(const Ticket& ticket) {
  const MutexLock lock(mutex_);
  APM_TRY(Transfer * transfer, find(restore_, ticket));
  Bytes received = std::move(transfer->received);
  restore_.reset();
  return received;
}

// --- Ends ---

void Transfers::end(const Ticket& ticket) {
  const MutexLock lock(mutex_);
  if (find(save_, ticket).ok()) save_.reset();
  if (find(restore_, ticket).ok()) restore_.reset();
}

void Transfers::forget_idle() {
  const MutexLock lock(mutex_);
  for (Slot* slot : {&save_, &restore_}) {
    if (*slot && idle(**slot)) slot->reset();
  }
}

void Transfers::forget_all() {
  const MutexLock lock(mutex_);
  save_.reset();
  restore_.reset();
}

}  // namespace apm::api
