// SPDX-License-Identifier: GPL-2.0-only
//
// How far a study has come, on one line of a terminal. It sees the wall clock; results never do.
#pragma once

#include <chrono>
#include <cstddef>

namespace pairsim {

class progress {
public:
    /// Prints nothing unless @p shown.
    progress(bool shown, unsigned threads) : shown_(shown), threads_(threads) {}
    void expect_one() { ++expected_; }
    void one_done();
    /// Ends the line.
    void finish();

private:
    using clock = std::chrono::steady_clock;

    bool shown_;
    unsigned threads_;
    std::size_t expected_ = 0;
    std::size_t done_ = 0;
    clock::time_point began_ = clock::now();
    clock::time_point printed_{};
};

} // namespace pairsim
