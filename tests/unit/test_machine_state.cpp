// SPDX-License-Identifier: GPL-2.0-only
//
// A machine's state is a value: copied, compared, hashed and put back.
#include <cstddef>
#include <cstdint>

#include "tests/support/printers.h"
#include "tests/support/scripted_machine.h"
#include "tests/support/test_world.h"

using namespace pairsim;
using namespace pairsim::test;

namespace {

/// FNV-1a over all bytes of the state.
std::uint64_t hash_of(const machine_state& state)
{
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const std::byte b : state.bytes()) {
        hash = (hash ^ std::to_integer<std::uint64_t>(b)) * 0x100000001b3U;
    }
    return hash;
}

/// Two pairs, two cgroups, sleepers, hogs and a higher class: something of everything.
void fill(test_world& w)
{
    w.use_typical_costs();
    const cgroup_id c1 = w.add_cgroup("C1");
    const cgroup_id c2 = w.add_cgroup("C2");
    for (int n = 0; n < 4; ++n) {
        w.add_hog(n % 2 == 0 ? c1 : c2, {.at = n * 10us, .cpu = cpu_id{static_cast<std::uint16_t>(n)}});
        w.add_task(c1, {run(3ms), sleep(2ms), again()}, {.at = n * 11us});
        w.add_task(c2, {run(1ms), sleep(1ms), yield(), again()}, {.at = n * 12us});
    }
    w.add_higher(cpu1, 33ms, 5ms);
}

/// Forks all tasks and lets CPUs step, in an order drawn from @p seed, @p n times.
void step_at_random(scripted_machine& m, std::size_t nr_cpus, std::uint64_t seed, std::size_t n)
{
    for (std::uint64_t i = 0; i < n; ++i) {
        const auto draw = random_draw(seed, random_purpose::unseed, 0, i);
        const cpu_id c{static_cast<std::uint16_t>(draw % nr_cpus)};
        m.pass(nanoseconds{static_cast<std::int64_t>(draw >> 8U) & 0xfff});
        if (m.cpu(c).depth == 0 && (draw >> 32U) % 16 == 0) {
            m.tick(c);
        }
        if ((draw >> 40U) % 4 == 0) {
            m.deliver_ipis();
        }
        if (!m.blocked(c)) {
            m.step(c);
        }
    }
}

} // namespace

TEST_CASE("a copy of a state in the middle of a run is equal, and stays as it is when the run goes on",
          "[machine_state]")
{
    test_world w(4);
    fill(w);
    w.run_to(35ms);
    const machine_state copy = w.state();
    const auto hash = hash_of(copy);
    CHECK(copy == w.state());
    CHECK(hash_of(w.state()) == hash);
    w.run_to(36ms);
    CHECK_FALSE(copy == w.state());
    CHECK(hash_of(copy) == hash);
}

TEST_CASE("equal runs go through equal states", "[machine_state]")
{
    test_world a(4);
    test_world b(4);
    fill(a);
    fill(b);
    for (nanoseconds t = 1ms; t < 120ms; t += 7ms) {
        a.run_to(t);
        b.run_to(t);
        CHECK(a.state() == b.state());
        CHECK(hash_of(a.state()) == hash_of(b.state()));
    }
    CHECK(a.sim().unseed() == b.sim().unseed());
}

TEST_CASE("a run that is interrupted at every microsecond is the same run", "[simulator]")
{
    test_world a(4);
    test_world b(4);
    fill(a);
    fill(b);
    a.run_to(30ms);
    for (nanoseconds t = 0ns; t < 30ms; t += 1us) {
        b.run_to(t);
    }
    b.run_to(30ms);
    CHECK(a.state() == b.state());
    CHECK(a.trace().records() == b.trace().records());
}

TEST_CASE("a change of any byte makes two states differ", "[machine_state]")
{
    test_world w(2);
    w.add_hog(root_cgroup);
    w.run_to(5ms);
    machine_state other = w.state();
    other.cpu(cpu1).frames[max_frames - 1].local[7] = std::byte{1};
    CHECK_FALSE(other == w.state());
    other = w.state();
    CHECK(other == w.state());
    other.sched()[0] = static_cast<std::byte>(~std::to_integer<unsigned>(other.sched()[0]) & 0xffU);
    CHECK_FALSE(other == w.state());
}

TEST_CASE("a machine put back into an earlier state does the same again", "[machine_state]")
{
    test_world w(4, GENERATE(kernel_profile::k612, kernel_profile::k619, kernel_profile::knew));
    fill(w);
    const auto map = std::get<pair_map>(make_pair_map(4, 0, false));
    const pair_sched sched(map, w.options, w.config.slice_dfl, w.work.cgroups.size());
    scripted_machine m(w.config, w.work, sched);
    for (std::size_t i = 0; i < w.work.tasks.size(); ++i) {
        m.fork(pid{static_cast<std::uint32_t>(i + 1)});
    }
    m.settle();
    const machine_state begin = m.state();
    const sim_time then = m.get().now();

    step_at_random(m, 4, 42, 2000);
    m.settle();
    const machine_state first = m.state();
    CHECK_FALSE(first == begin);

    m.state() = begin;
    m.get().set_now(then);
    step_at_random(m, 4, 42, 2000);
    m.settle();
    CHECK(m.state() == first);
    CHECK(hash_of(m.state()) == hash_of(first));
}

TEST_CASE("what has been and gone leaves no trace in the state", "[machine_state]")
{
    // A kick of a CPU that keeps its task: afterwards nothing but the clock differs.
    test_world w(2);
    const pid a = w.add_hog(root_cgroup, {.cpu = cpu0});
    const pid b = w.add_hog(root_cgroup, {.cpu = cpu1});
    const auto map = std::get<pair_map>(make_pair_map(2, 0, false));
    const pair_sched sched(map, w.options, w.config.slice_dfl, w.work.cgroups.size());
    scripted_machine m(w.config, w.work, sched);
    m.fork(a);
    m.fork(b);
    for (const cpu_id c : {cpu0, cpu1}) { // once over every path, so that the frames have been in use
        m.cpu(c).need_resched = 1;
        m.run(c);
    }
    const machine_state before = m.state();
    kfuncs(m.get(), cpu0).kick_cpu(cpu1, kick_none);
    CHECK_FALSE(m.state() == before);
    m.settle();
    machine_state after = m.state();
    for (const cpu_id c : {cpu0, cpu1}) {
        after.cpu(c).pnt_seq = before.cpu(c).pnt_seq; // counts scheduling points for ever
    }
    CHECK(after == before);
}
