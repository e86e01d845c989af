#include "attestation/login_binding.h"

#include "base/byte_reader.h"
#include "crypto/digest.h"

namespace apm::attestation {
namespace {

void append_prefixed(Bytes& out, ByteView part) {
  append_u32_be(out, static_cast<std::uint32_t>(part.size()));
  append(out, part);
}

}  // namespace

Bytes login_binding(const LoginBinding& input) {
  Bytes message = to_bytes(kLoginLabel);
  message.push_back(0);
  append_prefixed(message, input.nonce);
  append_prefixed(message, as_bytes(input.cluster_id));
  append_prefixed(message, input.server_key_sha256);
  append_prefixed(message, input.key_name);
  return crypto::sha256(message);
}

}  // namespace apm::attestation
