// SPDX-License-Identifier: GPL-2.0-only
#include "tools/study/metric_set.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "sim/check.h"

namespace pairsim {
namespace {

using value = std::optional<double>;

/// What a named metric is made from.
struct measured {
    const run_result& run;
    const metrics_result& m;
    double span_ns;
    double cpu_ns; ///< span of all CPUs

    value share(std::int64_t ns) const { return static_cast<double>(ns) / cpu_ns; }
    value per_second(std::uint64_t n) const { return static_cast<double>(n) * 1e9 / span_ns; }
    value forced(idle_cause cause) const { return share(m.machine.forced[cause]); }
    value latency(std::int64_t duration_summary::*part) const
    {
        return m.wakeup_latency.count == 0 ? std::nullopt : value(static_cast<double>(m.wakeup_latency.*part));
    }
    std::uint64_t counter(std::string_view name) const
    {
        const auto found =
            std::ranges::find(run.counters, name, [](const auto& c) { return std::string_view(c.first); });
        return found == run.counters.end() ? 0 : found->second;
    }
};

value longest_wait(const measured& r)
{
    std::int64_t longest = 0;
    for (const cgroup_metrics& c : r.m.cgroups) {
        longest = std::max(longest, c.longest_wait_ns);
    }
    return static_cast<double>(longest);
}

/// Time between the cgroup changes of a pair.
value turn(const measured& r)
{
    std::uint64_t changes = 0;
    for (const pair_metrics& p : r.m.pairs) {
        changes += p.cgroup_changes;
    }
    return changes == 0 ? std::nullopt
                        : value(r.span_ns * static_cast<double>(r.m.pairs.size()) / static_cast<double>(changes));
}

value co_run(const measured& r)
{
    std::int64_t ns = 0;
    for (const pair_metrics& p : r.m.pairs) {
        ns += p.co_run_ns;
    }
    return r.m.pairs.empty() ? std::nullopt
                             : value(static_cast<double>(ns) / (r.span_ns * static_cast<double>(r.m.pairs.size())));
}

value violations(const measured& r)
{
    const double whole_run_ns = static_cast<double>(r.run.simulated.count()); // claims know no warm-up
    return static_cast<double>(r.run.claims.of(claim_id::exclusive).violations) * 1e9 / whole_run_ns;
}

value emptied(const measured& r)
{
    const std::uint64_t adoptions = r.counter("nr_cgrp_next");
    return adoptions == 0 ? std::nullopt
                          : value(static_cast<double>(r.counter("nr_cgrp_empty")) / static_cast<double>(adoptions));
}

struct named_metric {
    metric what;
    value (*of)(const measured&);
};

const auto& table()
{
    using b = better;
    using r = const measured&;
    static const std::array all{
        named_metric{{"throughput", "share", b::higher, ""}, [](r x) { return x.share(x.run.useful_ns); }},
        named_metric{{"busy", "share", b::neither, ""}, [](r x) { return x.share(x.m.machine.busy_ns); }},
        named_metric{{"higher_class", "share", b::neither, ""}, [](r x) { return x.share(x.m.machine.higher_ns); }},
        named_metric{{"forced_idle", "share", b::lower, ""},
                     [](r x) { return x.share(x.m.machine.forced.total_ns()); }},
        named_metric{{"forced_idle_preempted_partner", "share", b::lower, ""},
                     [](r x) { return x.forced(idle_cause::preempted_partner); }},
        named_metric{{"forced_idle_drain", "share", b::lower, ""}, [](r x) { return x.forced(idle_cause::drain); }},
        named_metric{{"forced_idle_other_cgroup", "share", b::lower, ""},
                     [](r x) { return x.forced(idle_cause::other_cgroup); }},
        named_metric{{"forced_idle_wait_for_tick", "share", b::lower, ""},
                     [](r x) { return x.forced(idle_cause::wait_for_tick); }},
        named_metric{{"wakeup_p50_ns", "ns", b::lower, ""}, [](r x) { return x.latency(&duration_summary::p50_ns); }},
        named_metric{{"wakeup_p90_ns", "ns", b::lower, ""}, [](r x) { return x.latency(&duration_summary::p90_ns); }},
        named_metric{{"wakeup_p99_ns", "ns", b::lower, ""}, [](r x) { return x.latency(&duration_summary::p99_ns); }},
        named_metric{{"wakeup_p999_ns", "ns", b::lower, ""}, [](r x) { return x.latency(&duration_summary::p999_ns); }},
        named_metric{{"wakeup_max_ns", "ns", b::lower, ""}, [](r x) { return x.latency(&duration_summary::max_ns); }},
        named_metric{{"wakeups_per_s", "1/s", b::neither, ""},
                     [](r x) { return x.per_second(x.m.wakeup_latency.count); }},
        named_metric{{"longest_wait_ns", "ns", b::lower, ""}, longest_wait},
        named_metric{{"fairness", "share", b::higher, ""}, [](r x) { return value(x.m.jain_per_million / 1e6); }},
        named_metric{{"co_run", "share", b::lower, ""}, co_run},
        named_metric{{"violations_per_s", "1/s", b::lower, ""}, violations},
        named_metric{{"turn_ns", "ns", b::neither, ""}, turn},
        named_metric{{"emptied", "", b::neither, ""}, emptied},
        named_metric{{"switches_per_s", "1/s", b::lower, ""}, [](r x) { return x.per_second(x.m.machine.switches); }},
        named_metric{{"cgroup_switches_per_s", "1/s", b::lower, ""},
                     [](r x) { return x.per_second(x.m.machine.cgroup_switches); }},
        named_metric{{"kicks_per_s", "1/s", b::lower, ""}, [](r x) { return x.per_second(x.m.machine.kicks_sent); }},
        named_metric{{"ipis_per_s", "1/s", b::lower, ""}, [](r x) { return x.per_second(x.m.machine.ipis); }},
    };
    return all;
}

value number_at(const json& report, const std::string& pointer)
{
    const json::json_pointer at(pointer);
    if (!report.contains(at) || !report.at(at).is_number()) {
        return std::nullopt;
    }
    return report.at(at).get<double>();
}

} // namespace

std::span<const metric> standard_metrics()
{
    static const auto list = [] {
        std::vector<metric> names;
        std::ranges::transform(table(), std::back_inserter(names), &named_metric::what);
        return names;
    }();
    return list;
}

std::vector<std::optional<double>> measure(std::span<const metric> wanted, const run_result& run)
{
    const double span = static_cast<double>(run.metrics.span_ns());
    const measured numbers{run, run.metrics, span, span * static_cast<double>(run.metrics.cpus.size())};
    const bool needs_report = std::ranges::any_of(wanted, [](const metric& m) { return !m.pointer.empty(); });
    const json report = needs_report ? report_json(run) : json();
    std::vector<value> values;
    for (const metric& m : wanted) {
        if (run.metrics.span_ns() <= 0) { // it ended before the warm-up did
            values.emplace_back();
        } else if (!m.pointer.empty()) {
            values.push_back(number_at(report, m.pointer));
        } else {
            const auto found = std::ranges::find(table(), m.name, [](const named_metric& n) { return n.what.name; });
            SIM_CHECK(found != table().end());
            values.push_back(found->of(numbers));
        }
    }
    return values;
}

} // namespace pairsim
