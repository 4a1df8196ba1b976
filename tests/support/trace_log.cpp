// SPDX-License-Identifier: GPL-2.0-only
#include "tests/support/trace_log.h"

#include <algorithm>
#include <iterator>

namespace pairsim::test {
namespace {

bool accepts(const record_filter& f, const trace_record& r)
{
    return (!f.cpu || *f.cpu == r.cpu) && (!f.task || *f.task == r.task) && (!f.reason || *f.reason == r.reason) &&
           f.from <= r.at && r.at <= f.to;
}

char letter(pid task)
{
    if (task == idle_pid) {
        return '_';
    }
    return is_higher(task) ? '#' : static_cast<char>('a' + static_cast<int>(task.value - 1));
}

} // namespace

void trace_log::on_records(std::span<const trace_record> records)
{
    records_.insert(records_.end(), records.begin(), records.end());
}

std::vector<trace_record> trace_log::find(record_kind kind, const record_filter& filter) const
{
    std::vector<trace_record> found;
    std::ranges::copy_if(records_, std::back_inserter(found),
                         [&](const trace_record& r) { return r.kind == kind && accepts(filter, r); });
    return found;
}

std::size_t trace_log::count(record_kind kind, const record_filter& filter) const
{
    return find(kind, filter).size();
}

pid trace_log::running(cpu_id cpu, sim_time at) const
{
    const auto switches = find(record_kind::sched_switch, {.cpu = cpu, .to = at});
    return switches.empty() ? idle_pid : switches.back().task;
}

std::string trace_log::lane(cpu_id cpu, nanoseconds unit, nanoseconds from, nanoseconds to) const
{
    std::string text;
    for (nanoseconds t = from; t < to; t += unit) {
        text += letter(running(cpu, sim_time{t}));
    }
    return text;
}

} // namespace pairsim::test
