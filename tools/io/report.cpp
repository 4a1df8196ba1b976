// SPDX-License-Identifier: GPL-2.0-only
#include "tools/io/report.h"

#include <numeric>

#include <fmt/format.h>

#include "tools/io/causes.h"

namespace pairsim {
namespace {

std::string cgroup_in_words(const scenario& what, pid task, cgroup_id cgroup)
{
    if (is_higher(task)) {
        return "a higher class";
    }
    return cgroup.value < what.work.cgroups.size() ? "`" + what.work.cgroups[cgroup.value].name + "`" : "no cgroup";
}

json summary_json(const duration_summary& s)
{
    return {{"count", s.count}, {"total", s.total_ns}, {"p50", s.p50_ns}, {"p90", s.p90_ns},
            {"p99", s.p99_ns},  {"p999", s.p999_ns},   {"max", s.max_ns}};
}

json forced_json(const forced_idle& forced)
{
    json j;
    j["total"] = forced.total_ns();
    for (std::size_t i = 0; i < nr_idle_causes; ++i) {
        const auto cause = static_cast<idle_cause>(i);
        j[std::string(idle_cause_name(cause))] = forced[cause];
    }
    return j;
}

/// @p part of @p whole, rounded down to millionths: the same text on every machine.
double share(std::int64_t part, std::int64_t whole)
{
    if (whole <= 0) {
        return 0;
    }
    __extension__ using wide = __int128;
    return static_cast<double>(static_cast<std::int64_t>(wide{part} * 1'000'000 / whole)) / 1e6;
}

json cgroups_json(const run_result& run)
{
    json all = json::object();
    for (std::size_t i = 0; i < run.metrics.cgroups.size(); ++i) {
        const auto& m = run.metrics.cgroups[i];
        all[run.what.work.cgroups[i].name] = {{"cpu_time_ns", m.cpu_time_ns},
                                              {"cpu_share", share(m.cpu_time_ns, run.metrics.machine.busy_ns)},
                                              {"waiting_ns", m.waiting_ns},
                                              {"longest_wait_ns", m.longest_wait_ns},
                                              {"had_work", m.had_work},
                                              {"switches", m.switches},
                                              {"wakeups_direct", m.wakeups_direct},
                                              {"wakeups_queued", m.wakeups_queued},
                                              {"wakeup_latency_ns", summary_json(m.wakeup_latency)}};
    }
    return all;
}

json cpu_json(const cpu_metrics& m)
{
    return {{"busy_ns", m.busy_ns},
            {"idle_ns", m.idle_ns},
            {"higher_ns", m.higher_ns},
            {"lost_ns", m.lost_ns},
            {"forced_idle_ns", forced_json(m.forced)},
            {"switches", m.switches},
            {"cgroup_switches", m.cgroup_switches},
            {"keeps", m.keeps},
            {"dispatches", m.dispatches},
            {"kicks_sent", m.kicks_sent},
            {"kicks_received", m.kicks_received},
            {"ipis", m.ipis}};
}

json machine_json(const run_result& run)
{
    const metrics_result& m = run.metrics;
    json all = cpu_json(m.machine);
    if (!run.kernel_ns.empty()) {
        all["kernel_ns"] = kernel_ns_of_machine(run);
    }
    all["useful_ns"] = run.useful_ns;
    all["cpus"] = m.cpus.size();
    all["from_ns"] = to_ns(m.from);
    all["to_ns"] = to_ns(m.to);
    all["wakeups_direct"] = m.wakeups_direct;
    all["wakeups_queued"] = m.wakeups_queued;
    all["wakeup_latency_ns"] = summary_json(m.wakeup_latency);
    all["jain_per_million"] = m.jain_per_million;
    return all;
}

json cpus_json(const run_result& run)
{
    json all = json::array();
    for (std::size_t i = 0; i < run.metrics.cpus.size(); ++i) {
        json one = {{"cpu", i}};
        one.update(cpu_json(run.metrics.cpus[i]));
        if (!run.kernel_ns.empty()) {
            one["kernel_ns"] = run.kernel_ns[i];
        }
        all.push_back(std::move(one));
    }
    return all;
}

json pairs_json(const metrics_result& metrics)
{
    json all = json::array();
    for (const auto& m : metrics.pairs) {
        all.push_back({{"pair", m.cpus[0].value},
                       {"cpus", json::array({m.cpus[0].value, m.cpus[1].value})},
                       {"adoptions", m.adoptions},
                       {"cgroup_changes", m.cgroup_changes},
                       {"waits", m.waits},
                       {"batch_ns", summary_json(m.batch)},
                       {"drain_ns", summary_json(m.drain)},
                       {"forced_idle_ns", forced_json(m.forced)},
                       {"shared_ns", m.shared_ns},
                       {"co_run_ns", m.co_run_ns},
                       {"alone_ns", m.alone_ns}});
    }
    return all;
}

json tasks_json(const run_result& run)
{
    json all = json::array();
    for (std::size_t i = 0; i < run.metrics.tasks.size(); ++i) {
        const auto& m = run.metrics.tasks[i];
        const auto& spec = run.what.work.tasks[i];
        all.push_back({{"pid", i + 1},
                       {"name", spec.name},
                       {"cgroup", run.what.work.cgroups[spec.cgroup.value].name},
                       {"cpu_time_ns", m.cpu_time_ns},
                       {"waiting_ns", m.waiting_ns},
                       {"longest_wait_ns", m.longest_wait_ns},
                       {"wakeups", m.wakeups},
                       {"switches", m.switches},
                       {"wakeup_latency_ns", summary_json(m.wakeup_latency)}});
    }
    return all;
}

} // namespace

json claims_json(const claims_result& claims)
{
    json all = json::object();
    for (const auto& claim : all_claims()) {
        const auto& totals = claims.of(claim.claim);
        json by_cause = json::object();
        for (const auto& cause : causes()) {
            const auto& c = totals.by_cause[static_cast<std::size_t>(cause.cause)];
            if (c.violations != 0 || c.total_ns != 0) {
                by_cause[std::string(cause.id)] = {{"violations", c.violations},
                                                   {"total_ns", c.total_ns},
                                                   {"longest_ns", c.longest_ns},
                                                   {"first_ns", to_ns(c.first.start)}};
            }
        }
        all[std::string(claim.id)] = {{"watched", claims.watched.has(claim.claim)},
                                      {"violations", totals.violations},
                                      {"total_ns", totals.total_ns},
                                      {"longest_ns", totals.longest_ns},
                                      {"by_cause", std::move(by_cause)}};
    }
    return all;
}

json findings_json(const scenario& what, const claims_result& claims)
{
    json all = json::array();
    for (const auto& f : claims.findings) {
        json cpus = json::array();
        json tasks = json::array();
        json cgroups = json::array();
        for (std::size_t i = 0; i < 2; ++i) {
            if (f.cpus[i] != no_cpu) {
                cpus.push_back(f.cpus[i].value);
            }
            if (is_task(f.tasks[i])) {
                tasks.push_back(f.tasks[i].value);
            }
            if (f.cgroups[i] != no_cgroup) {
                cgroups.push_back(what.work.cgroups[f.cgroups[i].value].name);
            }
        }
        all.push_back({{"claim", all_claims()[static_cast<std::size_t>(f.claim)].id},
                       {"cause", info_of(f.cause).id},
                       {"start_ns", to_ns(f.start)},
                       {"end_ns", to_ns(f.end)},
                       {"cpus", std::move(cpus)},
                       {"tasks", std::move(tasks)},
                       {"cgroups", std::move(cgroups)},
                       {"sentence", finding_sentence(what, f)}});
    }
    return all;
}

std::string finding_sentence(const scenario& what, const finding& f)
{
    const auto cpu_in_words = [](cpu_id c) { return c == no_cpu ? std::string("-") : fmt::to_string(c.value); };
    const auto headline = info_of(f.cause).headline;
    return fmt::format(fmt::runtime(headline), fmt::arg("cpu", cpu_in_words(f.cpus[0])),
                       fmt::arg("own", cgroup_in_words(what, f.tasks[0], f.cgroups[0])),
                       fmt::arg("other", cpu_in_words(f.cpus[1])),
                       fmt::arg("theirs", cgroup_in_words(what, f.tasks[1], f.cgroups[1])));
}

std::int64_t kernel_ns_of_machine(const run_result& run)
{
    return std::accumulate(run.kernel_ns.begin(), run.kernel_ns.end(), std::int64_t{0});
}

json report_json(const run_result& run)
{
    json r;
    r["schema"] = "pairsim.report/1";
    r["scenario"] = run.what.name;
    r["version"] = run.version;
    r["seed"] = run.seed;
    r["digest"] = run.digest;
    r["unseed"] = fmt::format("{:#018x}", run.unseed); // a number of 64 bits does not survive every JSON reader
    r["simulated_ns"] = run.simulated.count();
    r["exit"] = {{"kind", run.exit.kind}, {"message", run.exit.message}, {"at_ns", to_ns(run.exit.at)}};
    r["counters"] = json::object();
    for (const auto& [name, value] : run.counters) {
        r["counters"][name] = value;
    }
    r["machine"] = machine_json(run);
    r["cgroups"] = cgroups_json(run);
    r["pairs"] = pairs_json(run.metrics);
    r["cpus"] = cpus_json(run);
    r["tasks"] = tasks_json(run);
    r["claims"] = claims_json(run.claims);
    r["findings"] = findings_json(run.what, run.claims);
    r["findings_left_out"] = run.claims.findings_left_out;
    return r;
}

} // namespace pairsim
