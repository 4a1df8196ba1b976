// SPDX-License-Identifier: GPL-2.0-only
#include "tools/validate/tick_fit.h"

#include <algorithm>
#include <array>

namespace pairsim {
namespace {

constexpr std::array<std::uint32_t, 4> usual_hz{100, 250, 300, 1000};
constexpr std::size_t fewest_ends = 10;      ///< of a CPU
constexpr double close_share = 0.8;          ///< of the ends must lie close together: others are no ticks
constexpr double widest = 0.5;               ///< part of a tick in which they lie
constexpr double clearly = 0.8;              ///< so much closer together, a shorter tick is the better explanation
constexpr std::int64_t beyond = 4;           ///< times as far as most ends lie apart: the others are kicks
constexpr std::int64_t least_jitter = 1'000; ///< ns

std::int64_t period_of(std::uint32_t hz)
{
    return 1'000'000'000 / hz;
}

struct arc {
    std::int64_t start = 0;
    std::int64_t width = 0;
};

/// The shortest arc of a circle of @p period that holds close_share of @p times, which are not empty.
arc shortest_arc(std::vector<std::int64_t> times, std::int64_t period)
{
    for (std::int64_t& t : times) {
        t %= period;
    }
    std::sort(times.begin(), times.end());
    const std::size_t n = times.size();
    const auto held = std::max<std::size_t>(1, static_cast<std::size_t>(close_share * static_cast<double>(n)));
    arc best{times[0], period};
    for (std::size_t i = 0; i < n; ++i) {
        const std::size_t last = i + held - 1;
        const std::int64_t width = times[last % n] + (last >= n ? period : 0) - times[i];
        if (width < best.width) {
            best = {times[i], width};
        }
    }
    return best;
}

std::vector<std::vector<std::int64_t>> by_cpu(const std::vector<slice_end>& ends, std::uint32_t nr_cpus)
{
    std::vector<std::vector<std::int64_t>> times(nr_cpus);
    for (const slice_end& e : ends) {
        times[e.cpu].push_back(e.at_ns);
    }
    return times;
}

} // namespace

std::vector<slice_end> slice_ends(const sched_log& log)
{
    std::vector<slice_end> ends;
    for (const log_event& e : log.events) {
        const log_thread& prev = log.threads[e.prev];
        const log_thread& next = log.threads[e.thread];
        if (e.kind == log_event::what::swtch && e.runnable && e.prev != e.thread && prev.sort == thread_sort::work &&
            next.sort == thread_sort::work && prev.cgroup == next.cgroup) {
            ends.push_back({e.cpu, e.at_ns});
        }
    }
    return ends;
}

std::optional<std::uint32_t> find_hz(const std::vector<slice_end>& ends, std::uint32_t nr_cpus)
{
    std::optional<std::uint32_t> best;
    double best_part = widest;
    const auto times = by_cpu(ends, nr_cpus);
    for (const std::uint32_t hz : usual_hz) {
        double part = 0;
        std::size_t counted = 0;
        for (const auto& of_cpu : times) {
            if (of_cpu.size() >= fewest_ends) {
                const auto width = static_cast<double>(shortest_arc(of_cpu, period_of(hz)).width);
                part += width / static_cast<double>(period_of(hz)) * static_cast<double>(of_cpu.size());
                counted += of_cpu.size();
            }
        }
        part /= static_cast<double>(std::max<std::size_t>(1, counted));
        if (counted != 0 && part < best_part * (best ? clearly : 1.0)) {
            best = hz;
            best_part = part;
        }
    }
    return best;
}

std::vector<std::optional<std::int64_t>> find_phases(const std::vector<slice_end>& ends, std::uint32_t nr_cpus,
                                                     std::uint32_t hz)
{
    std::vector<std::optional<std::int64_t>> phases(nr_cpus);
    const auto times = by_cpu(ends, nr_cpus);
    for (std::size_t cpu = 0; cpu < nr_cpus; ++cpu) {
        if (times[cpu].size() >= fewest_ends) {
            phases[cpu] = shortest_arc(times[cpu], period_of(hz)).start;
        }
    }
    return phases;
}

void collect_lateness(const std::vector<slice_end>& ends, std::uint32_t nr_cpus, std::uint32_t hz,
                      latency_samples& samples)
{
    const std::int64_t period = period_of(hz);
    for (const auto& of_cpu : by_cpu(ends, nr_cpus)) {
        if (of_cpu.size() < fewest_ends) {
            continue;
        }
        const arc usual = shortest_arc(of_cpu, period);
        const std::int64_t latest = std::min(period / 2, beyond * usual.width + least_jitter);
        for (const std::int64_t t : of_cpu) {
            const std::int64_t late = (t % period - usual.start + period) % period;
            if (late <= latest) {
                samples[latency::tick_late].push_back(late);
            }
        }
    }
}

std::vector<std::int64_t> tick_offsets(const std::vector<std::optional<std::int64_t>>& phases, std::uint32_t hz)
{
    const std::int64_t period = period_of(hz);
    std::vector<std::int64_t> known;
    for (const auto& phase : phases) {
        if (phase) {
            known.push_back(*phase);
        }
    }
    std::sort(known.begin(), known.end());
    std::int64_t first = 0; // the phase after the longest time without a tick
    std::int64_t longest = -1;
    for (std::size_t i = 0; i < known.size(); ++i) {
        const std::int64_t before = i == 0 ? known.back() - period : known[i - 1];
        if (known[i] - before > longest) {
            longest = known[i] - before;
            first = known[i];
        }
    }
    std::vector<std::int64_t> offsets;
    for (const auto& phase : phases) {
        offsets.push_back(phase ? (*phase - first + period) % period : 0);
    }
    return offsets;
}

} // namespace pairsim
