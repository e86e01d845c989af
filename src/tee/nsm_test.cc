#include "tee/nsm.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "tee/limits.h"
#include "tee/testing/fake_device_files.h"

namespace apm::tee {
namespace {

using testing::FakeDeviceFiles;

// The layout of struct nsm_raw, written down a second time.
struct Raw {
  std::uint64_t request_address, request_size, response_address, response_size;
};
constexpr unsigned long kNsmIoctlRaw = 0xc0200a00;  // _IOWR(0x0A, 0, 32 bytes)

class NsmTest : public ::testing::Test {
 protected:
  NsmTest() {
    files_.devices[kNsmPath] = [this](unsigned long number, void* argument) {
      return answer(number, argument);
    };
  }
  static std::uint8_t* at(std::uint64_t address) {
    return reinterpret_cast<std::uint8_t*>(address);  // NOLINT: as the kernel does
  }
  int answer(unsigned long number, void* argument) {
    ++requests_;
    if (number != kNsmIoctlRaw) return EINVAL;
    if (!errors_.empty()) {
      const int error = errors_.front();
      errors_.pop_front();
      if (error != 0) return error;
    }
    auto& raw = *static_cast<Raw*>(argument);
    const auto* question = at(raw.request_address);
    question_.assign(question, question + raw.request_size);
    if (response_.size() > raw.response_size) return EMSGSIZE;
    std::ranges::copy(response_, at(raw.response_address));
    raw.response_size = claimed_size_.value_or(response_.size());
    return 0;
  }
  void respond(std::string_view hex) { response_ = *hex_decode(hex); }

  FakeDeviceFiles files_;
  std::deque<int> errors_;
  Bytes question_, response_;
  std::optional<std::uint64_t> claimed_size_;
  int requests_ = 0;
};

// {"Attestation": {"document": h'84'}}
constexpr std::string_view kAnswer = "a16b4174746573746174696f6ea168646f63756d656e744184";

TEST_F(NsmTest, AsksInTheModulesWordsAndGivesTheDocument) {
  respond(kAnswer);
  const auto document = get_nitro_document(files_, {Bytes{1, 2}, std::nullopt, Bytes(300, 3)});
  ASSERT_TRUE(document.ok()) << document.error().message;
  EXPECT_EQ(*document, Bytes{0x84});
  Bytes expected = *hex_decode(
      "a16b4174746573746174696f6e"      // {"Attestation":
      "a3"                              // a map of three
      "69757365725f64617461420102"      //   "user_data": h'0102'
      "656e6f6e6365f6"                  //   "nonce": null
      "6a7075626c69635f6b657959012c");  // "public_key": 300 bytes
  expected.resize(expected.size() + 300, 3);
  EXPECT_EQ(question_, expected);
}

TEST_F(NsmTest, AFieldHasAtMostWhatTheModuleTakes) {
  respond(kAnswer);
  EXPECT_TRUE(get_nitro_document(files_, {Bytes(kNsmFieldBytesMax), {}, {}}).ok());
  const auto longer = get_nitro_document(files_, {{}, Bytes(kNsmFieldBytesMax + 1), {}});
  ASSERT_FALSE(longer.ok());
  EXPECT_EQ(longer.error().reason, "nsm_field_size");
}

TEST_F(NsmTest, TheModulesOwnErrorIsTold) {
  respond("a1654572726f726f496e76616c6964417267756d656e74");  // {"Error": "InvalidArgument"}
  const auto refused = get_nitro_document(files_, {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().reason, "nsm_refused");
  EXPECT_NE(refused.error().message.find("refused the request: InvalidArgument"),
            std::string::npos);
}

TEST_F(NsmTest, DriverErrors) {
  errors_ = {ETIMEDOUT, EBUSY, 0};
  respond(kAnswer);
  EXPECT_TRUE(get_nitro_document(files_, {}).ok());
  EXPECT_EQ(requests_, 3);
  errors_.assign(100, ETIMEDOUT);
  const auto busy = get_nitro_document(files_, {});
  ASSERT_FALSE(busy.ok());
  EXPECT_EQ(busy.error().reason, "tee_device_busy");
  EXPECT_EQ(requests_, 3 + kDeviceAttemptsMax);
  errors_ = {EPERM};
  const auto refused = get_nitro_document(files_, {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().reason, "tee_device_permission");
}

TEST_F(NsmTest, ASizeBeyondTheBufferIsRefused) {
  respond(kAnswer);
  claimed_size_ = kNsmResponseBytesMax + 1;
  const auto refused = get_nitro_document(files_, {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().reason, "tee_answer_malformed");
  EXPECT_NE(refused.error().message.find("beyond the buffer"), std::string::npos);
}

TEST_F(NsmTest, EveryOtherAnswerIsRefused) {
  for (const std::string_view hex : {
           "",
           "a0",                                                    // {}
           "a2",                                                    // two members
           "a1684465736372696265a0",                                // {"Describe": {}}
           "a16b4174746573746174696f6ea0",                          // no document
           "a16b4174746573746174696f6ea168646f63756d656e74f6",      // null
           "a16b4174746573746174696f6ea164646f63756d4184",          // another name
           "a16b4174746573746174696f6ea168646f63756d656e744184f6",  // trailing
           "a16b4174746573746174696f6ea168646f63756d656e74580184",  // not the shortest form
           "bf6b4174746573746174696f6ea168646f63756d656e744184ff",  // indefinite
           // Maps that promise two members and hold one.
           "a16b4174746573746174696f6ea268646f63756d656e744184",
           "a26b4174746573746174696f6ea168646f63756d656e744184",
           "a1654572726f7201",  // the error is a number
       }) {
    const auto refused = decode_attestation_response(*hex_decode(hex));
    ASSERT_FALSE(refused.ok()) << hex;
    EXPECT_EQ(refused.error().reason, "tee_answer_malformed") << hex;
  }
}

TEST_F(NsmTest, EveryTruncationIsRefused) {
  const Bytes whole = *hex_decode(kAnswer);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto refused = decode_attestation_response(ByteView(whole).first(size));
    ASSERT_FALSE(refused.ok()) << size;
    EXPECT_EQ(refused.error().reason, "tee_answer_malformed") << size;
  }
}

}  // namespace
}  // namespace apm::tee
