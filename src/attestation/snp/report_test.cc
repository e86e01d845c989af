#include "attestation/snp/report.h"

#include <gtest/gtest.h>

namespace apm::attestation::snp {
namespace {

TEST(SnpReport, ReservedBytesOfATcbAreZero) {
  const auto decoded = [](Product product, std::size_t index) {
    TcbBytes raw{1, 2, 0, 0, 0, 0, 0, 5};
    if (product == Product::kTurin) raw = {1, 2, 3, 4, 0, 0, 0, 5};
    raw.at(index) = 9;
    return decode_tcb(raw, product).has_value();
  };
  for (const Product product : {Product::kMilan, Product::kGenoa}) {
    for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(decoded(product, i), i < 2 || i > 5) << i;
  }
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(decoded(Product::kTurin, i), i < 4 || i == 7) << i;
  }
}

TEST(SnpReport, TcbLayoutOfEachProduct) {
  const TcbBytes old{1, 2, 0, 0, 0, 0, 6, 7};
  EXPECT_EQ(decode_tcb(old, Product::kMilan), (Tcb{0, 1, 2, 6, 7}));
  EXPECT_EQ(decode_tcb(old, Product::kGenoa), (Tcb{0, 1, 2, 6, 7}));
  EXPECT_EQ(decode_tcb({1, 2, 3, 4, 0, 0, 0, 7}, Product::kTurin), (Tcb{1, 2, 3, 4, 7}));
}

TEST(SnpReport, ProductOfEveryCpu) {
  for (unsigned family = 0; family < 256; ++family) {
    for (unsigned model = 0; model < 256; ++model) {
      std::optional<Product> wanted;
      if (family == 0x19 && model <= 0x0f) wanted = Product::kMilan;
      if (family == 0x19 && (model / 16 == 1 || model / 16 == 10)) wanted = Product::kGenoa;
      if (family == 0x1a && model <= 0x11) wanted = Product::kTurin;
      const Cpuid cpuid{static_cast<std::uint8_t>(family), static_cast<std::uint8_t>(model), 0};
      ASSERT_EQ(product_of(cpuid), wanted) << family << " " << model;
    }
  }
}

}  // namespace
}  // namespace apm::attestation::snp
