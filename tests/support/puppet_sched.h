// SPDX-License-Identifier: GPL-2.0-only
//
// A scheduler for tests of the machine: one FIFO, and a hook that sees every op before the FIFO does and may do
// anything in its place. Its state lies outside of the machine's, so a machine with it cannot be rewound.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "sim/sched_ops.h"

namespace pairsim::test {

class puppet_sched final : public sched_ops {
public:
    struct call {
        op_kind which;
        cpu_id cpu;
        pid task;
        std::uint32_t arg;
    };
    /// True: the op is done with.
    using hook = std::function<bool(const call&, kfuncs&)>;

    traits flags{.has_cpu_acquire_release = true, .dispatch_max_batch = 32};
    hook on_op;

    std::vector<call> calls(op_kind which) const
    {
        std::vector<call> found;
        for (const call& c : calls_) {
            if (c.which == which) {
                found.push_back(c);
            }
        }
        return found;
    }
    std::size_t nr_calls(op_kind which) const { return calls(which).size(); }
    const std::deque<pid>& fifo() const { return fifo_; }
    void forget_calls() { calls_.clear(); }

    traits describe() const override { return flags; }
    void init_state(std::byte* /*state*/) const override {}
    std::string error_text(const exit_info& /*info*/) const override { return "error"; }

    op_step step(frame& f, kfuncs& k) const override
    {
        const call c{f.which, k.this_cpu(), f.task, f.arg};
        calls_.push_back(c);
        if (on_op && on_op(c, k)) {
            return op_step::done();
        }
        if (f.which == op_kind::enqueue) {
            fifo_.push_back(f.task);
        } else if (f.which == op_kind::dispatch && !fifo_.empty()) {
            k.dsq_insert(fifo_.front(), false, slice);
            fifo_.pop_front();
        }
        return op_step::done();
    }

    nanoseconds slice = std::chrono::milliseconds{20};

private:
    mutable std::vector<call> calls_;
    mutable std::deque<pid> fifo_;
};

} // namespace pairsim::test
