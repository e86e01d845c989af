#include "audit/broker.h"

namespace apm::audit {

void Broker::add(std::unique_ptr<Device> device) {
  const WriterLock lock(mutex_);
  devices_.push_back(std::move(device));
}

void Broker::set_salt(crypto::SecretBytes salt) {
  const WriterLock lock(mutex_);
  salt_ = std::move(salt);
}

Status Broker::write(const Record& record) {
  const ReaderLock lock(mutex_);
  if (devices_.empty()) return {};
  const json::Object entry = entry_of(salt_, record);
  bool accepted = false;
  for (const std::unique_ptr<Device>& device : devices_) {
    const Status written = device->write(entry);
    if (written.ok()) {
      accepted = true;
    } else {
      log_.error("audit", "a device did not accept a record",
                 {{"device", device->name()}, {"cause", written.error().message}});
    }
  }
  if (accepted) return {};
  return Error(Code::kInternal, "audit_unavailable", "no audit device accepted the record");
}

Status Broker::reopen() {
  const ReaderLock lock(mutex_);
  Status first;
  for (const std::unique_ptr<Device>& device : devices_) {
    Status one = device->reopen();
    if (!one.ok() && first.ok()) first = std::move(one);
  }
  return first;
}

std::vector<std::string> Broker::device_names() const {
  const ReaderLock lock(mutex_);
  std::vector<std::string> names;
  names.reserve(devices_.size());
  for (const std::unique_ptr<Device>& device : devices_) names.push_back(device->name());
  return names;
}

}  // namespace apm::audit
