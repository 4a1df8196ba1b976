// SPDX-License-Identifier: GPL-2.0-only
//
// Builds the scenario of a measured case. The start-up is the measuring program's: tasks are forked and block, 500 ms
// pass, then a FIFO program wakes all of them from one CPU and sleeps to the end of the window.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "sim/random.h"
#include "tools/io/input_error.h"
#include "tools/validate/case_run.h"

namespace pairsim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// The program's own times, medians over the runs of the recorded cases. It is cold code the first times.
constexpr nanoseconds settle = milliseconds{500};       ///< from the attachment to the start of the window
constexpr nanoseconds first_wakeup = microseconds{600}; ///< of a task, in the window
constexpr std::array<nanoseconds, 3> wakeup_gaps{microseconds{320}, microseconds{150}, microseconds{17}};
constexpr nanoseconds later_gap = microseconds{10};
constexpr nanoseconds leaves_after = microseconds{300}; ///< the last wake-up
constexpr nanoseconds reads_before = microseconds{500}; ///< the window: it wakes up and reads the counters
constexpr nanoseconds wakes_late = microseconds{150};   ///< after the window's nominal length
constexpr nanoseconds final_read = microseconds{1500};  ///< until it has read the counters

/// Draws that a case needs beside those of the simulator: a stream of their own for each question.
enum class question : std::uint32_t { task_cpu, tick_phase };

std::uint64_t chance(std::uint64_t seed, question what, std::uint64_t n, std::uint64_t below)
{
    constexpr std::uint32_t first_entity = 0xf0000000U; // no entity of a simulation
    return random_draw(seed, random_purpose::task_start, first_entity + static_cast<std::uint32_t>(what), n) % below;
}

cpu_id cpu_number(std::uint64_t n)
{
    return cpu_id{static_cast<std::uint16_t>(n)};
}

pair_variants variants_of(const std::string& name)
{
    pair_variants v;
    std::string rest = name == "all3" ? "selcpu_local_enqlast" : name;
    while (!rest.empty() && rest != "stock") {
        const auto end = rest.find('_');
        const std::string word = rest.substr(0, end);
        rest = end == std::string::npos ? "" : rest.substr(end + 1);
        if (word == "selcpu") {
            v.select_cpu_prev = true;
        } else if (word == "local") {
            v.local_dsq = true;
        } else if (word == "enqlast") {
            v.enq_last = true;
        } else {
            throw input_error({{"variant", "", "unknown variant " + quote(name),
                                "known parts: stock, selcpu, local, enqlast, all3"}});
        }
    }
    return v;
}

/// Waits for the harness, then loops over the phases.
std::vector<phase> program_of(const std::vector<case_phase>& phases, std::uint32_t channel)
{
    std::vector<phase> program;
    const auto add = [&](phase::op kind, nanoseconds length) {
        phase p;
        p.kind = kind;
        p.duration = duration_dist::constant(length);
        p.arg = kind == phase::op::wait ? channel : 0;
        program.push_back(p);
    };
    add(phase::op::wait, {});
    for (const case_phase& p : phases) {
        switch (p.kind) {
        case case_phase::op::run:
            add(phase::op::run, p.length);
            break;
        case case_phase::op::sleep:
            add(phase::op::sleep, p.length);
            break;
        case case_phase::op::yield:
            add(phase::op::yield, {});
            break;
        case case_phase::op::forever:
            add(phase::op::run, max_duration);
            break;
        }
    }
    phase loop;
    loop.kind = phase::op::loop;
    loop.target = 1;
    loop.arg = repeat_forever;
    program.push_back(loop);
    return program;
}

class builder {
public:
    builder(const measured_case& c, const host_machine& host, std::uint64_t seed)
        : case_(c), host_(host), seed_(seed),
          like_(c.runs[seed % c.runs.size()]), made_{.what = empty_scenario(host, random_theft(like_, c.nr_cpus), seed),
                                                     .window_begin = sim_time{settle},
                                                     .window_end = {}}
    {
    }

    case_scenario build()
    {
        s_.name = case_.name;
        set_machine();
        s_.pair.stride = case_.stride;
        s_.pair.batch_duration = case_.batch;
        s_.pair.variants = variants_of(case_.variant);
        s_.pair.variants.big_ctx_map = case_.big_ctx_map;
        add_tasks();
        add_harness();
        for (const case_rt& rt : case_.rt) {
            higher_source source;
            source.cpu = cpu_number(rt.cpu);
            source.first = made_.window_begin + rt.offset;
            source.length = duration_dist::constant(rt.run);
            source.interval = duration_dist::constant(rt.period);
            source.count = static_cast<std::uint64_t>(2 * case_.window / rt.period);
            s_.work.higher.push_back(source);
        }
        take_turns();
        return std::move(made_);
    }

private:
    void set_machine()
    {
        machine_config& m = s_.machine;
        m.hz = case_.hz;
        m.profile = kernel_profile::k612;
        m.repaired_kick_wait = !like_.plain_kernel;
        // All CPUs keep their distance, but where the window begins in a tick is chance.
        const auto period = static_cast<std::uint64_t>(1'000'000'000 / case_.hz);
        const nanoseconds phase_shift{chance(seed_, question::tick_phase, 0, period)};
        for (nanoseconds& offset : m.tick_offset) {
            offset = (offset + phase_shift) % nanoseconds{period};
        }
    }

    void add_tasks()
    {
        std::map<std::string, cgroup_id> cgroups;
        std::map<std::string, std::uint32_t> counts;
        std::uint32_t nr_tasks = 0;
        go_ = s_.work.nr_channels++;
        for (const case_tasks& line : case_.tasks) {
            const auto [at, is_new] =
                cgroups.try_emplace(line.cgroup, cgroup_id{static_cast<std::uint32_t>(s_.work.cgroups.size())});
            if (is_new) {
                s_.work.cgroups.push_back(
                    {.name = line.cgroup, .parent = root_cgroup, .create_at = {}, .remove_at = never});
            }
            std::uint32_t mask = 0;
            std::vector<std::uint32_t> allowed = line.cpus;
            if (!allowed.empty()) {
                mask = static_cast<std::uint32_t>(s_.work.cpumasks.size());
                s_.work.cpumasks.emplace_back(cpumask(case_.nr_cpus));
                for (const std::uint32_t cpu : allowed) {
                    s_.work.cpumasks.back().set(cpu_number(cpu));
                }
            } else {
                for (std::uint32_t cpu = 0; cpu < case_.nr_cpus; ++cpu) {
                    allowed.push_back(cpu);
                }
            }
            for (std::uint32_t i = 0; i < line.count; ++i) {
                task_spec t;
                t.name = fmt::format("{}.{}", line.cgroup, counts[line.cgroup]++);
                t.cgroup = at->second;
                t.affinity = mask;
                t.start = sim_time{milliseconds{2} * (nr_tasks + 1)}; // in the order in which they are woken
                t.fork_cpu = cpu_number(allowed[chance(seed_, question::task_cpu, nr_tasks, allowed.size())]);
                t.program = program_of(line.phases, go_);
                s_.work.tasks.push_back(std::move(t));
                ++nr_tasks;
            }
        }
        nr_tasks_ = nr_tasks;
    }

    void add_harness()
    {
        const cpu_id cpu = cpu_number(like_.harness_cpu);
        sim_time at = made_.window_begin + first_wakeup;
        for (std::uint32_t i = 0; i < nr_tasks_; ++i) {
            s_.work.outside.push_back({.at = at, .cpu = cpu, .kind = phase::op::wake, .target = 0, .arg = go_});
            at += i < wakeup_gaps.size() ? wakeup_gaps[i] : later_gap;
        }
        const auto visit = [&](sim_time from, sim_time to) {
            higher_source source;
            source.cpu = cpu;
            source.first = from;
            source.length = duration_dist::constant(to - from);
            s_.work.higher.push_back(source);
        };
        visit(made_.window_begin - reads_before, at + leaves_after);
        const sim_time end = made_.window_begin + case_.window + wakes_late;
        made_.window_end = end + final_read;
        visit(end, end + 2 * final_read);
        s_.duration = made_.window_end.time_since_epoch() + milliseconds{1};
    }

    /// Where the host had a CPU descheduled for about half of the time, two CPUs shared one of its own.
    static bool shares_host_cpu(const measured_run& run, std::uint32_t cpu)
    {
        constexpr double about_half = 0.3;
        return cpu < run.lost_share.size() && run.lost_share[cpu] > about_half;
    }

    /// The host takes CPUs away for as much of the time as it did in the recorded run.
    static std::vector<double> random_theft(const measured_run& run, std::uint32_t nr_cpus)
    {
        std::vector<double> shares(nr_cpus);
        for (std::uint32_t cpu = 0; cpu < nr_cpus; ++cpu) {
            shares[cpu] = cpu < run.lost_share.size() && !shares_host_cpu(run, cpu) ? run.lost_share[cpu] : 0;
        }
        return shares;
    }

    void take_turns()
    {
        const nanoseconds turn = host_turn(host_);
        for (std::uint32_t cpu = 0; cpu < case_.nr_cpus && turn > nanoseconds{0}; ++cpu) {
            if (!shares_host_cpu(like_, cpu)) {
                continue;
            }
            lost_time_source source;
            source.cpu = cpu_number(cpu);
            source.first = sim_time{turn * (cpu < case_.nr_cpus / 2 ? 1 : 2)};
            source.length = duration_dist::constant(turn);
            source.interval = duration_dist::constant(2 * turn);
            source.count = ~std::uint64_t{0};
            s_.work.lost_time.push_back(source);
        }
    }

    const measured_case& case_;
    const host_machine& host_;
    std::uint64_t seed_;
    const measured_run& like_; ///< the recorded run that this one follows where chance decided
    case_scenario made_;
    scenario& s_ = made_.what;
    std::uint32_t nr_tasks_ = 0;
    std::uint32_t go_ = 0; ///< the channel for which all tasks wait at first
};

} // namespace

case_scenario make_scenario(const measured_case& c, const host_machine& host, std::uint64_t seed)
{
    return builder(c, host, seed).build();
}

} // namespace pairsim
