// SPDX-License-Identifier: GPL-2.0-only
//
// The records of a run, kept and searched: how often something happened, when, and who ran where.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "sim/trace.h"

namespace pairsim::test {

/// What a record must be like to be found; an empty field accepts anything.
struct record_filter {
    std::optional<cpu_id> cpu{};
    std::optional<pid> task{};
    std::optional<std::uint8_t> reason{};
    sim_time from{};
    sim_time to = never;
};

template <class Reason>
constexpr std::uint8_t as_reason(Reason r)
{
    return static_cast<std::uint8_t>(r);
}

class trace_log final : public trace_sink {
public:
    void on_records(std::span<const trace_record> records) override;
    /// A new last record, to be filled.
    trace_record& next_record() { return records_.emplace_back(); }

    const std::vector<trace_record>& records() const { return records_; }
    std::vector<trace_record> find(record_kind kind, const record_filter& filter = {}) const;
    std::size_t count(record_kind kind, const record_filter& filter = {}) const;

    /// Who runs on @p cpu just after @p at: idle_pid, a task, or higher_pid() of a class.
    pid running(cpu_id cpu, sim_time at) const;
    /// One character for each @p unit of time in [@p from, @p to): the task's letter ('a' is pid 1), '_' idle,
    /// '#' a higher class; what runs just after the unit has begun.
    std::string lane(cpu_id cpu, nanoseconds unit, nanoseconds from, nanoseconds to) const;

private:
    std::vector<trace_record> records_;
};

} // namespace pairsim::test
