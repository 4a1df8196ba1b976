// SPDX-License-Identifier: GPL-2.0-only
//
// Partial-order reduction stands on one rule: a left mover may come at once, whatever others do meanwhile. Random walks
// through explored worlds try it on every left mover and every other action that they meet.
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tools/explore/properties.h"
#include "tools/io/runner.h"

using namespace pairsim;

namespace {

/// A world and one of its states to come back to.
class walker {
public:
    walker(const exploration& what, const sched_ops& ops, std::uint64_t seed)
        : what_(what), ops_(ops), world_(what, ops), state_(world_.state()), around_(world_.around()), random_(seed)
    {
    }

    /// Tries the rule on all left movers of the present state; their number.
    unsigned try_left_movers()
    {
        unsigned nr = 0;
        for (std::size_t i = 0; i < world_.nr_cpus(); ++i) {
            const cpu_id cpu{static_cast<std::uint16_t>(i)};
            come_back();
            const bool has_ended = world_.state().exit().kind != exit_kind::none;
            if (!has_ended && world_.the_machine().next_is_left_mover(cpu)) {
                CAPTURE(i, position(cpu));
                try_left_mover({.what = action::kind::step, .cpu = cpu});
                ++nr;
            }
        }
        return nr;
    }

    /// Goes on to a random next state; after an end, to the first one.
    void go_on()
    {
        for (unsigned tries = 0; tries < 1000; ++tries) {
            come_back();
            const action& a = world_.actions()[draw() % world_.actions().size()];
            const bool is_step = a.what == action::kind::step || a.what == action::kind::ipi;
            const bool is_rare = !is_step && draw() % 8 != 0;
            if (!is_rare && can(a)) {
                state_ = world_.state();
                around_ = world_.around();
                return;
            }
        }
        const explored_world fresh(what_, ops_);
        state_ = fresh.state();
        around_ = fresh.around();
    }

private:
    void come_back()
    {
        world_.state() = state_;
        world_.around() = around_;
    }

    bool can(const action& a)
    {
        return world_.state().exit().kind == exit_kind::none && world_.enabled(a) && world_.apply(a);
    }

    void try_left_mover(const action& mover)
    {
        constexpr property_set all = 0xff;
        come_back();
        const property_set broken_before = broken_in(world_, all);
        REQUIRE(can(mover));
        CHECK((broken_before & ~broken_in(world_, all)) == 0); // it hides no violation
        const machine_state moved = world_.state();
        const surroundings moved_around = world_.around();
        for (const action& other : world_.actions()) {
            come_back();
            const bool of_task = other.cpu == no_cpu && other.task != idle_pid;
            const cpu_id cpu = of_task ? world_.state().task(other.task).cpu : other.cpu;
            if (other == mover || !can(other) || world_.state().exit().kind != exit_kind::none) {
                continue;
            }
            CAPTURE(static_cast<int>(other.what), other.cpu.value, other.task.value, other.arg);
            REQUIRE((cpu == no_cpu || cpu != mover.cpu)); // nothing else can happen to its CPU
            REQUIRE(can(mover));
            const machine_state expected = world_.state();
            const surroundings expected_around = world_.around();
            world_.state() = moved;
            world_.around() = moved_around;
            REQUIRE(can(other));
            REQUIRE(world_.state() == expected);
            REQUIRE(world_.around() == expected_around);
        }
    }

    std::string position(cpu_id cpu) const
    {
        const cpu_state& c = world_.state().cpu(cpu);
        const frame& f = c.frames[c.depth - 1U];
        return "path " + std::to_string(static_cast<int>(f.kind)) + ", position " + std::to_string(f.pc);
    }

    std::uint64_t draw()
    {
        random_ = random_ * 6364136223846793005U + 1442695040888963407U;
        return random_ >> 33U;
    }

    const exploration& what_;
    const sched_ops& ops_;
    explored_world world_;
    machine_state state_;
    surroundings around_;
    std::uint64_t random_;
};

exploration load(const std::string& file)
{
    exploration what = load_exploration(std::string(PAIRSIM_SOURCE_DIR) + "/scenarios/explore/" + file);
    what.reduce.partial_order = false; // one step at a time
    return what;
}

} // namespace

TEST_CASE("a left mover may as well come before whatever another CPU does meanwhile", "[explore]")
{
    const std::string file =
        GENERATE("i01-direct-dispatch.json", "i02-kept-previous-task.json", "i04-global-dsq.json", "fixed-1plus1.json",
                 "s01-hard-lockup.json", "s12-sync-ping-pong.json", "large/strict-higher-both.json");
    const auto profile = GENERATE(kernel_profile::k612, kernel_profile::k619, kernel_profile::knew);
    CAPTURE(file, static_cast<int>(profile));
    exploration what = load(file);
    what.base.machine.profile = profile;
    what.slice_end = what.batch_expiry = any_number;
    what.higher.clear();
    for (std::size_t c = 0; c < what.base.machine.nr_cpus(); ++c) {
        what.higher.push_back(
            {.cpu = cpu_id{static_cast<std::uint16_t>(c)}, .cls = sched_class::rt, .times = any_number});
    }
    for (task_abilities& may : what.tasks) {
        may.sleep = may.yield = any_number;
        may.moves = {{cgroup_id{1}, any_number}, {cgroup_id{0}, any_number}};
    }
    const auto ops = make_scheduler(what.base);
    walker w(what, *ops, 1);
    unsigned tried = 0;
    for (int step = 0; step < 12000; ++step) {
        tried += w.try_left_movers();
        w.go_on();
    }
    CHECK(tried > 300);
}
