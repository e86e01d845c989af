// A chain that we wrote verifies and ends where we ended; with one byte changed, it never verifies
// whole. Any text: the last record's head is the chain's head, whoever reads it.

#include "audit/chain.h"
#include "base/text.h"
#include "property.h"

namespace {

using apm::fuzz::require;
namespace audit = apm::audit;

void check_stranger(std::string_view text) {
  const auto report = audit::verify_chain(text);
  if (!report.ok() || report->torn_tail || text.empty() || report->head.sequence == 0) return;
  if (text.ends_with('\n')) text.remove_suffix(1);
  const std::size_t before = text.rfind('\n');
  const auto head = audit::head_of(before == text.npos ? text : text.substr(before + 1));
  require(head.ok() && *head == report->head, "two readings of the last record");
}

void check_own(std::string_view words, std::size_t seed) {
  audit::ChainHead head;
  std::string text;
  for (int i = 0; i < 3; ++i) {
    text += audit::chain(head, apm::json::Object{{"path", words}, {"number", i}});
  }
  const auto whole = audit::verify_chain(text);
  require(whole.ok() && whole->head == head && whole->torn_lines == 0, "our own chain");
  std::string changed = text;
  char& at = changed[seed % changed.size()];
  at = at == 'x' ? 'y' : 'x';
  const auto broken = audit::verify_chain(changed);
  require(!broken.ok() || broken->torn_lines > 0 || broken->torn_tail || broken->head != head,
          "a changed byte is not noticed");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = apm::fuzz::text_of(data, size);
  check_stranger(text);
  if (size >= 2 && apm::is_utf8(text)) check_own(text, std::size_t{data[0]} << 8 | data[1]);
  return 0;
}
