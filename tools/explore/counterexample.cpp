// SPDX-License-Identifier: GPL-2.0-only
#include "tools/explore/counterexample.h"

#include <algorithm>

#include <fmt/format.h>

#include "sim/check.h"
#include "sim/schedule.h"
#include "tools/explore/symmetry.h"
#include "tools/io/causes.h"
#include "tools/io/runner.h"

namespace pairsim {
namespace {

/// Where the innermost path of a CPU's kernel code is, for steps that leave no record.
std::string position_of(const cpu_state& c)
{
    if (c.depth == 0) {
        return c.need_resched != 0 ? "enters schedule()" : "leaves the kernel";
    }
    const frame& f = c.frames[c.depth - 1U];
    constexpr std::string_view schedule_words[] = {"locks its runqueue",
                                                   "begins to balance",
                                                   "looks at the previous task's slice",
                                                   "looks at the global DSQ",
                                                   "locks the task's runqueue",
                                                   "locks its runqueue again",
                                                   "is about to dispatch",
                                                   "takes what was dispatched",
                                                   "picks the next task",
                                                   "puts the previous task back",
                                                   "looks at the class change",
                                                   "sets the next task",
                                                   "switches",
                                                   "ends schedule()",
                                                   "waits for its kick"};
    constexpr std::string_view op_words[] = {"ops.enqueue",     "ops.dispatch",    "ops.cpu_acquire", "ops.cpu_release",
                                             "tp sched_switch", "ops.cgroup_init", "ops.cgroup_exit", "ops.exit"};
    switch (f.kind) {
    case path::schedule:
        return std::string(schedule_words[f.pc]);
    case path::enqueue:
        return "is in do_enqueue_task()";
    case path::wakeup:
        return "is in try_to_wake_up()";
    case path::tick:
        return "is in the tick";
    case path::ipi:
        return "is in an IPI";
    case path::kick:
        return "is in the kick's irq_work";
    case path::higher_wake:
        return "wakes work of a higher class";
    case path::change_group:
        return "is in sched_move_task()";
    case path::set_affinity:
        return "is in sched_setaffinity()";
    case path::op:
        return "is in " + std::string(op_words[static_cast<std::size_t>(f.which)]);
    }
    SIM_CHECK(false);
    return {};
}

std::string cpu_word(const explored_world& world, cpu_id c)
{
    const pid curr = world.state().cpu(c).curr;
    const std::string who = task_words(world.what(), curr);
    return world.in_base(c) ? who : who + ", " + position_of(world.state().cpu(c));
}

/// What an action is, before its records say what came of it.
std::string action_words(const action& a, const explored_world& world)
{
    const auto& work = world.what().base.work;
    const auto name = [&](pid p) { return work.tasks[p.value - 1].name; };
    using kind = action::kind;
    switch (a.what) {
    case kind::step:
    case kind::ipi:
        return {};
    case kind::slice_end:
        return fmt::format("a tick finds no slice left of {}", name(world.state().cpu(a.cpu).curr));
    case kind::fork:
        return fmt::format("{} is forked", name(a.task));
    case kind::timer:
        return fmt::format("the timer of {} goes off", name(a.task));
    case kind::sleep:
        return fmt::format("{} blocks", name(a.task));
    case kind::yield:
        return fmt::format("{} yields", name(a.task));
    case kind::exit:
        return fmt::format("{} exits", name(a.task));
    case kind::wake:
        return fmt::format("{} wakes {}", name(a.task), name(pid{a.arg}));
    case kind::wake_sync:
        return fmt::format("{} wakes {} as a pipe's writer does", name(a.task), name(pid{a.arg}));
    case kind::move:
        return fmt::format("a process writes {} to the cgroup.procs of {}", name(a.task), work.cgroups[a.arg].name);
    case kind::batch_expiry:
        return fmt::format("the batch of pair {} is over", a.arg);
    case kind::arrive:
        return "work of a higher class arrives";
    case kind::leave:
        return "the higher class has no more work";
    case kind::remove:
        return fmt::format("cgroup {} has been removed", work.cgroups[a.arg].name);
    }
    SIM_CHECK(false);
    return {};
}

std::vector<pair_ctx> contexts(explored_world& world)
{
    std::vector<pair_ctx> all;
    if (world.pair() != nullptr) {
        auto maps = world.pair()->maps(world.state());
        for (const auto& p : world.pair()->pairs().pairs) {
            all.push_back(maps.has_ctx(p.first.value) ? maps.ctx(p.first.value) : pair_ctx{});
        }
    }
    return all;
}

cpu_id cpu_of(const action& a, const explored_world& world)
{
    return a.cpu == no_cpu && a.task != idle_pid ? world.state().task(a.task).cpu : a.cpu;
}

counterexample_step do_step(explored_world& world, std::uint16_t index, std::size_t number)
{
    const action& a = world.actions()[index];
    counterexample_step step{.did = a,
                             .index = index,
                             .words = {},
                             .records = {},
                             .costs = {},
                             .before = contexts(world),
                             .after = {},
                             .cpus = {},
                             .current = idle_pid,
                             .ends_in_base = false};
    step.did.cpu = cpu_of(a, world);
    std::string words = action_words(a, world);
    world.keep_records();
    world.records().clear();
    SIM_CHECK(world.enabled(a));
    SIM_CHECK(world.apply(a));
    step.records = world.records();
    for (trace_record& r : step.records) {
        r.at = at_ns(static_cast<std::int64_t>(number));
    }
    step.costs = world.costs();
    step.after = contexts(world);
    for (const auto& r : step.records) {
        const bool said =
            (a.what == action::kind::exit && r.kind == record_kind::task_exit) || r.kind == record_kind::higher_arrive;
        if (!said) {
            words += (words.empty() ? "" : "; ") + words_of(r, world.what());
        }
    }
    if (step.did.cpu != no_cpu) {
        step.current = world.state().cpu(step.did.cpu).curr;
        step.ends_in_base = world.in_base(step.did.cpu);
    }
    if (words.empty()) {
        words = position_of(world.state().cpu(step.did.cpu));
    }
    step.words = step.did.cpu == no_cpu ? words : fmt::format("cpu {}: {}", step.did.cpu.value, words);
    for (std::size_t c = 0; c < world.nr_cpus(); ++c) {
        step.cpus.push_back(cpu_word(world, cpu_id{static_cast<std::uint16_t>(c)}));
    }
    return step;
}

std::optional<claim_id> claim_of(property p)
{
    switch (p) {
    case property::exclusive:
        return claim_id::exclusive;
    case property::no_run_beside_preemptor:
        return claim_id::no_run_beside_preemptor;
    case property::no_abort:
        return claim_id::no_abort;
    case property::no_lost_task:
        return claim_id::no_lost_task;
    case property::no_deadlock:
    case property::no_lockup:
    case property::no_starvation:
    case property::no_livelock:
        return std::nullopt;
    }
    SIM_CHECK(false);
    return std::nullopt;
}

/// What the claims say of the last state: a violation may have begun by another cause than it has now.
std::optional<finding> judge_last_state(const counterexample& c, claim_id claim, const exploration& what)
{
    const pair_map pairs = pairs_of(what.base);
    observed_state state(what.base.machine.nr_cpus(), what.base.work.tasks.size(), pairs);
    const cause_finder finder(state, what.base.machine, what.base.work, what.base.scheduler == scheduler_name::pair);
    for (const auto& step : c.steps) {
        for (const trace_record& r : step.records) {
            state.apply(r);
        }
    }
    const sim_time now = at_ns(static_cast<std::int64_t>(c.steps.size()));
    for (std::uint32_t i = 0; i < state.nr_pairs(); ++i) {
        const auto found = claim == claim_id::exclusive ? exclusive_claim(finder).check(state, state.pair(i))
                                                        : preemptor_claim(finder).check(state, state.pair(i));
        if (found) {
            return about(state, state.pair(i), *found, now);
        }
    }
    return std::nullopt;
}

/// What the claims say of the whole path, as they do of a run.
std::optional<finding> judge_path(const counterexample& c, claim_id claim, const exploration& what)
{
    const pair_map pairs = pairs_of(what.base);
    claims judge(what.base.machine, what.base.work, pairs, {.count_instants = true});
    for (const auto& step : c.steps) {
        judge.on_records(step.records);
    }
    const auto result = judge.finish(at_ns(static_cast<std::int64_t>(c.steps.size()) + 1));
    const auto last = std::find_if(result.findings.rbegin(), result.findings.rend(),
                                   [&](const finding& f) { return f.claim == claim; });
    return last == result.findings.rend() ? std::nullopt : std::optional(*last);
}

void find_cause(counterexample& c, const exploration& what)
{
    const auto id = claim_of(c.broken);
    if (!id) {
        return;
    }
    const bool of_state = *id == claim_id::exclusive || *id == claim_id::no_run_beside_preemptor;
    const auto last = of_state ? judge_last_state(c, *id, what) : judge_path(c, *id, what);
    if (!last) {
        return;
    }
    const auto& info = info_of(last->cause);
    c.cause = info.id;
    c.explanation = fmt::format("{}\n  What would help: {}.", info.sentence, info.remedy);
    const auto group = [&](cgroup_id g) {
        return g.value < what.base.work.cgroups.size() ? what.base.work.cgroups[g.value].name : std::string("none");
    };
    c.headline = fmt::format(fmt::runtime(info.headline), fmt::arg("cpu", last->cpus[0].value),
                             fmt::arg("own", group(last->cgroups[0])), fmt::arg("other", last->cpus[1].value),
                             fmt::arg("theirs", group(last->cgroups[1])));
}

/// What became of a path: who acted, where nobody can act next in a run but he, and the state at the end.
struct walk {
    std::vector<cpu_id> cpus;
    std::vector<char> is_step;
    std::vector<char> goes_on;
    machine_state state;
    surroundings around;
    friend bool operator==(const walk& a, const walk& b) { return a.state == b.state && a.around == b.around; }
};

/// Nothing if some action of @p path is not possible when its turn comes.
std::optional<walk> walk_along(const exploration& what, const sched_ops& ops, const std::vector<std::uint16_t>& path)
{
    explored_world world(what, ops);
    walk w{.cpus = {}, .is_step = {}, .goes_on = {}, .state = world.state(), .around = {}};
    for (const std::uint16_t index : path) {
        const action& a = world.actions()[index];
        const cpu_id cpu = cpu_of(a, world);
        if (world.state().exit().kind != exit_kind::none || !world.enabled(a) || !world.apply(a)) {
            return std::nullopt;
        }
        w.cpus.push_back(cpu);
        w.is_step.push_back(static_cast<char>(a.what == action::kind::step));
        w.goes_on.push_back(static_cast<char>(cpu != no_cpu && goes_on_in_a_run(world.costs(), world.in_base(cpu))));
    }
    w.state = world.state();
    w.around = world.around();
    return w;
}

std::size_t next_of_same_cpu(const walk& w, std::size_t i)
{
    const auto found = std::find(w.cpus.begin() + static_cast<std::ptrdiff_t>(i) + 1, w.cpus.end(), w.cpus[i]);
    return static_cast<std::size_t>(found - w.cpus.begin());
}

} // namespace

std::vector<std::uint16_t> path_to(const visited_states& visited, state_index state)
{
    std::vector<std::uint16_t> path;
    for (state_index s = state; visited.parent(s) != no_state; s = visited.parent(s)) {
        path.push_back(visited.action_to(s));
    }
    std::reverse(path.begin(), path.end());
    return path;
}

std::vector<std::uint16_t> in_first_names(const exploration& what, const sched_ops& ops,
                                          const std::vector<std::uint16_t>& path)
{
    explored_world world(what, ops);
    symmetry names_of(what, world);
    if (!names_of.any()) {
        return path;
    }
    relabelling first; // each thing's first name, by its present one
    std::vector<std::uint16_t> translated;
    for (const std::uint16_t index : path) {
        const action& a = world.actions()[index];
        const auto& actions = world.actions();
        const auto same = std::ranges::find(actions, names_of.renamed(a, first));
        SIM_CHECK(same != actions.end());
        translated.push_back(static_cast<std::uint16_t>(same - actions.begin()));
        SIM_CHECK(world.enabled(a) && world.apply(a));
        first = after(names_of.canonicalise(world), first);
    }
    return translated;
}

bool goes_on_in_a_run(const std::vector<cost_kind>& costs, bool ends_in_base)
{
    return (costs.empty() || costs.back() == cost_kind::none) && !ends_in_base;
}

std::vector<std::uint16_t> as_in_a_run(const exploration& what, const sched_ops& ops, std::vector<std::uint16_t> path)
{
    auto now = walk_along(what, ops, path);
    SIM_CHECK(now.has_value());
    const auto try_instead = [&](std::size_t first, std::size_t middle, std::size_t last) {
        auto other = path;
        const auto at = [&](std::size_t n) { return other.begin() + static_cast<std::ptrdiff_t>(n); };
        std::rotate(at(first), at(middle), at(last));
        auto then = walk_along(what, ops, other);
        if (!then || !(*then == *now)) {
            return false;
        }
        path = std::move(other);
        now = std::move(then);
        return true;
    };
    for (std::size_t i = 0; i + 1 < path.size(); ++i) {
        const std::size_t next = next_of_same_cpu(*now, i);
        if (now->goes_on[i] == 0 || next == i + 1 || next == path.size() || now->is_step[next] == 0) {
            continue;
        }
        std::size_t begin = i; // of those that the action goes on from, which lie together
        while (begin > 0 && now->goes_on[begin - 1] != 0 && now->cpus[begin - 1] == now->cpus[i]) {
            --begin;
        }
        std::size_t end = next + 1; // of those that go on from its next one
        while (end < path.size() && now->goes_on[end - 1] != 0 && now->cpus[end] == now->cpus[i]) {
            ++end;
        }
        if (!try_instead(i + 1, next, end)) { // the next ones earlier, else these later
            try_instead(begin, i + 1, next);
        }
    }
    return path;
}

counterexample replay(const exploration& what, const sched_ops& ops, property broken,
                      const std::vector<std::uint16_t>& path)
{
    explored_world world(what, ops);
    counterexample c;
    c.broken = broken;
    for (std::size_t i = 0; i < path.size(); ++i) {
        c.steps.push_back(do_step(world, path[i], i + 1));
    }
    c.cycle_start = c.steps.size();
    find_cause(c, what);
    return c;
}

} // namespace pairsim
