#include "attestation/dcap/enclave_report.h"

#include "attestation/dcap/fields.h"

namespace apm::attestation::dcap {

Result<EnclaveReport> parse_enclave_report(ByteView raw) {
  ByteReader reader(raw);
  EnclaveReport out;
  bool reserved_zero = true;
  const auto reserved = [&](std::size_t size) { reserved_zero &= all_zero(reader.take(size)); };
  out.cpu_svn = take_array<16>(reader);
  out.misc_select = take_array<4>(reader);
  reserved(12);
  out.isv_ext_prod_id = take_array<16>(reader);
  out.attributes = take_array<16>(reader);
  out.mr_enclave = take_array<32>(reader);
  reserved(32);
  out.mr_signer = take_array<32>(reader);
  reserved(32);
  out.config_id = take_array<64>(reader);
  out.isv_prod_id = reader.u16_le();
  out.isv_svn = reader.u16_le();
  out.config_svn = reader.u16_le();
  reserved(42);
  out.isv_family_id = take_array<16>(reader);
  out.report_data = take_array<64>(reader);
  if (!reader.finish() || !reserved_zero) {
    return refused("dcap_reserved_not_zero",
                   "reserved bytes of an SGX report are not zero: damaged, or of a CPU that is not "
                   "known");
  }
  return out;
}

}  // namespace apm::attestation::dcap
