#pragma once

// A kernel for the tests of collectors: it behaves as the sources that the collectors cite say, and
// fails where a test says so. Every fault is one-shot or scripted, so that a retry is seen to end.

#include <linux/sev-guest.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/byte_reader.h"
#include "base/text.h"
#include "tee/device_files.h"
#include "tee/sev_guest.h"

namespace apm::tee::testing {

class FakeDeviceFiles : public DeviceFiles {
 public:
  using Handler = std::function<int(unsigned long number, void* argument)>;

  std::map<std::string, Handler> devices;
  std::map<std::string, Bytes> files;      // read as they are; present ones can be written
  std::map<std::string, int> open_errors;  // path -> errno
  std::vector<Milliseconds> waits;

  // configfs TSM. Empty provider: the subsystem is there, no driver has registered.
  std::optional<std::string> tsm_provider;
  std::string tsm_root = "/tsm";
  std::function<Bytes(ByteView inblob)> tsm_report;  // of the provider
  std::optional<Bytes> tsm_auxblob;                  // nothing: no such attribute
  std::deque<int> tsm_report_errors;                 // one a read of outblob
  int tsm_writes_by_others = 0;                      // counted into the next entry's generation
  bool tsm_drops_inblob = false;
  std::set<std::string> entries;
  int entries_made = 0;

  [[nodiscard]] bool exists(const std::string& path) override {
    return devices.contains(path) || files.contains(path) || open_errors.contains(path) ||
           (tsm_provider && path == tsm_root);
  }

  [[nodiscard]] int request(const std::string& path, unsigned long number,
                            void* argument) override {
    if (const auto error = open_errors.find(path); error != open_errors.end()) return error->second;
    const auto device = devices.find(path);
    return device == devices.end() ? ENOENT : device->second(number, argument);
  }

  [[nodiscard]] Content read(const std::string& path, std::size_t max_bytes) override {
    if (const auto name = attribute_of(path)) return limited(read_attribute(*name), max_bytes);
    const auto file = files.find(path);
    if (file == files.end()) return {ENOENT, {}};
    return limited({0, file->second}, max_bytes);
  }

  [[nodiscard]] int write(const std::string& path, ByteView data) override {
    if (const auto name = attribute_of(path)) {
      if (*name != "inblob") return EACCES;
      if (tsm_drops_inblob) return 0;
      inblob_ = to_bytes(data);
      ++generation_;
      return 0;
    }
    const auto file = files.find(path);
    if (file == files.end()) return ENOENT;
    file->second = to_bytes(data);
    return 0;
  }

  [[nodiscard]] int make_directory(const std::string& path) override {
    if (!tsm_provider || !path.starts_with(tsm_root + "/")) return ENOENT;
    if (const auto error = open_errors.find(tsm_root); error != open_errors.end()) {
      return error->second;
    }
    if (tsm_provider->empty()) return ENXIO;
    if (!entries.insert(path).second) return EEXIST;
    ++entries_made;
    inblob_.clear();
    generation_ = 0;
    return 0;
  }
  [[nodiscard]] int remove_directory(const std::string& path) override {
    return entries.erase(path) == 1 ? 0 : ENOENT;
  }

  void wait(Milliseconds span) override { waits.push_back(span); }

 private:
  static Content limited(Content content, std::size_t max_bytes) {
    if (content.data.size() > max_bytes) return {EFBIG, {}};
    return content;
  }

  [[nodiscard]] std::optional<std::string> attribute_of(const std::string& path) const {
    const std::size_t slash = path.rfind('/');
    if (!entries.contains(path.substr(0, slash))) return std::nullopt;
    return path.substr(slash + 1);
  }

  Content read_attribute(const std::string& name) {
    if (name == "provider") return {0, to_bytes(*tsm_provider + "\n")};
    if (name == "generation") return {0, to_bytes(concat(generation_, "\n"))};
    if (name == "auxblob") return tsm_auxblob ? Content{0, *tsm_auxblob} : Content{ENOENT, {}};
    if (name == "outblob") return make_report();
    return {ENOENT, {}};
  }

  Content make_report() {
    if (inblob_.empty()) return {EINVAL, {}};
    if (!tsm_report_errors.empty()) {
      const int error = tsm_report_errors.front();
      tsm_report_errors.pop_front();
      if (error != 0) return {error, {}};
    }
    if (tsm_writes_by_others > 0) {
      --tsm_writes_by_others;
      ++generation_;
    }
    return {0, tsm_report(inblob_)};
  }

  Bytes inblob_;
  std::uint64_t generation_ = 0;
};

// /dev/sev-guest as its driver answers.
struct FakeSevGuest {
  Bytes certificate_table;  // what the host gives
  struct Fault {
    int error = 0;
    std::uint32_t fw_error = 0;
    std::uint32_t vmm_error = 0;
  };
  std::deque<Fault> faults;  // one a request; error 0: the request goes through
  std::uint32_t status = 0;
  std::uint32_t report_size = 1184;
  std::vector<unsigned long> requests;
  std::uint32_t vmpl = 99;

  // A report that holds nothing but its report data, where a real one has it.
  static Bytes report_for(ByteView report_data) {
    Bytes out(1184);
    std::ranges::copy(report_data, out.begin() + 0x50);
    return out;
  }

  int answer(unsigned long number, void* argument) {
    requests.push_back(number);
    auto& message = *static_cast<snp_guest_request_ioctl*>(argument);
    if (message.msg_version == 0) return EINVAL;
    if (!faults.empty()) {
      const Fault fault = faults.front();
      faults.pop_front();
      message.fw_error = fault.fw_error;
      message.vmm_error = fault.vmm_error;
      if (fault.error != 0) return fault.error;
    }
    if (number == SNP_GET_EXT_REPORT) return extended(message);
    if (number != SNP_GET_REPORT) return ENOTTY;
    fill(*at<snp_report_req>(message.req_data), message);
    return 0;
  }

 private:
  template <class T>
  static T* at(std::uint64_t address) {
    return reinterpret_cast<T*>(static_cast<std::uintptr_t>(address));  // NOLINT: as the kernel
  }

  int extended(snp_guest_request_ioctl& message) {
    auto& request = *at<snp_ext_report_req>(message.req_data);
    if (request.certs_len % 4096 != 0 || request.certs_len > 0x4000) return EINVAL;
    if (certificate_table.size() > request.certs_len) {
      request.certs_len =
          static_cast<std::uint32_t>((certificate_table.size() + 4095) / 4096) * 4096;
      message.vmm_error = SNP_GUEST_VMM_ERR_INVALID_LEN;
      return EIO;
    }
    std::ranges::copy(certificate_table, at<std::uint8_t>(request.certs_address));
    fill(request.data, message);
    return 0;
  }

  void fill(const snp_report_req& request, const snp_guest_request_ioctl& message) {
    vmpl = request.vmpl;
    Bytes out;
    append_u32_le(out, status);
    append_u32_le(out, report_size);
    out.resize(32);
    append(out, ByteView(report_for({request.user_data, sizeof request.user_data})));
    std::ranges::copy(out, at<snp_report_resp>(message.resp_data)->data);
  }
};

}  // namespace apm::tee::testing
