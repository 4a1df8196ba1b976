// SPDX-License-Identifier: GPL-2.0-only
#include "tests/property/random_world.h"

#include <algorithm>
#include <utility>

#include "sim/random.h"
#include "tests/support/programs.h"
#include "tests/support/test_world.h"

namespace pairsim::test {
namespace {

/// Draws of one world, one after the other.
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
    cpu_id cpu(std::size_t nr_cpus) { return cpu_id{static_cast<std::uint16_t>(below(nr_cpus))}; }
    duration_dist duration(nanoseconds lo, nanoseconds hi)
    {
        switch (below(3)) {
        case 0:
            return duration_dist::constant(between(lo, hi));
        case 1:
            return duration_dist::uniform(lo, between(lo, hi));
        default:
            return duration_dist::exponential(between(lo, hi), hi);
        }
    }

private:
    std::uint64_t seed_;
    std::uint64_t nr_draws_ = 0;
};

void make_machine(random_world& w, dice& d)
{
    machine_config& m = w.machine;
    const std::size_t nr_cpus = 2U * (1 + d.below(4));
    m.profile = static_cast<kernel_profile>(d.below(3));
    m.smt_active = d.chance(50);
    const std::size_t nr_nodes = d.chance(30) ? 2 : 1;
    const std::size_t nr_cores = m.smt_active ? nr_cpus / 2 : nr_cpus;
    for (std::size_t i = 0; i < nr_cpus; ++i) {
        const std::size_t core = i % nr_cores;
        const std::size_t node = nr_cores > 1 ? core * nr_nodes / nr_cores : 0;
        m.cpus.push_back({static_cast<std::uint16_t>(core), static_cast<std::uint16_t>(node),
                          node_id{static_cast<std::uint16_t>(node)}});
    }
    m.hz = std::array{100U, 250U, 1000U}[d.below(3)];
    const nanoseconds max_skew = d.chance(50) ? 2us : 1'000'000'000ns / m.hz - 1ns;
    for (std::size_t i = 0; i < nr_cpus; ++i) {
        m.tick_offset.push_back(d.chance(30) ? 0ns : d.between(0ns, max_skew));
    }
    if (d.chance(50)) {
        m.tick_jitter = duration_dist::uniform(0ns, 3us);
    }
    m.smt_speed_permille = d.chance(30) ? 600 : 1000;
    m.hard_lockup_after = d.chance(50) ? 20ms : 10s;
}

void make_costs(random_world& w, dice& d)
{
    cost_model& costs = w.machine.costs;
    if (d.chance(10)) {
        w.free_of_cost = true;
        return;
    }
    set_typical_costs(costs);
    if (d.chance(30)) {
        return;
    }
    for (duration_dist& cost : costs) {
        if (d.chance(70)) {
            cost = d.chance(5) ? d.duration(0ns, 200us) : d.duration(0ns, 3us);
        }
    }
    costs[static_cast<std::size_t>(cost_kind::none)] = {};
    costs[static_cast<std::size_t>(cost_kind::schedule)] = duration_dist::uniform(100ns, 2us); // so that time moves
}

void make_groups(random_world& w, dice& d)
{
    const std::size_t nr_cpus = w.machine.nr_cpus();
    workload& work = w.work;
    work.cgroups.push_back({.name = "/", .parent = root_cgroup, .create_at = {}, .remove_at = never});
    for (unsigned n = 1 + d.below(4); n > 0; --n) {
        const sim_time created{d.chance(80) ? 0ns : d.between(0ns, 20ms)};
        const sim_time removed = d.chance(70) ? never : created + d.between(1ms, 60ms);
        work.cgroups.push_back({"C" + std::to_string(n), root_cgroup, created, removed});
    }
    work.cpumasks.push_back(cpumask::all(nr_cpus));
    for (unsigned n = d.below(4); n > 0; --n) {
        cpumask mask(nr_cpus);
        mask.set(d.cpu(nr_cpus));
        for (unsigned more = d.chance(50) ? 0 : d.below(nr_cpus); more > 0; --more) {
            mask.set(d.cpu(nr_cpus));
        }
        work.cpumasks.push_back(mask);
    }
    work.nr_channels = 2;
}

phase random_phase(const random_world& w, dice& d, std::size_t nr_tasks)
{
    const auto any_task = [&] { return pid{d.chance(60) ? 0 : 1 + d.below(nr_tasks)}; };
    switch (d.below(12)) {
    case 0:
    case 1:
    case 2:
        return {.kind = phase::op::run, .duration = d.duration(0ns, d.chance(50) ? 100us : 15ms)};
    case 3:
    case 4:
        return {.kind = phase::op::sleep, .duration = d.duration(0ns, d.chance(50) ? 100us : 10ms)};
    case 5:
        return yield();
    case 6:
        return move_to(cgroup_id{d.below(w.work.cgroups.size())}, any_task());
    case 7:
        return set_affinity(d.below(w.work.cpumasks.size()), any_task());
    case 8:
        return wait_for(d.below(2));
    default:
        return wake(d.below(2), d.chance(50));
    }
}

std::vector<phase> random_program(const random_world& w, dice& d, std::size_t nr_tasks)
{
    if (d.chance(30)) {
        return {run(a_long_time), again()};
    }
    std::vector<phase> program{run(d.between(20us, 5ms))}; // a loop without work would never end
    for (unsigned n = d.below(6); n > 0; --n) {
        program.push_back(random_phase(w, d, nr_tasks));
    }
    if (d.chance(30)) {
        program.push_back(again(0, 1 + d.below(5)));
        program.push_back(exit_task());
    } else {
        program.push_back(again());
    }
    return program;
}

void make_tasks(random_world& w, dice& d)
{
    const std::size_t nr_tasks = 1 + d.below(10);
    for (std::size_t n = 0; n < nr_tasks; ++n) {
        task_spec t;
        t.name = "t" + std::to_string(n + 1);
        t.cgroup = cgroup_id{d.below(w.work.cgroups.size())};
        t.affinity = d.chance(70) ? 0 : d.below(w.work.cpumasks.size());
        const sim_time created = std::max(w.work.cgroups[t.cgroup.value].create_at, sim_time{});
        t.start = created + (d.chance(50) ? 1us : d.between(0ns, 5ms));
        t.fork_cpu = d.cpu(w.machine.nr_cpus());
        t.program = random_program(w, d, nr_tasks);
        w.work.tasks.push_back(t);
    }
}

void make_disturbances(random_world& w, dice& d)
{
    workload& work = w.work;
    const std::size_t nr_cpus = w.machine.nr_cpus();
    for (unsigned n = d.chance(50) ? 0 : 1 + d.below(3); n > 0; --n) {
        const auto cls = std::array{sched_class::rt, sched_class::dl, sched_class::stop}[d.below(3)];
        work.higher.push_back({.cpu = d.cpu(nr_cpus),
                               .cls = cls,
                               .first = sim_time{d.between(0ns, 30ms)},
                               .length = d.duration(1us, d.chance(50) ? 50us : 20ms),
                               .interval = d.duration(100us, 20ms),
                               .count = 1 + d.below(20)});
    }
    if (d.chance(20)) {
        work.lost_time.push_back({.cpu = d.cpu(nr_cpus),
                                  .first = sim_time{d.between(0ns, 30ms)},
                                  .length = d.duration(1us, 500us),
                                  .interval = d.duration(100us, 20ms),
                                  .count = 1 + d.below(20)});
    }
    for (unsigned n = d.chance(60) ? 0 : 1 + d.below(12); n > 0; --n) {
        const bool is_move = d.chance(50);
        work.outside.push_back({.at = sim_time{d.chance(30) ? 5ms : d.between(0ns, 60ms)},
                                .cpu = d.cpu(nr_cpus),
                                .kind = is_move ? phase::op::move : phase::op::set_affinity,
                                .target = 1 + d.below(work.tasks.size()),
                                .arg = d.below(is_move ? work.cgroups.size() : work.cpumasks.size())});
    }
    std::ranges::stable_sort(work.outside, {}, &outside_event::at);
}

void make_options(random_world& w, dice& d)
{
    const auto nr_cpus = static_cast<std::uint32_t>(w.machine.nr_cpus());
    pair_config& o = w.options;
    std::vector<std::uint32_t> strides;
    for (std::uint32_t s = 1; s < nr_cpus; ++s) {
        if (nr_cpus % (2 * s) == 0) {
            strides.push_back(s);
        }
    }
    o.stride = d.chance(60) ? 0 : strides[d.below(strides.size())];
    o.variants.big_ctx_map = d.chance(90);
    o.variants.select_cpu_prev = d.chance(10);
    o.variants.local_dsq = d.chance(10);
    o.variants.enq_last = d.chance(10);
    o.revision = d.chance(15) ? pair_revision::tracepoint : pair_revision::ops;
    const nanoseconds batches[] = {20ms, 20ms, 5ms, 1ms, 0ns};
    o.batch_duration = batches[d.below(w.free_of_cost ? 4 : 5)];
    o.max_queued = d.chance(90) ? 256 : 4;
    o.max_cgrps = d.chance(90) ? 64 : 4;
    w.length = d.between(30ms, 80ms) / (o.batch_duration == 0ns ? 4 : 1); // else kick storms take most of the time
}

} // namespace

random_world make_random_world(std::uint64_t seed)
{
    dice d(seed);
    random_world w;
    make_machine(w, d);
    make_costs(w, d);
    make_groups(w, d);
    make_tasks(w, d);
    make_disturbances(w, d);
    make_options(w, d);
    return w;
}

} // namespace pairsim::test
