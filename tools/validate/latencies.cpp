// SPDX-License-Identifier: GPL-2.0-only
#include "tools/validate/latencies.h"

#include <algorithm>
#include <charconv>

namespace pairsim {
namespace {

using what = log_event::what;

constexpr std::int64_t longest_gap = 900'000; ///< less than a tick
constexpr std::int64_t longest_leg = 1'000'000;
constexpr std::int64_t longest_shared_leg = 15'000'000;
constexpr double shared_host = 0.3; ///< share of lost time that means that CPUs share one of the host's
constexpr nanoseconds slice = std::chrono::milliseconds{20};
constexpr std::int64_t unknown = -1;

using loop_plan = run_facts::loop_plan;

loop_plan plan_of(const std::vector<case_phase>& phases)
{
    if (phases.size() != 2 || phases[0].kind != case_phase::op::run || phases[1].kind != case_phase::op::sleep) {
        return {};
    }
    return {true, phases[0].length.count(), phases[1].length.count()};
}

loop_plan find_plan(const measured_case& c, const std::string& name)
{
    const auto dot = name.find('.');
    std::uint32_t n = 0;
    std::from_chars(name.data() + dot + 1, name.data() + name.size(), n);
    for (const case_tasks& t : c.tasks) {
        if (t.cgroup != name.substr(0, dot)) {
            continue;
        }
        if (n < t.count) {
            return plan_of(t.phases);
        }
        n -= t.count;
    }
    return {};
}

class collector {
public:
    collector(const run_facts& facts, const sched_log& log, latency_samples& samples)
        : facts_(facts), log_(log), samples_(samples), waking_(log.threads.size(), unknown),
          began_(log.threads.size(), unknown), woken_here_(log.threads.size()), woken_(log.threads.size(), unknown),
          path_(log.threads.size()), on_since_(log.threads.size(), unknown), slept_(log.threads.size(), unknown),
          ran_(log.threads.size()), disturbed_(log.threads.size()), on_cpu_(log.first),
          mixed_since_(log.pairs.size(), unknown)
    {
    }

    void run()
    {
        for (const log_event& e : log_.events) {
            if (e.kind == what::waking) {
                on_waking(e);
            } else if (e.kind == what::wakeup) {
                on_wakeup(e);
            } else {
                on_switch(e);
            }
        }
    }

private:
    thread_sort sort(std::uint32_t thread) const { return log_.threads[thread].sort; }

    void on_waking(const log_event& e)
    {
        waking_[e.thread] = e.at_ns;
        began_[e.thread] = e.at_ns;
        const loop_plan& plan = facts_.plans[e.thread];
        if (slept_[e.thread] != unknown && plan.known) {
            watch_late_sleep(e.at_ns, slept_[e.thread] + plan.sleep);
            const bool idle = std::all_of(on_cpu_.begin(), on_cpu_.end(),
                                          [this](std::uint32_t t) { return sort(t) == thread_sort::idle; });
            samples_[idle ? latency::idle_sleep_extra : latency::sleep_extra].push_back(e.at_ns - slept_[e.thread] -
                                                                                        plan.sleep);
        }
        slept_[e.thread] = unknown;
    }

    void watch_late_sleep(std::int64_t now, std::int64_t due)
    {
        if (facts_.shared || busy_since_ == unknown || due < busy_since_) {
            return;
        }
        if (busy_until_ == unknown) {
            samples_.late_sleeps.push_back({std::max<std::int64_t>(0, now - due), true});
        } else if (due < busy_until_) {
            samples_.late_sleeps.push_back({busy_until_ - due, false});
        }
    }

    void watch_busy(std::int64_t now)
    {
        const bool busy = std::any_of(on_cpu_.begin(), on_cpu_.end(),
                                      [this](std::uint32_t t) { return sort(t) != thread_sort::idle; });
        if (busy && (busy_since_ == unknown || busy_until_ != unknown)) {
            busy_since_ = now;
            busy_until_ = unknown;
        } else if (!busy && busy_until_ == unknown) {
            busy_until_ = now;
        }
    }

    void on_wakeup(const log_event& e)
    {
        woken_[e.thread] = e.at_ns;
        woken_here_[e.thread] = e.cpu == e.target;
        path_[e.thread] = e.path;
        ran_[e.thread] = 0;
        disturbed_[e.thread] = false;
        if (sort(e.thread) == thread_sort::work && waking_[e.thread] != unknown) {
            const auto took = e.at_ns - waking_[e.thread];
            if (e.path == log_path::direct && e.cpu == e.target) { // else it contains the sending of an IPI
                samples_[latency::wake_direct].push_back(took);
            } else if (e.path == log_path::queued) {
                samples_[latency::wake_queued].push_back(took);
            }
        }
        waking_[e.thread] = unknown;
    }

    void on_switch(const log_event& e)
    {
        switch_out(e);
        const auto since_wakeup = e.at_ns - woken_[e.thread];
        if (woken_[e.thread] != unknown && !facts_.shared) {
            if (sort(e.thread) == thread_sort::work && path_[e.thread] == log_path::direct &&
                sort(e.prev) == thread_sort::idle) {
                if (woken_here_[e.thread]) {
                    samples_[latency::idle_to_run].push_back(since_wakeup);
                } else {
                    samples_[latency::remote_to_run].push_back(e.at_ns - began_[e.thread]);
                }
            }
        }
        if (sort(e.thread) == thread_sort::rt && sort(e.prev) == thread_sort::work && began_[e.thread] != unknown) {
            samples_[latency::rt_to_run].push_back(e.at_ns - began_[e.thread]);
        }
        watch_ticks(e);
        began_[e.thread] = unknown;
        woken_[e.thread] = unknown;
        on_since_[e.thread] = e.at_ns;
        on_cpu_[e.cpu] = e.thread;
        watch_busy(e.at_ns);
        for (std::size_t i = 0; i < log_.pairs.size(); ++i) {
            watch_pair(i, e);
        }
    }

    void switch_out(const log_event& e)
    {
        const std::uint32_t t = e.prev;
        if (sort(t) != thread_sort::work || on_since_[t] == unknown) {
            return;
        }
        ran_[t] += e.at_ns - on_since_[t];
        on_since_[t] = unknown;
        if (e.runnable) {
            disturbed_[t] = true;
            return;
        }
        const loop_plan& plan = facts_.plans[t];
        if (plan.known && !disturbed_[t]) {
            samples_[latency::run_extra].push_back(ran_[t] - plan.run);
        }
        slept_[t] = e.at_ns;
    }

    /// In batches that outlast several slices each CPU ends a slice by itself, at its own tick.
    void watch_ticks(const log_event& e)
    {
        const bool own_end = e.runnable && sort(e.prev) == thread_sort::work && sort(e.thread) == thread_sort::work &&
                             log_.threads[e.prev].cgroup == log_.threads[e.thread].cgroup;
        if (!facts_.long_batch || facts_.shared || !own_end || !only_hogs()) {
            return;
        }
        if (last_end_ != unknown && last_end_cpu_ != e.cpu && e.at_ns - last_end_ < longest_gap) {
            samples_[latency::tick_gap].push_back(e.at_ns - last_end_);
        }
        last_end_ = e.at_ns;
        last_end_cpu_ = e.cpu;
    }

    void watch_pair(std::size_t i, const log_event& e)
    {
        const log_thread& a = log_.threads[on_cpu_[log_.pairs[i][0]]];
        const log_thread& b = log_.threads[on_cpu_[log_.pairs[i][1]]];
        const bool mixed = a.sort == thread_sort::work && b.sort == thread_sort::work && a.cgroup != b.cgroup;
        if (mixed && mixed_since_[i] == unknown) {
            mixed_since_[i] = e.at_ns;
        } else if (!mixed && mixed_since_[i] != unknown) {
            const auto length = e.at_ns - mixed_since_[i];
            mixed_since_[i] = unknown;
            if (facts_.shared && length >= facts_.shortest_leg && length < longest_shared_leg) {
                samples_[latency::shared_leg].push_back(length);
            } else if (!facts_.shared && !facts_.kick_storm && e.runnable && length >= facts_.shortest_leg &&
                       length < longest_leg && only_hogs()) {
                samples_[latency::kick_leg].push_back(length);
            }
        }
    }

    /// Where tasks sleep, the end of a mixture can be that of a run.
    bool only_hogs() const
    {
        return std::all_of(facts_.plans.begin(), facts_.plans.end(), [](const loop_plan& p) { return !p.known; });
    }

    const run_facts& facts_;
    const sched_log& log_;
    latency_samples& samples_;
    std::vector<std::int64_t> waking_, began_;
    std::vector<bool> woken_here_;
    std::vector<std::int64_t> woken_;
    std::vector<log_path> path_;
    std::vector<std::int64_t> on_since_, slept_, ran_;
    std::vector<bool> disturbed_;
    std::vector<std::uint32_t> on_cpu_;
    std::vector<std::int64_t> mixed_since_;
    std::int64_t busy_since_ = unknown; ///< the last time in which some CPU was busy
    std::int64_t busy_until_ = unknown; ///< unknown: it lasts
    std::int64_t last_end_ = unknown;
    std::uint16_t last_end_cpu_ = 0;
};

} // namespace

std::string_view latency_name(latency l)
{
    constexpr std::array<std::string_view, nr_latencies> names{
        "wake_direct", "wake_queued", "idle_to_run", "remote_to_run",    "rt_to_run",  "kick_leg",
        "tick_gap",    "run_extra",   "sleep_extra", "idle_sleep_extra", "shared_leg", "tick_late"};
    return names[static_cast<std::size_t>(l)];
}

run_facts facts_of(const measured_case& c, const sched_log& log)
{
    run_facts facts;
    for (const log_thread& t : log.threads) {
        facts.plans.push_back(t.sort == thread_sort::work ? find_plan(c, t.name) : loop_plan{});
    }
    facts.kick_storm = c.batch == nanoseconds{0};
    facts.long_batch = c.batch > 2 * slice && c.nr_cpus == 2;
    facts.shared = std::any_of(c.runs.begin(), c.runs.end(), [](const measured_run& r) {
        return std::any_of(r.lost_share.begin(), r.lost_share.end(), [](double s) { return s > shared_host; });
    });
    return facts;
}

void collect_latencies(const run_facts& facts, const sched_log& log, latency_samples& samples)
{
    collector(facts, log, samples).run();
}

std::int64_t quantile(const std::vector<std::int64_t>& sorted, std::uint32_t per_million)
{
    const auto last = sorted.size() - 1;
    return sorted[static_cast<std::size_t>(static_cast<std::uint64_t>(last) * per_million / 1'000'000)];
}

} // namespace pairsim
