#pragma once

// The hook that C libraries take as their free(): zeroes the block, then frees it.

namespace apm {

void wipe_and_free(void* block);

}  // namespace apm
