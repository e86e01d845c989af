#include "shamir/shamir.h"

#include <algorithm>

#include "base/text.h"
#include "crypto/random.h"

namespace apm::shamir {
namespace {

using crypto::SecretBytes;

// Multiplication modulo x^8+x^4+x^3+x+1, eight steps whatever the operands are: no branch and no
// table index depends on a secret.
std::uint8_t multiply(std::uint8_t a, std::uint8_t b) {
  unsigned product = 0;
  unsigned left = a;
  for (unsigned bit = 0; bit < 8; ++bit) {
    product ^= left & (0U - ((unsigned{b} >> bit) & 1U));
    left = (left << 1) ^ (0x11bU & (0U - (left >> 7)));
  }
  return static_cast<std::uint8_t>(product);
}

// a^254 is 1/a in this field, and 0 for 0.
std::uint8_t invert(std::uint8_t a) {
  std::uint8_t power = a;
  std::uint8_t out = 1;
  for (int i = 0; i < 7; ++i) {
    power = multiply(power, power);
    out = multiply(out, power);
  }
  return out;
}

// Distinct non-zero x coordinates in random order (Fisher-Yates).
std::vector<std::uint8_t> random_coordinates(unsigned count) {
  std::vector<std::uint8_t> all;
  for (unsigned x = 1; x <= 255; ++x) all.push_back(static_cast<std::uint8_t>(x));
  for (std::size_t i = all.size() - 1; i > 0; --i) {
    std::size_t pick = 0;
    do {
      pick = crypto::random_bytes(1)[0];
    } while (pick >= 256 / (i + 1) * (i + 1));
    std::swap(all[i], all[pick % (i + 1)]);
  }
  all.resize(count);
  return all;
}

Error wrong(std::string text) { return Error(Code::kInvalidArgument, std::move(text)); }

Status check_shares(const std::vector<SecretBytes>& shares) {
  for (std::size_t i = 0; i < shares.size(); ++i) {
    if (shares[i].size() < 2 || shares[i].size() != shares[0].size()) {
      return wrong("the shares are of different lengths or too short");
    }
    const std::uint8_t x = shares[i].view().back();
    if (x == 0) return wrong("a share has the coordinate 0");
    for (std::size_t j = 0; j < i; ++j) {
      if (shares[j].view().back() == x) return wrong("the same share was given twice");
    }
  }
  return {};
}

}  // namespace

Status check(const Scheme& scheme) {
  const bool single = scheme.threshold == 1 && scheme.shares == 1;
  if (single ||
      (scheme.threshold >= 2 && scheme.threshold <= scheme.shares && scheme.shares <= 255)) {
    return {};
  }
  return wrong(concat("threshold ", scheme.threshold, " of ", scheme.shares,
                      " shares: it must be 2 to the number of shares, which is at most 255; "
                      "or 1 of 1"));
}

Result<std::vector<SecretBytes>> split(const SecretBytes& secret, const Scheme& scheme) {
  APM_CHECK_OK(check(scheme));
  if (secret.empty()) return wrong("there is nothing to split");
  std::vector<SecretBytes> shares;
  if (scheme.shares == 1) {
    shares.push_back(secret.clone());
    return shares;
  }
  const std::vector<std::uint8_t> xs = random_coordinates(scheme.shares);
  for (const std::uint8_t x : xs) {
    shares.push_back(SecretBytes::zeros(secret.size() + 1));
    shares.back().mutable_view().back() = x;
  }
  for (std::size_t byte = 0; byte < secret.size(); ++byte) {
    SecretBytes coefficients = SecretBytes::random(scheme.threshold);
    coefficients.mutable_view()[0] = secret.view()[byte];
    for (std::size_t s = 0; s < shares.size(); ++s) {
      std::uint8_t y = 0;
      for (std::size_t c = scheme.threshold; c > 0; --c) {  // Horner
        y = static_cast<std::uint8_t>(multiply(y, xs[s]) ^ coefficients.view()[c - 1]);
      }
      shares[s].mutable_view()[byte] = y;
    }
  }
  return shares;
}

Result<SecretBytes> combine(const std::vector<SecretBytes>& shares) {
  if (shares.empty()) return wrong("no share was given");
  if (shares.size() == 1) return shares[0].clone();
  APM_CHECK_OK(check_shares(shares));
  SecretBytes secret = SecretBytes::zeros(shares[0].size() - 1);
  for (std::size_t i = 0; i < shares.size(); ++i) {
    std::uint8_t basis = 1;  // Lagrange basis polynomial at 0
    const std::uint8_t xi = shares[i].view().back();
    for (std::size_t j = 0; j < shares.size(); ++j) {
      if (i == j) continue;
      const std::uint8_t xj = shares[j].view().back();
      basis = multiply(basis, multiply(xj, invert(static_cast<std::uint8_t>(xi ^ xj))));
    }
    for (std::size_t byte = 0; byte < secret.size(); ++byte) {
      secret.mutable_view()[byte] ^= multiply(basis, shares[i].view()[byte]);
    }
  }
  return secret;
}

}  // namespace apm::shamir
