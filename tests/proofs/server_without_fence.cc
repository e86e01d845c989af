// The server over a PostgreSQL store that believes in its lease for ever and writes without asking
// for its epoch: what a server would be whose fence is gone. The proof `ha` must find it out. For
// the proofs alone: the server program holds no such code.
//   server_without_fence server -config FILE

#include <unistd.h>

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "boot/serve.h"
#include "storage/postgres_connection.h"

namespace {

using apm::Deadline;
using apm::Milliseconds;
using apm::Result;
using apm::Status;
using namespace apm::storage;

class EternalLease final : public Lease {
 public:
  explicit EternalLease(std::unique_ptr<Lease> real) : real_(std::move(real)) {}
  [[nodiscard]] bool held() const override { return true; }
  [[nodiscard]] std::uint64_t epoch() const override { return real_->epoch(); }

 private:
  std::unique_ptr<Lease> real_;
};

class UnfencedStore final : public Store {
 public:
  UnfencedStore(std::unique_ptr<Store> inner, PgTarget target)
      : inner_(std::move(inner)), target_(std::move(target)) {}

  [[nodiscard]] Result<std::optional<apm::Bytes>> get(const std::string& key) override {
    return inner_->get(key);
  }
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& prefix) override {
    return inner_->list(prefix);
  }
  [[nodiscard]] Result<std::unique_ptr<Snapshot>> snapshot() override { return inner_->snapshot(); }
  [[nodiscard]] Status commit(const Batch& batch) override;
  [[nodiscard]] std::size_t batch_bytes_max() const override { return inner_->batch_bytes_max(); }
  [[nodiscard]] Result<std::unique_ptr<Lease>> acquire_lease(const std::string& owner,
                                                             const Deadline& deadline) override {
    APM_TRY(std::unique_ptr<Lease> real, inner_->acquire_lease(owner, deadline));
    return std::unique_ptr<Lease>(std::make_unique<EternalLease>(std::move(real)));
  }
  [[nodiscard]] Result<std::optional<LeaseHolder>> holder() override { return inner_->holder(); }
  [[nodiscard]] std::string description() const override { return inner_->description(); }
  [[nodiscard]] std::string type() const override { return inner_->type(); }

 private:
  [[nodiscard]] Status apply(PgConnection& connection, const Batch& batch,
                             const Deadline& deadline);

  std::unique_ptr<Store> inner_;
  PgTarget target_;
  apm::Mutex mutex_;  // one commit at a time
};

Status UnfencedStore::commit(const Batch& batch) {
  APM_CHECK_OK(check_batch(batch));
  const apm::MutexLock lock(mutex_);
  for (const Precondition& one : batch.preconditions) {
    APM_TRY(const std::optional<apm::Bytes> value, inner_->get(one.key));
    if (value != one.value) return precondition_failed(one.key);
  }
  const Deadline deadline = Deadline::after(Milliseconds(10'000));
  APM_TRY(PgConnection connection, PgConnection::open(target_, deadline));
  APM_CHECK_OK(connection.query("BEGIN", deadline));
  APM_CHECK_OK(apply(connection, batch, deadline));
  APM_CHECK_OK(connection.query("COMMIT", deadline));
  return {};
}

Status UnfencedStore::apply(PgConnection& connection, const Batch& batch,
                            const Deadline& deadline) {
  for (const Put& put : batch.puts) {
    PgArguments arguments;
    arguments.add(apm::as_bytes(put.key)).add(put.value);
    APM_CHECK_OK(connection.query(
        "INSERT INTO apm_store (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value "
        "= EXCLUDED.value",
        arguments, deadline));
  }
  for (const std::string& key : batch.deletes) {
    PgArguments arguments;
    arguments.add(apm::as_bytes(key));
    APM_CHECK_OK(connection.query("DELETE FROM apm_store WHERE key = $1", arguments, deadline));
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() != 3 || words[0] != "server" || words[1] != "-config") {
    std::cerr << "server_without_fence server -config FILE\n";
    return 2;
  }
  apm::boot::block_signals();
  apm::StreamLog log(STDERR_FILENO, apm::LogLevel::kInfo);
  return apm::boot::run_server(
      words[2], log, [](const apm::boot::Config& config) -> Result<std::unique_ptr<Store>> {
        APM_TRY(std::unique_ptr<Store> inner, apm::boot::open_store_of(config));
        APM_TRY(PgTarget target, PgTarget::parse(config.storage.postgres.connection_url));
        return std::unique_ptr<Store>(
            std::make_unique<UnfencedStore>(std::move(inner), std::move(target)));
      });
}
