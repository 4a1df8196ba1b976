// SPDX-License-Identifier: GPL-2.0-only
//
// The explorer: its count of states against a brute force, that nothing depends on threads or reductions, and its
// parts (packed states, the table).
#include <deque>
#include <set>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tools/explore/result.h"
#include "tools/explore/symmetry.h"
#include "tools/io/runner.h"

using namespace pairsim;

namespace {

exploration load(const char* file)
{
    return load_exploration(std::string(PAIRSIM_SOURCE_DIR) + "/scenarios/explore/" + file);
}

std::vector<std::byte> bytes_of(const explored_world& world)
{
    const auto machine = world.state().bytes();
    std::vector<std::byte> bytes(machine.begin(), machine.end());
    const auto* around = reinterpret_cast<const std::byte*>(&world.around());
    bytes.insert(bytes.end(), around, around + sizeof(surroundings));
    return bytes;
}

/// Every state that can be reached, the dull way: whole states in a set, one after the other.
std::size_t count_by_brute_force(const exploration& what)
{
    const auto ops = make_scheduler(what.base);
    explored_world world(what, *ops);
    symmetry names(what, world);
    std::set<std::vector<std::byte>> seen{bytes_of(world)};
    std::deque<std::pair<machine_state, surroundings>> open;
    open.emplace_back(world.state(), world.around());
    for (; !open.empty(); open.pop_front()) {
        for (const action& a : world.actions()) {
            world.state() = open.front().first;
            world.around() = open.front().second;
            const bool goes_on = world.state().exit().kind == exit_kind::none && world.enabled(a) && world.apply(a);
            if (goes_on && names.any()) {
                names.canonicalise(world);
            }
            if (goes_on && seen.insert(bytes_of(world)).second) {
                open.emplace_back(world.state(), world.around());
            }
        }
    }
    return seen.size();
}

/// The words in which a state differs from another.
std::vector<word_change> differences(std::span<const std::uint64_t> from, std::span<const std::uint64_t> to)
{
    std::vector<word_change> changes;
    for (std::size_t i = 0; i < from.size(); ++i) {
        if (from[i] != to[i]) {
            changes.push_back({i, to[i]});
        }
    }
    return changes;
}

bool has_symmetry(const exploration& what)
{
    const auto ops = make_scheduler(what.base);
    return symmetry(what, explored_world(what, *ops)).any();
}

search_result run(const exploration& what, unsigned threads)
{
    const auto ops = make_scheduler(what.base);
    property_set asked = 0;
    for (const property p : what.claims) {
        asked |= bit_of(p);
    }
    return search(what, *ops, asked, {.threads = threads, .keep_graph = false, .check_invariants = true});
}

} // namespace

TEST_CASE("the explorer visits as many states as a brute force finds", "[explore]")
{
    const bool partial_order = GENERATE(false, true);
    exploration what = load("s04-removed-cgroup.json");
    what.claims = {property::no_lost_task}; // holds, so that everything is visited
    what.reduce.partial_order = partial_order;
    what.base.work.tasks.resize(1);
    what.tasks.resize(1);
    CHECK_FALSE(has_symmetry(what));
    const auto result = run(what, 1);
    CHECK(result.exhaustive());
    CHECK(result.visited.size() == count_by_brute_force(what));
    CHECK(result.visited.size() > 50);
}

TEST_CASE("the answer does not depend on the number of threads", "[explore]")
{
    const char* file = GENERATE("i02-kept-previous-task.json", "fixed-1plus1.json");
    const exploration what = load(file);
    const auto one = run(what, 1);
    const auto three = run(what, 3);
    CHECK(one.visited.size() == three.visited.size());
    CHECK(one.nr_transitions == three.nr_transitions);
    CHECK(one.depth == three.depth);
    for (std::size_t p = 0; p < nr_properties; ++p) {
        REQUIRE(one.violations[p].has_value() == three.violations[p].has_value());
        if (one.violations[p]) {
            CHECK(path_to(one.visited, one.violations[p]->state) == path_to(three.visited, three.violations[p]->state));
        }
    }
}

TEST_CASE("with symmetry, too, the explorer visits as many states as a brute force finds", "[explore]")
{
    exploration what = load("i01-direct-dispatch.json");
    what.claims = {property::no_lost_task};
    what.slice_end = 2;
    what.batch_expiry = 0;
    what.base.work.tasks.resize(2); // those of one cgroup
    what.tasks.resize(2);
    CHECK(has_symmetry(what));
    const auto result = run(what, 2);
    CHECK(result.exhaustive());
    CHECK(result.visited.size() == count_by_brute_force(what));
    what.reduce.symmetry = false;
    const auto all = run(what, 1);
    CHECK(all.visited.size() == count_by_brute_force(what));
    CHECK(result.visited.size() < all.visited.size());
    CHECK(2 * result.visited.size() >= all.visited.size()); // one state stands for at most two
}

TEST_CASE("things that count as interchangeable can exchange their names, and all goes on in the same way", "[explore]")
{
    exploration what = load("large/two-pairs.json");
    for (std::uint16_t c = 0; c < 4; ++c) {
        what.higher.push_back({.cpu = cpu_id{c}, .cls = sched_class::rt, .times = any_number});
    }
    const auto ops = make_scheduler(what.base);
    explored_world world(what, *ops);
    const symmetry names(what, world);
    const auto generators = names.generators();
    CHECK(generators.size() == 2 + 1 + 8); // two tasks in each cgroup, two cgroups, the orders of two pairs
    machine_state state = world.state();
    surroundings around = world.around();
    const auto bytes_but_message = [&] { // nothing comes after an end, so that its message keeps the names
        exit_info& exit = world.state().exit();
        exit = {.kind = exit.kind, .code = exit.code};
        return bytes_of(world);
    };
    const auto go_to = [&](machine_state& s, const surroundings& a, const relabelling& r) {
        world.state() = s;
        world.around() = a;
        world.relabel(s, a, r);
    };
    std::uint64_t random = 1;
    for (unsigned step = 0; step < 1200; ++step) {
        const bool look = step % 40 == 0;
        for (std::size_t g = 0; look && g < generators.size(); ++g) {
            const relabelling& r = generators[g];
            for (const action& a : world.actions()) {
                go_to(state, around, {});
                const bool can = world.enabled(a) && world.apply(a);
                machine_state next = world.state();
                const surroundings next_around = world.around();
                go_to(next, next_around, r);
                const auto expected = bytes_but_message();
                go_to(state, around, r);
                const action b = names.renamed(a, r);
                REQUIRE(can == (world.enabled(b) && world.apply(b)));
                REQUIRE((!can || bytes_but_message() == expected));
            }
        }
        go_to(state, around, {});
        do {
            random = random * 6364136223846793005U + 1442695040888963407U;
            const action& a = world.actions()[(random >> 33U) % world.actions().size()];
            const bool rare = a.what == action::kind::arrive || a.what == action::kind::slice_end;
            if (world.enabled(a) && (!rare || (random >> 20U) % 8 == 0) && world.apply(a)) {
                break;
            }
            go_to(state, around, {});
        } while (true);
        const bool ended = world.state().exit().kind != exit_kind::none;
        explored_world fresh(what, *ops);
        state = ended ? fresh.state() : world.state();
        around = ended ? fresh.around() : world.around();
    }
}

TEST_CASE("symmetry keeps the verdict and the length of the shortest way, and makes the search smaller", "[explore]")
{
    const char* file = GENERATE("i01-direct-dispatch.json", "fixed-1plus1.json");
    exploration what = load(file);
    const auto with = explore(what, {.threads = 2});
    what.reduce.symmetry = false;
    const auto without = explore(what, {.threads = 2});
    REQUIRE(with.verdicts.size() == without.verdicts.size());
    for (std::size_t i = 0; i < with.verdicts.size(); ++i) {
        CHECK(with.verdicts[i].what == without.verdicts[i].what);
        CHECK(with.verdicts[i].example.steps.size() == without.verdicts[i].example.steps.size());
        CHECK(with.verdicts[i].example.cause == without.verdicts[i].example.cause);
    }
    CHECK(with.depth == without.depth);
    CHECK(with.nr_states < without.nr_states);
}

TEST_CASE("partial-order reduction keeps the verdict and makes the search smaller", "[explore]")
{
    const char* file = GENERATE("i01-direct-dispatch.json", "r01-preempted-while-idle.json", "s04-removed-cgroup.json",
                                "fixed-1plus1.json");
    exploration what = load(file);
    const auto with = explore(what, {.threads = 2});
    what.reduce.partial_order = false;
    const auto without = explore(what, {.threads = 2});
    REQUIRE(with.verdicts.size() == without.verdicts.size());
    for (std::size_t i = 0; i < with.verdicts.size(); ++i) {
        CHECK(with.verdicts[i].what == without.verdicts[i].what);
    }
    CHECK(with.nr_states < without.nr_states);
}

TEST_CASE("partial-order reduction finds a wake-up that is lost between two steps that cost nothing", "[explore]")
{
    exploration what = load("fixed-1plus1.json");
    what.base.pair.variants.select_cpu_prev = what.base.pair.variants.local_dsq = false;
    what.claims = {property::no_deadlock};
    what.slice_end = 0;
    what.batch_expiry = 1;
    what.base.work.tasks.resize(1);
    what.tasks.resize(1);
    what.tasks[0].sleep = 1;
    what.tasks[0].moves = {{cgroup_id{2}, 1}};
    what.reduce.partial_order = GENERATE(false, true);
    CHECK(explore(what, {.threads = 1}).verdicts.front().what == verdict::kind::violated);
}

TEST_CASE("a scheduler that fails while a CPU waits for a kick is no lock-up", "[explore]")
{
    exploration what = load("r03-kicked-and-kept.json"); // there top_q can overflow during the wait
    what.base.pair.variants.local_dsq = false;
    what.base.pair.max_top_q = 2;
    what.claims = {property::no_lockup};
    what.base.work.cpumasks.emplace_back(what.base.machine.nr_cpus()).set(cpu_id{1});
    what.base.work.tasks[0].affinity = static_cast<std::uint32_t>(what.base.work.cpumasks.size() - 1);
    what.base.work.tasks[0].fork_cpu = cpu_id{1};
    what.tasks[1].sleep = 1;
    CHECK(explore(what, {.threads = 2}).verdicts.front().what == verdict::kind::holds);
}

TEST_CASE("who moves a task that is being woken waits, and takes the runqueue's lock only then", "[explore]")
{
    exploration what = load("i01-direct-dispatch.json");
    what.claims = {property::no_lost_task};
    what.slice_end = 1;
    what.batch_expiry = 0;
    what.base.work.tasks.resize(1);
    what.tasks.resize(1);
    what.tasks[0].sleep = 1;
    what.tasks[0].moves = {{cgroup_id{2}, 1}};
    what.reduce.partial_order = GENERATE(false, true); // with it, the wait begins in the middle of a joined step
    const auto result = explore(what, {.threads = 1, .check_invariants = true});
    CHECK(result.end == search_end::complete);
    CHECK(result.verdicts.front().what == verdict::kind::holds);
}

TEST_CASE("a bound stops the search without an answer", "[explore]")
{
    exploration what = load("fixed-1plus1.json");
    what.bounds.depth = 20;
    const auto result = explore(what, {.threads = 1});
    CHECK(result.end == search_end::max_depth);
    CHECK(result.depth == 20);
    CHECK(result.verdicts.front().what == verdict::kind::open);
}

TEST_CASE("a state packed as its parent's changes is the state when it is unpacked", "[explore]")
{
    const exploration what = load("i01-direct-dispatch.json");
    const auto ops = make_scheduler(what.base);
    explored_world world(what, *ops);
    const state_packer packer(world);
    std::vector<std::uint64_t> parent(packer.initial().begin(), packer.initial().end());
    std::vector<std::uint64_t> words(packer.nr_words());
    std::vector<std::uint64_t> packed(packer.max_packed());
    std::vector<std::uint64_t> packed_parent(packer.max_packed());
    std::vector<word_change> changes(packer.nr_words());
    packer.pack_initial(packed_parent.data());
    for (int step = 0; step < 40; ++step) {
        for (const action& a : world.actions()) {
            if (world.enabled(a) && world.apply(a)) {
                break;
            }
        }
        const auto state = bytes_of(world);
        const std::size_t nr = packer.take_back(world, parent.data(), changes.data());
        const fingerprint print =
            packer.changed(state_packer::fingerprint_at(packed_parent.data()), parent.data(), {changes.data(), nr});
        CHECK(packer.pack(packed_parent.data(), {changes.data(), nr}, print, packed.data()) <= packer.max_packed());
        packer.unpack(packed.data(), words.data());
        packer.put(words.data(), world);
        CHECK(bytes_of(world) == state);
        CHECK(state_packer::fingerprint_at(packed.data()) ==
              packer.changed({}, packer.initial().data(), differences(packer.initial(), words)));
        parent = words;
        packed_parent = packed;
    }
}

TEST_CASE("the table finds what was added and nothing else, in at most 24 bytes a state", "[explore]")
{
    visited_states table;
    const auto print = [](std::uint64_t i) { return fingerprint_of(0, i); };
    constexpr std::uint32_t nr = 300'000;
    for (std::uint32_t i = 0; i < nr; ++i) {
        REQUIRE(table.find(print(i)) == no_state);
        REQUIRE(table.add(print(i), i / 2, static_cast<std::uint16_t>(i % 7)) == i);
    }
    for (std::uint32_t i = 0; i < nr; i += 97) {
        CHECK(table.find(print(i)) == i);
        CHECK(table.parent(i) == i / 2);
        CHECK(table.action_to(i) == i % 7);
    }
    CHECK(table.find(print(nr + 1)) == no_state);
    CHECK(table.memory_bytes() <= std::size_t{24} * nr);
}
