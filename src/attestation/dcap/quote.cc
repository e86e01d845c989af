#include "attestation/dcap/quote.h"

#include "attestation/dcap/fields.h"
#include "attestation/limits.h"
#include "base/encoding.h"
#include "base/text.h"

namespace apm::attestation::dcap {
namespace {

constexpr std::uint16_t kKeyTypeEcdsaP256 = 2;
constexpr std::uint32_t kTeeSgx = 0x00;
constexpr std::uint32_t kTeeTdx = 0x81;
constexpr std::uint16_t kCertificationQeReport = 6;  // the rest of version 3's data, nested
constexpr std::size_t kReportDataSize = 64;
// Intel's Quoting Enclave; another vendor's QE would need rules of its own.
constexpr std::array<std::uint8_t, 16> kVendorIntel = {
    0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};

Error truncated(std::string_view what) {
  return refused("dcap_quote_size", concat("the quote ends within its ", what));
}

Status read_header(ByteReader& reader, Quote& quote) {
  quote.version = reader.u16_le();
  const std::uint16_t key_type = reader.u16_le();
  const std::uint32_t tee = reader.u32_le();  // version 3: reserved, zero
  reader.skip(2 + 2);                         // version 3: SVNs of QE and PCE, told again elsewhere
  const auto vendor = take_array<16>(reader);
  quote.user_data = take_array<20>(reader);
  if (!reader.ok()) return truncated("header");
  if (quote.version < 3 || quote.version > 5) {
    return refused("dcap_quote_version",
                   concat("quote version ", quote.version, " is not supported (3, 4 and 5 are)"));
  }
  if (key_type != kKeyTypeEcdsaP256) {
    return refused("dcap_key_type",
                   concat("attestation key type ", key_type, " is not ECDSA with P-256 (type 2)"));
  }
  if (tee != kTeeSgx && (tee != kTeeTdx || quote.version == 3)) {
    return refused("dcap_tee_type", concat("TEE type ", tee, " of a version ", quote.version,
                                           " quote is neither SGX nor TDX"));
  }
  quote.tee = tee == kTeeTdx ? Tee::kTdx : Tee::kSgx;
  if (!equal(vendor, kVendorIntel)) {
    return refused("dcap_vendor_id", concat("the quote is by the Quoting Enclave of vendor ",
                                            hex_encode(vendor), ", which is not Intel"));
  }
  return {};
}

std::size_t size_of(BodyType type) {
  switch (type) {
    case BodyType::kSgx: return kEnclaveReportSize;
    case BodyType::kTd10: return kTdReport10Size;
    case BodyType::kTd15: return kTdReport15Size;
  }
  return 0;
}

// Version 5 names the type and the size of its body; before, the TEE implies both.
Status read_body(ByteReader& reader, Quote& quote) {
  quote.body_type = quote.tee == Tee::kSgx ? BodyType::kSgx : BodyType::kTd10;
  if (quote.version == 5) {
    const std::uint16_t type = reader.u16_le();
    const std::uint32_t size = reader.u32_le();
    if (!reader.ok()) return truncated("body descriptor");
    const bool known = quote.tee == Tee::kSgx ? type == 1 : type == 2 || type == 3;
    if (!known || size != size_of(static_cast<BodyType>(type))) {
      return refused("dcap_body_type", concat("body type ", type, " of ", size, " bytes is not one",
                                              " of a ", tee_name(quote.tee), " quote"));
    }
    quote.body_type = static_cast<BodyType>(type);
  }
  quote.body = to_bytes(reader.take(size_of(quote.body_type)));
  if (!reader.ok()) return truncated("body");
  return {};
}

Error bad_signature_data(std::string_view what) {
  return refused("dcap_signature_data", concat("the quote's signature data: ", what));
}

// The QE's report, its signature and authentication data, then the PCK certificate chain.
Status read_qe(ByteReader reader, Quote& quote) {
  quote.qe_report_bytes = to_bytes(reader.take(kEnclaveReportSize));
  quote.qe_r = take_array<32>(reader);
  quote.qe_s = take_array<32>(reader);
  const std::uint16_t authentication_size = reader.u16_le();
  if (authentication_size > kQeAuthenticationBytesMax) {
    return bad_signature_data("the QE authentication data is too large");
  }
  quote.qe_authentication = to_bytes(reader.take(authentication_size));
  quote.certification_type = reader.u16_le();
  const std::uint32_t size = reader.u32_le();
  if (!reader.ok()) return bad_signature_data("it ends within the QE's part");
  quote.certification_data = to_bytes(reader.take(size));
  if (!reader.finish()) return bad_signature_data("its parts do not add up to its length");
  APM_TRY(quote.qe_report, parse_enclave_report(quote.qe_report_bytes));
  return {};
}

Status read_signature_data(ByteReader reader, Quote& quote) {
  quote.r = take_array<32>(reader);
  quote.s = take_array<32>(reader);
  quote.key_x = take_array<32>(reader);
  quote.key_y = take_array<32>(reader);
  if (quote.version == 3) return read_qe(reader, quote);
  const std::uint16_t type = reader.u16_le();
  const std::uint32_t size = reader.u32_le();
  if (!reader.ok()) return bad_signature_data("it ends within the attestation key's part");
  if (type != kCertificationQeReport) {
    return refused("dcap_certification_type",
                   concat("outer certification data of type ", type, " instead of 6 (QE report)"));
  }
  const ByteView nested = reader.take(size);
  if (!reader.finish()) return bad_signature_data("its parts do not add up to its length");
  return read_qe(ByteReader(nested), quote);
}

}  // namespace

std::string_view tee_name(Tee tee) {
  switch (tee) {
    case Tee::kSgx: return "SGX";
    case Tee::kTdx: return "TDX";
  }
  return "";
}

Result<Quote> parse_quote(ByteView raw) {
  if (raw.size() > kQuoteBytesMax) {
    return refused("dcap_quote_size", concat("the quote has ", raw.size(), " bytes; at most ",
                                             kQuoteBytesMax, " are read"));
  }
  ByteReader reader(raw);
  Quote quote;
  APM_CHECK_OK(read_header(reader, quote));
  APM_CHECK_OK(read_body(reader, quote));
  quote.signed_bytes = to_bytes(raw.first(raw.size() - reader.remaining()));
  const std::uint32_t size = reader.u32_le();
  const ByteView signature_data = reader.take(size);
  if (!reader.ok()) return truncated("signature data");
  APM_CHECK_OK(read_signature_data(ByteReader(signature_data), quote));
  quote.trailing_bytes = reader.remaining();
  quote.trailing_zero = all_zero(reader.take(quote.trailing_bytes));
  return quote;
}

Bytes report_data_of(const Quote& quote) {
  // Of TD 1.0 and 1.5 at the same place, of SGX at the body's end.
  const std::size_t offset = quote.tee == Tee::kTdx ? 520 : kEnclaveReportSize - kReportDataSize;
  return to_bytes(ByteView(quote.body).subspan(offset, kReportDataSize));
}

}  // namespace apm::attestation::dcap
