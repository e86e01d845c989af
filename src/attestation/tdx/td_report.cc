#include "attestation/tdx/td_report.h"

#include "attestation/dcap/fields.h"

namespace apm::attestation::tdx {

using dcap::take_array;

Result<TdReport> parse_td_report(const dcap::Quote& quote) {
  ByteReader reader(quote.body);
  TdReport out;
  out.tee_tcb_svn = take_array<16>(reader);
  out.mr_seam = take_array<48>(reader);
  out.mr_signer_seam = take_array<48>(reader);
  out.seam_attributes = take_array<8>(reader);
  out.td_attributes = reader.u64_le();
  out.xfam = reader.u64_le();
  out.mr_td = take_array<48>(reader);
  out.mr_config_id = take_array<48>(reader);
  out.mr_owner = take_array<48>(reader);
  out.mr_owner_config = take_array<48>(reader);
  for (Register& rtmr : out.rtmr) rtmr = take_array<48>(reader);
  out.report_data = take_array<64>(reader);
  if (quote.body_type == dcap::BodyType::kTd15) {
    out.tee_tcb_svn2 = take_array<16>(reader);
    out.mr_service_td = take_array<48>(reader);
  }
  if (!reader.finish() || quote.tee != dcap::Tee::kTdx) {
    return dcap::refused("dcap_body_type", "the quote's body is not a TD report");
  }
  return out;
}

}  // namespace apm::attestation::tdx
