// Property: a record that decodes encodes to the very bytes it was read from, with the same head.

#include <cstdlib>

#include "azure/log_record.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace apm;
  const ByteView input(data, size);
  const auto read = azure::decode_record(input);
  if (!read.ok()) return 0;
  const auto again = azure::encode_record(read->record);
  if (!again.ok() || !(again->head == read->head)) std::abort();
  if (!equal(again->bytes, input.first(read->size))) std::abort();
  return 0;
}
