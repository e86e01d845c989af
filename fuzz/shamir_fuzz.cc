// Any threshold of the shares gives the secret back; shares that nobody made are refused or give a
// text one byte shorter than they are, and never two shares of one x.

#include "shamir/shamir.h"

#include <vector>

#include "property.h"

namespace {

using apm::crypto::SecretBytes;
using apm::fuzz::require;

void split_and_combine(unsigned shares, unsigned threshold, apm::ByteView secret) {
  const SecretBytes whole = SecretBytes::copy_of(secret);
  const apm::shamir::Scheme scheme{shares, threshold};
  const auto made = apm::shamir::split(whole, scheme);
  require(made.ok() == (apm::shamir::check(scheme).ok() && !secret.empty()), "who may split");
  if (!made.ok()) return;
  std::vector<SecretBytes> last;
  for (std::size_t i = made->size() - threshold; i < made->size(); ++i) {
    last.push_back((*made)[i].clone());
  }
  const auto back = apm::shamir::combine(last);
  require(back.ok() && back->equals(whole), "the shares do not give the secret");
}

void combine_strangers(apm::ByteView bytes, std::size_t length) {
  std::vector<SecretBytes> strangers;
  for (; bytes.size() >= length && strangers.size() < 8; bytes = bytes.subspan(length)) {
    strangers.push_back(SecretBytes::copy_of(bytes.first(length)));
  }
  const auto out = apm::shamir::combine(strangers);
  if (!out.ok() || strangers.size() < 2) return;
  require(out->size() == length - 1, "length");
  std::vector<bool> seen(256);
  for (const SecretBytes& share : strangers) {
    const std::uint8_t x = share.view()[length - 1];
    require(x != 0 && !seen[x], "x is zero or occurs twice");
    seen[x] = true;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3 || size > 128) return 0;
  split_and_combine(data[0] % 12, data[1] % 12, apm::ByteView(data + 2, size - 2));
  combine_strangers(apm::ByteView(data + 1, size - 1), 2 + data[0] % 33);
  return 0;
}
