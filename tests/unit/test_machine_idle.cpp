// SPDX-License-Identifier: GPL-2.0-only
//
// The idle masks and the choice of an idle CPU: scx_select_cpu_dfl() of 6.12 and of mainline.
#include <memory>

#include "tests/support/printers.h"
#include "tests/support/puppet_sched.h"
#include "tests/support/scripted_machine.h"
#include "tests/support/test_world.h"

using namespace pairsim;
using namespace pairsim::test;

namespace {

using cpus = std::vector<unsigned>;

constexpr cpu_id cpu_of(unsigned i)
{
    return cpu_id{static_cast<std::uint16_t>(i)};
}

/// Eight CPUs, four cores of two (c and c + 4), two last-level caches (cores 0, 1 and 2, 3). The waker runs on
/// `waker`, the sleeping task was last on `prev`.
struct choice_world {
    explicit choice_world(kernel_profile profile, bool smt = true, unsigned nr_nodes = 1) : world(8, profile)
    {
        world.config.smt_active = smt;
        for (unsigned i = 0; i < 8; ++i) {
            const auto core = static_cast<std::uint16_t>(i % 4);
            const auto llc = static_cast<std::uint16_t>(core / 2);
            world.config.cpus[i] = {smt ? core : static_cast<std::uint16_t>(i), llc,
                                    node_id{static_cast<std::uint16_t>(nr_nodes == 2 ? llc : 0)}};
        }
    }

    /// Where a task that last ran on @p prev goes if a task on @p waker wakes it while exactly @p idle are idle.
    /// @p cursor: the CPU that the waking CPU picked last.
    unsigned choose(unsigned waker, unsigned prev, const cpus& idle, unsigned cursor = 0, bool sync = false)
    {
        const pid task = world.add_hog(root_cgroup, {.affinity = affinity});
        const pid busy = world.add_hog(root_cgroup);
        m = std::make_unique<scripted_machine>(world.config, world.work, ops);
        m->state().cpu(cpu_of(waker)).curr = busy;
        m->task(busy).cpu = cpu_of(waker);
        m->task(busy).on_cpu = 1;
        m->task(busy).queued = 1;
        m->get().create_task(task, cpu_id{0});
        m->task(task).cpu = cpu_of(prev);
        m->task(task).state = life::sleeping;
        for (unsigned i = 0; i < 8; ++i) {
            clear_cpu(m->state().idle_cpus(), cpu_of(i));
            clear_cpu(m->state().idle_cores(), cpu_of(i));
        }
        for (const unsigned i : idle) {
            set_cpu(m->state().idle_cpus(), cpu_of(i));
        }
        for (const unsigned i : idle) {
            if (world.config.smt_active && test_cpu(m->state().idle_cpus(), cpu_of((i + 4) % 8))) {
                set_cpu(m->state().idle_cores(), cpu_of(i));
            }
        }
        m->cpu(cpu_of(waker)).idle_cursor = cursor;
        m->get().begin_wakeup(cpu_of(waker), task, sync ? wake_reason::sync : wake_reason::task);
        m->run(cpu_of(waker));
        const auto woken = m->trace().find(record_kind::sched_wakeup, {.task = task});
        REQUIRE(woken.size() == 1);
        path = static_cast<wake_path>(woken[0].reason);
        return woken[0].a;
    }
    bool is_idle(unsigned cpu) const { return test_cpu(m->state().idle_cpus(), cpu_of(cpu)); }
    bool core_is_idle(unsigned cpu) const { return test_cpu(m->state().idle_cores(), cpu_of(cpu)); }

    test_world world;
    puppet_sched ops;
    std::uint32_t affinity = 0;
    std::unique_ptr<scripted_machine> m;
    wake_path path{};
};

const auto both_choices = {kernel_profile::k612, kernel_profile::knew};

} // namespace

TEST_CASE("an idle core is better than an idle CPU, and the previous CPU's is the best", "[scx_select_cpu_dfl]")
{
    choice_world t(GENERATE(from_range(both_choices)));
    CHECK(t.choose(1, 2, {2, 6, 3, 7}) == 2);
    CHECK_FALSE(t.is_idle(2));
    CHECK(t.is_idle(6));
    CHECK_FALSE(t.core_is_idle(6)); // its core is not wholly idle any more
    CHECK(t.core_is_idle(3));
    CHECK(t.choose(1, 2, {2, 3, 7}) == 3);    // prev is idle, its core is not
    CHECK(t.choose(1, 2, {2, 3, 7}, 5) == 7); // next after the waker's last choice
    CHECK(t.choose(1, 2, {2, 3, 7}, 7) == 3); // and around
    CHECK(t.path == wake_path::direct);
}

TEST_CASE("without an idle core the previous CPU comes first", "[scx_select_cpu_dfl]")
{
    choice_world t(GENERATE(from_range(both_choices)));
    CHECK(t.choose(1, 2, {2, 3}) == 2);
    CHECK(t.choose(1, 2, {3}) == 3);
    CHECK(t.choose(1, 2, {0, 3}) == 3); // the waking CPU's cursor begins at CPU 0 and looks at the next first
    CHECK(t.choose(1, 2, {0, 3}, 3) == (t.world.config.profile == kernel_profile::k612 ? 0 : 3)); // 3: prev's cache
    CHECK(t.choose(1, 2, {}) == 2);
    CHECK(t.path == wake_path::queued);
}

TEST_CASE("mainline prefers the other CPU of the previous CPU's core", "[scx_select_cpu_dfl]")
{
    choice_world t(GENERATE(from_range(both_choices)));
    const bool knew = t.world.config.profile == kernel_profile::knew;
    CHECK(t.choose(1, 2, {3, 6}) == (knew ? 6 : 3));
}

TEST_CASE("mainline prefers the previous CPU's cache and node", "[scx_select_cpu_dfl]")
{
    const unsigned nr_nodes = GENERATE(1U, 2U);
    choice_world t(GENERATE(from_range(both_choices)), true, nr_nodes);
    const bool knew = t.world.config.profile == kernel_profile::knew;
    CHECK(t.choose(4, 2, {1, 5, 3, 7}) == (knew ? 3 : 1)); // whole cores
    CHECK(t.choose(4, 2, {1, 3}) == (knew ? 3 : 1));       // single CPUs
    CHECK(t.choose(4, 2, {1, 5, 3}) == (knew ? 1 : 1));    // a whole core far away is better than a near CPU
}

TEST_CASE("mainline looks at the node if it has several caches", "[scx_select_cpu_dfl]")
{
    choice_world t(GENERATE(from_range(both_choices)), false);
    for (unsigned i = 0; i < 8; ++i) { // four caches, two nodes
        t.world.config.cpus[i] = {static_cast<std::uint16_t>(i), static_cast<std::uint16_t>(i / 2),
                                  node_id{static_cast<std::uint16_t>(i / 4)}};
    }
    const bool knew = t.world.config.profile == kernel_profile::knew;
    CHECK(t.choose(0, 5, {1, 4, 6}) == (knew ? 4 : 1)); // cache of 5
    CHECK(t.choose(0, 5, {1, 6}) == (knew ? 6 : 1));    // node of 5
    CHECK(t.choose(0, 5, {1, 2}) == 1);
}

TEST_CASE("without SMT the previous CPU comes first and then any", "[scx_select_cpu_dfl]")
{
    choice_world t(GENERATE(from_range(both_choices)), false);
    CHECK(t.choose(0, 6, {2, 6, 7}) == 6);
    CHECK(t.choose(0, 6, {1, 7}, 0) == (t.world.config.profile == kernel_profile::knew ? 7 : 1));
}

TEST_CASE("only CPUs that the task may use are chosen", "[scx_select_cpu_dfl]")
{
    choice_world t(GENERATE(from_range(both_choices)));
    t.affinity = t.world.add_mask({cpu_of(1), cpu_of(3)});
    CHECK(t.choose(0, 1, {2, 6, 4}) == 1);
    CHECK(t.path == wake_path::queued);
    CHECK(t.choose(0, 1, {2, 6, 3}) == 3);
    CHECK(t.path == wake_path::direct);
}

TEST_CASE("6.12 claims an idle previous CPU that is not allowed and goes to another one", "[select_fallback_rq]")
{
    choice_world t(GENERATE(from_range(both_choices)), false);
    t.affinity = t.world.add_mask({cpu_of(1), cpu_of(3)});
    CHECK(t.choose(0, 2, {2}) == 1);
    const bool k612 = t.world.config.profile == kernel_profile::k612;
    CHECK(t.path == (k612 ? wake_path::direct : wake_path::queued));
    CHECK(t.is_idle(2) != k612);
}

TEST_CASE("a task that may not use its CPU any more falls back to its node first", "[select_fallback_rq]")
{
    choice_world t(GENERATE(from_range(both_choices)), false, 2);
    t.affinity = t.world.add_mask({cpu_of(1), cpu_of(6)}); // nodes 0 and 1
    CHECK(t.choose(0, 7, {}) == 6);
    CHECK(t.choose(0, 4, {}) == 1);
    t.affinity = t.world.add_mask({cpu_of(1), cpu_of(4)});
    CHECK(t.choose(0, 7, {}) == 1);
}

TEST_CASE("mainline's sync wake-up takes an idle previous CPU only near the waker", "[scx_select_cpu_dfl]")
{
    choice_world t(kernel_profile::knew, false);
    CHECK(t.choose(0, 1, {1, 2}, 0, true) == 1);
    CHECK(t.path == wake_path::direct);
    CHECK(t.choose(0, 6, {6, 2}, 0, true) == 0); // another cache
    CHECK(t.path == wake_path::direct_sync);
}

TEST_CASE("a sync wake-up to a near idle CPU does not depend on the waker's own queue", "[scx_select_cpu_dfl]")
{
    choice_world t(kernel_profile::knew);
    t.affinity = t.world.add_mask({cpu_of(1), cpu_of(3), cpu_of(7)}); // not the waker's
    CHECK(t.choose(0, 1, {1, 3, 7}, 0, true) == 1);                   // and not the idle core 3
}

TEST_CASE("a core is idle while all of its CPUs are", "[update_idle]")
{
    test_world w(4);
    w.config.smt_active = true;
    for (unsigned i = 0; i < 4; ++i) {
        w.config.cpus[i].core = static_cast<std::uint16_t>(i % 2);
    }
    const pid a = w.add_hog(root_cgroup, {.cpu = cpu0});
    const pid b = w.add_hog(root_cgroup, {.cpu = cpu2});
    puppet_sched ops;
    scripted_machine m(w.config, w.work, ops);
    const auto mask = [](std::span<const std::uint64_t> words) { return words[0]; };
    CHECK(mask(m.state().idle_cpus()) == 0b1111);
    CHECK(mask(m.state().idle_cores()) == 0b1111);
    m.fork(a);
    CHECK(m.curr(cpu0) == a);
    CHECK(mask(m.state().idle_cpus()) == 0b1110);
    CHECK(mask(m.state().idle_cores()) == 0b1010);
    m.fork(b); // its own core is not idle: it goes to the other
    CHECK(m.curr(cpu1) == b);
    CHECK(mask(m.state().idle_cpus()) == 0b1100);
    CHECK(mask(m.state().idle_cores()) == 0);
    m.block(cpu0);
    m.settle();
    CHECK(mask(m.state().idle_cpus()) == 0b1101);
    CHECK(mask(m.state().idle_cores()) == 0b0101);
    m.higher_arrives(cpu2);
    m.settle();
    CHECK(mask(m.state().idle_cpus()) == 0b1001);
    CHECK(mask(m.state().idle_cores()) == 0);
    m.get().higher_done(cpu2, sched_class::rt);
    m.settle();
    CHECK(mask(m.state().idle_cpus()) == 0b1101);
    CHECK(mask(m.state().idle_cores()) == 0b0101);
}
