#include "base/bytes.h"

#include <algorithm>

namespace apm {

bool equal(ByteView a, ByteView b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

}  // namespace apm
