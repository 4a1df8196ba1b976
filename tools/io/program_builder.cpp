// SPDX-License-Identifier: GPL-2.0-only
#include "tools/io/program_builder.h"

#include <algorithm>

#include <fmt/format.h>

namespace pairsim {

namespace {

constexpr std::size_t max_repeat_depth = 8;

/// What a list of phases does, as far as its text shows.
struct summary {
    nanoseconds shortest{};     ///< it takes at least so long; at most max_duration
    bool time_can_pass = false; ///< some phase can take time or block
    bool never_ends = false;
    bool exits = false;
};

class program_builder {
public:
    program_builder(const phase_names& names, channel_table& channels) : names_(names), channels_(channels) {}

    program build(const json_cursor& phases)
    {
        const summary whole = add_phases(phases, 0);
        if (!whole.never_ends && !whole.exits) {
            add(phase::op::exit);
        }
        return {std::move(code_), whole.shortest, whole.never_ends, moves_itself_};
    }

private:
    summary add_phases(const json_cursor& phases, std::size_t depth)
    {
        summary whole;
        bool reported = false;
        for (const json_cursor& at : phases.items()) {
            if ((whole.never_ends || whole.exits) && !reported) {
                at.fail("this phase is never reached",
                        whole.exits ? "remove it, or the exit before it" : "remove it, or let the phase before it end");
                reported = true;
            }
            const summary part = add_phase(at, depth);
            whole.shortest = std::min(whole.shortest + part.shortest, max_duration);
            whole.time_can_pass = whole.time_can_pass || part.time_can_pass;
            whole.never_ends = whole.never_ends || part.never_ends;
            whole.exits = whole.exits || part.exits;
        }
        return whole;
    }

    summary add_phase(const json_cursor& at, std::size_t depth)
    {
        if (const auto run = at.get("run")) {
            return run->value() == "forever" ? add_hog() : add_timed(phase::op::run, *run);
        }
        if (const auto sleep = at.get("sleep")) {
            const std::size_t before = code_.size();
            const auto slept = add_timed(phase::op::sleep, *sleep);
            if (code_.size() > before) {
                read_into(code_.back().align, at, "align");
            }
            return slept;
        }
        if (const auto timer = at.get("timer")) {
            return add_timer(at, *timer);
        }
        if (const auto repeat = at.get("repeat")) {
            return add_repeat(*repeat, depth);
        }
        if (const auto wait = at.get("wait")) {
            return add_wait(*wait);
        }
        if (at.get("wake")) {
            add_wake(at);
        } else if (const auto move = at.get("move")) {
            add_move(*move);
        } else if (const auto affinity = at.get("set_affinity")) {
            add_affinity(*affinity);
        } else if (at.get("yield")) {
            add(phase::op::yield);
        } else if (at.get("exit")) {
            add(phase::op::exit);
            return {.exits = true};
        } else {
            channels_.complete = false; // the schema has said what is wrong
        }
        return {};
    }

    phase& add(phase::op kind)
    {
        code_.emplace_back().kind = kind;
        return code_.back();
    }

    summary add_timed(phase::op kind, const json_cursor& at)
    {
        const auto duration = read_distribution(at);
        if (!duration) {
            return {.time_can_pass = true};
        }
        add(kind).duration = *duration;
        return {.shortest = shortest(*duration), .time_can_pass = longest(*duration).count() > 0};
    }

    /// The first instant may be over when the task gets there, but not all of them: a period is no shorter than 1 us.
    summary add_timer(const json_cursor& at, const json_cursor& period_at)
    {
        nanoseconds period{};
        read_into(period, at, "timer");
        if (!at.failed() && period < std::chrono::microseconds{1}) {
            period_at.fail("a period of less than 1us", "give a longer one");
        }
        phase& timer = add(phase::op::timer);
        timer.duration = duration_dist::constant(period);
        read_into(timer.catch_up, at, "catch_up");
        return {.time_can_pass = true};
    }

    summary add_hog()
    {
        const auto begin = static_cast<std::uint32_t>(code_.size());
        add(phase::op::run).duration = duration_dist::constant(max_duration);
        add_loop(begin, repeat_forever);
        return {.shortest = max_duration, .time_can_pass = true, .never_ends = true};
    }

    void add_loop(std::uint32_t begin, std::uint32_t jumps)
    {
        phase& loop = add(phase::op::loop);
        loop.target = begin;
        loop.arg = jumps;
    }

    summary add_repeat(const json_cursor& at, std::size_t depth)
    {
        const auto phases = at.get("phases");
        if (depth == max_repeat_depth) {
            at.fail(fmt::format("repeat nests more than {} deep", max_repeat_depth), "nest less deeply");
        }
        if (depth == max_repeat_depth || !phases) {
            channels_.complete = false;
            return {};
        }
        const auto begin = static_cast<std::uint32_t>(code_.size());
        summary whole = add_phases(*phases, depth + 1);
        const auto times_at = at.get("times");
        if (times_at) {
            const auto times = static_cast<std::uint32_t>(times_at->integer(1, repeat_forever).value_or(1));
            if (times > 1) {
                add_loop(begin, times - 1);
            }
            whole.shortest = whole.shortest > max_duration / times ? max_duration : whole.shortest * times;
            return whole;
        }
        add_loop(begin, repeat_forever);
        if (!whole.time_can_pass && !whole.exits && !at.failed()) {
            at.fail("no time can pass in this loop, which has no end",
                    R"(add a run, a sleep or a wait, or give it "times")");
        }
        whole.never_ends = !whole.exits;
        whole.shortest = whole.never_ends ? max_duration : whole.shortest;
        return whole;
    }

    summary add_wait(const json_cursor& at)
    {
        if (const auto name = read_line(at)) {
            add(phase::op::wait).arg = channels_.id_of(*name);
            channels_.waiters.push_back({*name, at});
        }
        return {.time_can_pass = true};
    }

    void add_wake(const json_cursor& at)
    {
        if (const auto name = read_line(*at.get("wake"))) {
            phase& wake = add(phase::op::wake);
            wake.arg = channels_.id_of(*name);
            read_into(wake.sync, at, "sync");
            channels_.woken[*name] = true;
        } else {
            channels_.complete = false;
        }
    }

    void add_move(const json_cursor& at)
    {
        const auto other = at.get("task");
        const auto to_at = other ? at.get("to") : at;
        const auto task = other ? names_.find_task(*other) : idle_pid;
        const auto to = to_at ? names_.find_cgroup(*to_at) : std::nullopt;
        moves_itself_ = moves_itself_ || !other;
        if (task && to) {
            phase& move = add(phase::op::move);
            move.target = task->value;
            move.arg = to->value;
        }
    }

    void add_affinity(const json_cursor& at)
    {
        const auto other = at.get("task");
        const auto mask_at = other ? at.get("cpus") : at;
        const auto task = other ? names_.find_task(*other) : idle_pid;
        const auto mask = mask_at ? names_.find_mask(*mask_at) : std::nullopt;
        if (task && mask) {
            phase& change = add(phase::op::set_affinity);
            change.target = task->value;
            change.arg = *mask;
        }
    }

    const phase_names& names_;
    channel_table& channels_;
    std::vector<phase> code_;
    bool moves_itself_ = false;
};

} // namespace

std::uint32_t channel_table::id_of(const std::string& name)
{
    return ids.emplace(name, static_cast<std::uint32_t>(ids.size())).first->second;
}

void channel_table::report_unwoken() const
{
    for (const waiter& w : waiters) {
        if (complete && !woken.contains(w.name)) {
            w.at.fail("no task wakes the channel " + quote(w.name),
                      "add a phase {\"wake\": " + quote(w.name) + "}, or correct the name");
        }
    }
}

program build_program(const json_cursor& phases, const phase_names& names, channel_table& channels)
{
    return program_builder(names, channels).build(phases);
}

} // namespace pairsim
