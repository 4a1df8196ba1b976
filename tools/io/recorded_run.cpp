// SPDX-License-Identifier: GPL-2.0-only
#include "tools/io/recorded_run.h"

#include <algorithm>
#include <array>

#include "tools/io/input_error.h"

namespace pairsim {
namespace {

class keeper final : public trace_sink {
public:
    explicit keeper(recorded_run& run) : run_(run) {}

    void on_records(std::span<const trace_record> records) override
    {
        for (const trace_record& r : records) {
            const bool is_switch = r.kind == record_kind::sched_switch;
            if (is_switch) {
                run_.nr_cpus = std::max(run_.nr_cpus, r.cpu.value + 1U);
            }
            if (is_switch || std::ranges::find(wake_ups, r.kind) != wake_ups.end()) {
                run_.records.push_back(r);
            }
        }
    }

private:
    static constexpr std::array wake_ups{record_kind::sched_waking, record_kind::sched_wakeup,
                                         record_kind::sched_wakeup_new, record_kind::higher_arrive};
    recorded_run& run_;
};

void read_own(own_trace& trace, recorded_run& run)
{
    keeper keep(run);
    trace.read(keep);
    run.end = trace.end();
    run.nr_cpus = trace.header().cpus;
    run.cgroups = trace.header().cgroups;
    for (const trace_header::task& t : trace.header().tasks) {
        run.tasks.push_back({static_cast<std::uint32_t>(run.tasks.size() + 1), t.name, t.cgroup.value});
    }
    run.own = trace.world();
}

} // namespace

recorded_run read_run(const std::string& path, const cgroup_rules& rules, const recorded_options& options)
{
    recorded_run run;
    run.where = display_name(path);
    file_bytes bytes(path);
    line_source lines(bytes, run.where);
    if (const auto own = open_own_trace(lines)) {
        read_own(*own, run);
    } else {
        recorded_trace trace(lines, rules, options);
        keeper keep(run);
        trace.read(keep);
        run.tasks = trace.tasks();
        run.cgroups = trace.cgroups();
        run.start = trace.start();
        run.end = trace.end();
    }
    if (run.nr_cpus == 0 || run.records.empty()) {
        throw input_error({{run.where, "", "no task ran in the trace", "record sched_switch and sched_wakeup"}});
    }
    return run;
}

} // namespace pairsim
