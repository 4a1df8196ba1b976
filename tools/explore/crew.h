// SPDX-License-Identifier: GPL-2.0-only
//
// Threads that do one job after the other together: cheap to set to work, for jobs of a millisecond.
#pragma once

#include <barrier>
#include <functional>
#include <thread>
#include <vector>

namespace pairsim {

class crew {
public:
    explicit crew(unsigned threads) : begin_(threads), end_(threads)
    {
        for (unsigned i = 1; i < threads; ++i) {
            others_.emplace_back([this, i] { work(i); });
        }
    }
    crew(const crew&) = delete;
    crew& operator=(const crew&) = delete;
    ~crew()
    {
        job_ = nullptr;
        begin_.arrive_and_wait();
        for (std::thread& t : others_) {
            t.join();
        }
    }

    /// Calls @p job with the number of each thread, on that thread; 0 is the caller. Returns when all have done it.
    void run(const std::function<void(unsigned)>& job)
    {
        job_ = &job;
        begin_.arrive_and_wait();
        job(0);
        end_.arrive_and_wait();
    }

private:
    void work(unsigned number)
    {
        while (true) {
            begin_.arrive_and_wait();
            if (job_ == nullptr) {
                return;
            }
            (*job_)(number);
            end_.arrive_and_wait();
        }
    }

    std::barrier<> begin_, end_;
    const std::function<void(unsigned)>* job_ = nullptr;
    std::vector<std::thread> others_;
};

} // namespace pairsim
