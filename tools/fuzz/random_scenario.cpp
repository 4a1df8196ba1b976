// SPDX-License-Identifier: GPL-2.0-only
#include "tools/fuzz/random_scenario.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "sim/random.h"
#include "sim/time.h"
#include "tools/io/units.h"

namespace pairsim {
namespace {

using namespace std::chrono_literals;

/// Draws of one scenario, one after the other.
class dice {
public:
    explicit dice(std::uint64_t seed) : seed_(seed) {}

    /// One of 0 ... n - 1.
    std::uint32_t below(std::uint64_t n)
    {
        constexpr random_purpose purpose{0x10000};
        return static_cast<std::uint32_t>(random_draw(seed_, purpose, 0, nr_draws_++) % n);
    }
    bool chance(unsigned percent) { return below(100) < percent; }
    nanoseconds between(nanoseconds lo, nanoseconds hi)
    {
        return lo + nanoseconds{below(static_cast<std::uint64_t>((hi - lo).count()) + 1)};
    }
    template <class T, std::size_t N>
    T one_of(const T (&values)[N])
    {
        return values[below(N)];
    }

private:
    std::uint64_t seed_;
    std::uint64_t nr_draws_ = 0;
};

json text(nanoseconds d)
{
    return format_duration(d);
}

json duration(dice& d, nanoseconds lo, nanoseconds hi)
{
    switch (d.below(3)) {
    case 0:
        return text(d.between(lo, hi));
    case 1:
        return {{"dist", "uniform"}, {"low", text(lo)}, {"high", text(d.between(lo, hi))}};
    default:
        return {
            {"dist", "exponential"}, {"mean", text(std::max<nanoseconds>(d.between(lo, hi), 1ns))}, {"cut", text(hi)}};
    }
}

class scenario_maker {
public:
    explicit scenario_maker(std::uint64_t seed) : seed_(seed), d_(seed) {}

    json make()
    {
        make_machine();
        make_scheduler();
        make_groups();
        make_tasks();
        make_disturbances();
        keep_removals_possible();
        wake_the_waiting();
        const nanoseconds length = d_.between(30ms, 80ms) / (batch_ == 0ns ? 4 : 1); // kick storms take their time
        json s = {{"schema", "pairsim.scenario/1"},
                  {"name", fmt::format("random scenario {}", seed_)},
                  {"description", "Made by pairsim fuzz from its seed."},
                  {"seed", seed_},
                  {"duration", text(length)},
                  {"machine", std::move(machine_)},
                  {"scheduler", std::move(scheduler_)},
                  {"cgroups", json::array()},
                  {"tasks", json::array()}};
        for (group& g : groups_) {
            if (g.name != "/") {
                s["cgroups"].push_back(std::move(g.entry));
            }
        }
        for (task& t : tasks_) {
            s["tasks"].push_back(std::move(t.entry));
        }
        for (const auto& [key, list] : {std::pair{"higher_class", &higher_}, std::pair{"outside", &outside_}}) {
            if (!list->empty()) {
                s[key] = std::move(*list);
            }
        }
        if (!lost_.empty()) {
            s["faults"] = {{"lost_time", std::move(lost_)}};
        }
        return s;
    }

private:
    static constexpr nanoseconds no_end = 1h;

    struct group {
        std::string name;
        nanoseconds created;
        nanoseconds removed; ///< or no_end
        json entry;
    };
    struct task {
        nanoseconds start;
        std::size_t group = 0;
        bool moved = false;
        bool ends_early = false; ///< before its cgroup is removed
        json entry;
    };

    void make_machine()
    {
        nr_cpus_ = 2U * (1 + d_.below(4));
        machine_ = {{"cpus", nr_cpus_}, {"kernel", d_.one_of({"K612", "K619", "KNEW"})}};
        if (machine_["kernel"] == "K612" && d_.chance(20)) {
            machine_["repaired_kick_wait"] = true;
        }
        make_topology();
        const std::uint32_t hz = d_.one_of({100U, 250U, 1000U});
        machine_["hz"] = hz;
        const nanoseconds max_skew = d_.chance(50) ? 2us : 1'000'000'000ns / hz - 1ns;
        machine_["tick_offset"] = json::array();
        for (std::size_t i = 0; i < nr_cpus_; ++i) {
            machine_["tick_offset"].push_back(text(d_.chance(30) ? 0ns : d_.between(0ns, max_skew)));
        }
        if (d_.chance(50)) {
            machine_["tick_jitter"] = {{"dist", "uniform"}, {"low", "0"}, {"high", "3us"}};
        }
        if (d_.chance(30)) {
            machine_["smt_speed"] = 0.6;
        }
        if (d_.chance(5)) {
            machine_["watchdog_timeout"] = text(d_.between(5ms, 40ms));
        }
        if (d_.chance(5)) {
            machine_["dsp_max_loops"] = 1 + d_.below(3);
        }
        machine_["hard_lockup_after"] = d_.chance(50) ? "20ms" : "10s";
        make_costs();
    }

    void make_topology()
    {
        const bool smt = d_.chance(50);
        const std::size_t nr_cores = smt ? nr_cpus_ / 2 : nr_cpus_;
        const std::size_t nr_nodes = nr_cores > 1 && d_.chance(30) ? 2 : 1;
        json cores = json::array();
        json nodes = json::array();
        for (std::size_t core = 0; core < nr_cores; ++core) {
            cores.push_back(smt ? json::array({core, core + nr_cores}) : json::array({core}));
        }
        for (std::size_t n = 0; n < nr_nodes; ++n) {
            nodes.push_back(json::array());
            for (std::size_t cpu = 0; cpu < nr_cpus_; ++cpu) {
                if (cpu % nr_cores * nr_nodes / nr_cores == n) {
                    nodes.back().push_back(cpu);
                }
            }
        }
        machine_["topology"] = {{"cores", cores}, {"nodes", nodes}};
    }

    void make_costs()
    {
        if (d_.chance(10)) {
            machine_["costs"] = "none";
            return;
        }
        json costs = {{"preset", "x86-64"}};
        for (const char* kind : {"tick",        "irq_entry",      "context_switch", "cgroup_switch",   "ops_call",
                                 "bpf_lock",    "hash_lookup",    "queue_map_op",   "atomic_op",       "pid_lookup",
                                 "dsq_insert",  "consume_local",  "consume_remote", "wakeup_select",   "kick_call",
                                 "irq_work",    "kick_handler",   "ipi_latency",    "preempt_latency", "idle_exit",
                                 "timer_slack", "cgroup_offline", "disable",        "lock_handover",   "pick",
                                 "syscall",     "idle_loop",      "wakeup_activate"}) {
            if (varied_costs_ && d_.chance(70)) {
                costs[kind] = d_.chance(5) ? duration(d_, 0ns, 200us) : duration(d_, 0ns, 3us);
            }
        }
        if (costs.size() > 1) { // what costs nothing could stand still
            costs["schedule"] = {{"dist", "uniform"}, {"low", "100ns"}, {"high", "2us"}};
        }
        machine_["costs"] = std::move(costs);
    }

    void make_scheduler()
    {
        if (d_.chance(4)) {
            scheduler_ = {{"name", d_.one_of({"fifo", "idle-sibling"})}};
            return;
        }
        scheduler_ = {{"name", "pair"}};
        std::vector<std::size_t> strides;
        for (std::size_t s = 1; s < nr_cpus_; ++s) {
            if (nr_cpus_ % (2 * s) == 0) {
                strides.push_back(s);
            }
        }
        if (d_.chance(40)) {
            scheduler_["stride"] = strides[d_.below(strides.size())];
        }
        const bool is_free =
            machine_["costs"] == "none"; // CPUs that expire at once may chase each other at one instant
        const nanoseconds batches[] = {20ms, 20ms, 5ms, 1ms, 0ns};
        batch_ = batches[d_.below(is_free ? 4 : 5)];
        scheduler_["batch_duration"] = text(batch_);
        if (d_.chance(20)) {
            scheduler_["slice"] = text(d_.between(1ms, 30ms));
        }
        scheduler_["max_queued"] = d_.chance(90) ? 256 : 4;
        scheduler_["max_cgrps"] = d_.chance(90) ? 64 : 4;
        if (d_.chance(5)) {
            scheduler_["max_top_q"] = 1 + d_.below(4);
        }
        const bool tracepoint = d_.chance(15);
        if (tracepoint) {
            scheduler_["revision"] = "tracepoint";
        }
        const bool strict = tracepoint && d_.chance(30);
        json variant = json::object();
        for (const char* name : {"select_cpu_prev", "local_dsq", "enq_last"}) {
            if (strict || d_.chance(10)) {
                variant[name] = true;
            }
        }
        if (strict) {
            variant["wait_for_partner"] = true;
        }
        if (d_.chance(90)) {
            variant["big_ctx_map"] = true;
        }
        scheduler_["variant"] = std::move(variant);
    }

    void make_groups()
    {
        groups_.push_back({"/", 0ns, no_end, {}});
        for (unsigned n = 1 + d_.below(4); n > 0; --n) {
            group g{"C" + std::to_string(n), d_.chance(80) ? 0ns : d_.between(1ns, 20ms), no_end, {}};
            g.entry = {{"name", g.name}};
            if (g.created != 0ns) {
                g.entry["create_at"] = text(g.created);
            }
            if (d_.chance(30)) {
                g.removed = g.created + d_.between(1ms, 60ms);
                g.entry["remove_at"] = text(g.removed);
            }
            groups_.push_back(std::move(g));
        }
        for (unsigned n = d_.below(4); n > 0; --n) {
            std::vector<bool> in_mask(nr_cpus_);
            in_mask[d_.below(nr_cpus_)] = true;
            for (unsigned more = d_.chance(50) ? 0 : d_.below(nr_cpus_); more > 0; --more) {
                in_mask[d_.below(nr_cpus_)] = true;
            }
            json mask = json::array();
            for (std::size_t cpu = 0; cpu < nr_cpus_; ++cpu) {
                if (in_mask[cpu]) {
                    mask.push_back(cpu);
                }
            }
            masks_.push_back(std::move(mask));
        }
        json all = json::array();
        for (std::size_t cpu = 0; cpu < nr_cpus_; ++cpu) {
            all.push_back(cpu);
        }
        masks_.push_back(std::move(all));
    }

    std::string task_name(std::size_t n) const { return "t" + std::to_string(n + 1); }
    std::string channel() { return d_.one_of({"a", "b"}); }

    json move_phase(std::size_t self)
    {
        const std::string& to = groups_[d_.below(groups_.size())].name;
        const std::size_t who = d_.chance(60) ? self : d_.below(tasks_.size());
        tasks_[who].moved = true;
        return {{"move", who == self ? json(to) : json{{"task", task_name(who)}, {"to", to}}}};
    }

    json affinity_phase(std::size_t self)
    {
        const json& mask = masks_[d_.below(masks_.size())];
        const std::size_t who = d_.chance(60) ? self : d_.below(tasks_.size());
        return {{"set_affinity", who == self ? mask : json{{"task", task_name(who)}, {"cpus", mask}}}};
    }

    json random_phase(std::size_t self)
    {
        switch (d_.below(12)) {
        case 0:
        case 1:
        case 2:
            return {{"run", duration(d_, 0ns, d_.chance(50) ? 100us : 15ms)}};
        case 3:
        case 4: {
            json phase = {{"sleep", duration(d_, 0ns, d_.chance(50) ? 100us : 10ms)}};
            if (d_.chance(20)) {
                phase["align"] = d_.one_of({"1ms", "4ms"});
            }
            return phase;
        }
        case 5:
            return {{"yield", true}};
        case 6:
            return move_phase(self);
        case 7:
            return affinity_phase(self);
        case 8:
            return {{"wait", channel()}};
        default:
            return {{"wake", channel()}, {"sync", d_.chance(50)}};
        }
    }

    json random_program(std::size_t self)
    {
        if (d_.chance(30)) {
            return json::array({{{"run", "forever"}}});
        }
        json body = json::array({{{"run", text(d_.between(20us, 5ms))}}}); // a loop without work would never end
        for (unsigned n = d_.below(6); n > 0; --n) {
            body.push_back(random_phase(self));
        }
        if (d_.chance(30)) {
            return json::array({{{"repeat", {{"times", 1 + d_.below(6)}, {"phases", body}}}}, {{"exit", true}}});
        }
        return json::array({{{"repeat", {{"phases", body}}}}});
    }

    void make_tasks()
    {
        tasks_.resize(1 + d_.below(10));
        for (std::size_t n = 0; n < tasks_.size(); ++n) {
            task& t = tasks_[n];
            t.group = d_.below(groups_.size());
            const group& g = groups_[t.group];
            t.start = g.created +
                      (d_.chance(50) ? 1us : d_.between(0ns, std::min<nanoseconds>(5ms, g.removed - g.created - 1ns)));
            t.entry = {
                {"name", task_name(n)}, {"cgroup", g.name}, {"start", text(t.start)}, {"fork_cpu", d_.below(nr_cpus_)}};
            if (d_.chance(30)) {
                t.entry["cpus"] = masks_[d_.below(masks_.size())];
            }
            t.ends_early = g.removed != no_end && d_.chance(50);
            const nanoseconds life = (g.removed - t.start) / 2;
            t.entry["phases"] =
                t.ends_early ? json::array({{{"run", text(life)}}, {{"exit", true}}}) : random_program(n);
        }
    }

    void make_disturbances()
    {
        for (unsigned n = d_.chance(50) ? 0 : 1 + d_.below(3); n > 0; --n) {
            higher_.push_back(arrivals(d_.chance(50) ? 50us : 20ms));
            higher_.back()["class"] = d_.one_of({"rt", "dl", "stop"});
        }
        if (d_.chance(20)) {
            lost_.push_back(arrivals(500us));
        }
        for (unsigned n = d_.chance(60) ? 0 : 1 + d_.below(12); n > 0; --n) {
            const std::size_t who = d_.below(tasks_.size());
            make_outside(who, d_.chance(50));
        }
    }

    json arrivals(nanoseconds longest)
    {
        return {{"cpu", d_.below(nr_cpus_)},
                {"first", text(d_.between(0ns, 30ms))},
                {"length", duration(d_, 1us, longest)},
                {"interval", duration(d_, 100us, 20ms)},
                {"count", 1 + d_.below(20)}};
    }

    /// Somebody moves task @p n, if there is a cgroup to move it to, or changes its affinity.
    void make_outside(std::size_t n, bool is_move)
    {
        task& t = tasks_[n];
        const nanoseconds at = t.start + (d_.chance(30) ? 5ms : d_.between(0ns, 60ms));
        const json who = task_name(n);
        json what;
        if (is_move) {
            std::vector<const group*> there;
            for (const group& g : groups_) {
                if (g.created <= at && at < g.removed) {
                    there.push_back(&g);
                }
            }
            t.moved = true;
            what = {{"task", who}, {"to", there[d_.below(there.size())]->name}};
        } else {
            what = {{"task", who}, {"cpus", masks_[d_.below(masks_.size())]}};
        }
        outside_.push_back(
            {{"at", text(at)}, {"cpu", d_.below(nr_cpus_)}, {is_move ? "move" : "set_affinity", std::move(what)}});
    }

    /// A cgroup that will be removed keeps no task: who lives on in it is moved.
    void keep_removals_possible()
    {
        for (std::size_t n = 0; n < tasks_.size(); ++n) {
            const task& t = tasks_[n];
            if (groups_[t.group].removed != no_end && !t.moved && !t.ends_early) {
                make_outside(n, true);
            }
        }
    }

    /// The loader refuses to let tasks wait for what never comes.
    void wake_the_waiting()
    {
        for (const char* name : {"a", "b"}) {
            const auto uses = [&](const char* key) {
                const std::string phase = fmt::format("\"{}\":\"{}\"", key, name);
                return std::ranges::any_of(
                    tasks_, [&](const task& t) { return t.entry["phases"].dump().find(phase) != std::string::npos; });
            };
            if (uses("wait") && !uses("wake")) {
                json& phases = tasks_[d_.below(tasks_.size())].entry["phases"];
                json wake = json::object({{"wake", name}});
                phases.insert(phases.begin(), std::move(wake));
            }
        }
    }

    std::uint64_t seed_;
    dice d_;
    std::size_t nr_cpus_ = 0;
    bool varied_costs_ = d_.chance(70);
    nanoseconds batch_{20ms};
    json machine_, scheduler_;
    std::vector<group> groups_; ///< [0]: the root
    std::vector<task> tasks_;
    json masks_ = json::array();
    json higher_ = json::array(), lost_ = json::array(), outside_ = json::array();
};

} // namespace

json make_random_scenario(std::uint64_t seed)
{
    return scenario_maker(seed).make();
}

} // namespace pairsim
