#pragma once

// All audit devices behind one call, fail-closed: with devices configured, a record that none of
// them accepted is an error, and the pipeline then refuses the request. Without devices every
// record is accepted. Any thread may call.

#include <memory>
#include <string>
#include <vector>

#include "audit/device.h"
#include "audit/record.h"
#include "base/log.h"
#include "base/mutex.h"

namespace apm::audit {

class Broker {
 public:
  explicit Broker(Log& log) : log_(log) {}

  void add(std::unique_ptr<Device> device);
  // The key of the HMACs. Set at unseal; until then a random one of this
  // process serves, so that nothing is ever written in clear.
  void set_salt(crypto::SecretBytes salt);
  [[nodiscard]] Status write(const Record& record);
  [[nodiscard]] Status request(const Record& record) { return write(record); }
  [[nodiscard]] Status response(const Record& record) { return write(record); }
  [[nodiscard]] Status reopen();
  [[nodiscard]] std::vector<std::string> device_names() const;

 private:
  Log& log_;
  mutable SharedMutex mutex_;
  crypto::SecretBytes salt_ APM_GUARDED_BY(mutex_) = crypto::SecretBytes::random(32);
  std::vector<std::unique_ptr<Device>> devices_ APM_GUARDED_BY(mutex_);
};

}  // namespace apm::audit
