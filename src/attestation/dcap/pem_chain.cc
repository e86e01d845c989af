#include "attestation/dcap/pem_chain.h"

#include <algorithm>

#include "attestation/dcap/fields.h"
#include "attestation/limits.h"
#include "base/encoding.h"
#include "base/text.h"

namespace apm::attestation::dcap {
namespace {

using crypto::Certificate;

constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
constexpr std::string_view kEnd = "-----END CERTIFICATE-----";

Error malformed(std::string_view what) {
  return refused("dcap_chain_malformed", concat("the certificate chain: ", what));
}

// Lines without their ends. The last one may lack its newline, and a NUL may follow.
std::vector<std::string_view> lines_of(std::string_view text) {
  if (text.ends_with('\0')) text.remove_suffix(1);
  if (text.ends_with('\n')) text.remove_suffix(1);
  std::vector<std::string_view> lines = split(text, '\n');
  for (std::string_view& line : lines) {
    if (line.ends_with('\r')) line.remove_suffix(1);
  }
  return lines;
}

Result<Certificate> read_block(const std::vector<std::string_view>& body) {
  std::string base64;
  for (std::size_t i = 0; i < body.size(); ++i) {
    const bool last = i + 1 == body.size();
    const std::size_t width = body[0].size();
    if (body[i].empty() || body[i].size() > width || (!last && body[i].size() < width)) {
      return malformed("the lines of a block differ in width");
    }
    base64 += body[i];
  }
  const auto der = base64_decode(base64);
  if (!der.ok()) return malformed("a block is not base64");
  auto certificate = Certificate::from_der(*der);
  if (!certificate.ok() || !equal(certificate->der(), *der)) {
    return malformed("a block is not one certificate in DER");
  }
  return certificate;
}

}  // namespace

Result<std::vector<Certificate>> read_pem_chain(std::string_view pem) {
  if (pem.size() > kChainPemBytesMax) return malformed("it is too large");
  const std::vector<std::string_view> lines = lines_of(pem);
  std::vector<Certificate> out;
  for (auto at = lines.begin(); at != lines.end();) {
    if (*at != kBegin) return malformed("something stands between its blocks");
    const auto end = std::find(at, lines.end(), kEnd);
    if (end == lines.end()) return malformed("its last block does not end");
    if (out.size() == kDcapCertificatesMax) return malformed("it has too many certificates");
    APM_TRY(Certificate certificate, read_block({at + 1, end}));
    out.push_back(std::move(certificate));
    at = end + 1;
  }
  return out;
}

}  // namespace apm::attestation::dcap
