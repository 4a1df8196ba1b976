// SPDX-License-Identifier: GPL-2.0-only
#include "tools/study/progress.h"

#include <cstdio>

#include <fmt/format.h>

namespace pairsim {

void progress::one_done()
{
    ++done_;
    const auto now = clock::now();
    if (!shown_ || (now - printed_ < std::chrono::milliseconds{100} && done_ != expected_)) {
        return;
    }
    printed_ = now;
    const double seconds = std::chrono::duration<double>(now - began_).count();
    const double rate = seconds > 0 ? static_cast<double>(done_) / seconds : 0;
    const auto left = static_cast<long>(rate > 0 ? static_cast<double>(expected_ - done_) / rate : 0);
    fmt::print(stderr, "\r{} of {} runs, {:.1f} a second on {} threads, {}:{:02} left \033[K", done_, expected_, rate,
               threads_, left / 60, left % 60);
    std::fflush(stderr);
}

void progress::finish()
{
    if (shown_ && done_ > 0) {
        fmt::print(stderr, "\n");
    }
}

} // namespace pairsim
