// SPDX-License-Identifier: GPL-2.0-only
//
// Records, of a simulated run or of a trace, as a log of who ran where.
#pragma once

#include <functional>
#include <vector>

#include "sim/trace.h"
#include "tools/validate/sched_log.h"

namespace pairsim {

/// Appends to a log whose threads are idle, two of higher classes, and then the tasks by pid.
class log_writer final : public trace_sink {
public:
    static constexpr std::uint32_t rt_thread = 1;
    static constexpr std::uint32_t harness_thread = 2;
    static constexpr std::uint32_t first_task = 3; ///< pid 1

    /// @p begin: the log's time 0; what comes earlier only says what each CPU ran then. @p higher: which thread a
    /// higher class on a CPU is.
    log_writer(sched_log& log, std::uint32_t nr_cpus, sim_time begin,
               std::function<std::uint32_t(std::uint16_t)> higher);

    void on_records(std::span<const trace_record> records) override;

private:
    std::uint32_t thread_of(std::uint32_t value, cpu_id cpu) const;
    void on(const trace_record& r);

    sched_log& log_;
    sim_time begin_;
    std::function<std::uint32_t(std::uint16_t)> higher_;
    std::vector<bool> seen_; ///< of each CPU: log_.first is known
};

} // namespace pairsim
