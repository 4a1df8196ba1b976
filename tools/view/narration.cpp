// SPDX-License-Identifier: GPL-2.0-only
#include "tools/view/narration.h"

#include <fmt/format.h>

#include "sim/check.h"
#include "tools/io/units.h"
#include "tools/view/sentences.h"

namespace pairsim {
namespace {

using k = record_kind;
using s = sentence;

constexpr sentence_id id_of(sentence which)
{
    return static_cast<sentence_id>(which);
}

/// Which of @p all stands for @p reason; the last one for those beyond.
sentence_id by_reason(std::uint8_t reason, std::initializer_list<sentence> all)
{
    return id_of(reason < all.size() ? *(all.begin() + reason) : *(all.end() - 1));
}

} // namespace

narrator::narrator(const observed_run& run)
    : state_(run.nr_cpus(), run.what.work.tasks.size(), run.pairs), side_(run.pairs.in_pair_idx)
{
    side_.resize(run.nr_cpus());
}

sentence_id narrator::next(const trace_record& r)
{
    const sentence_id chosen = choose(r);
    SIM_CHECK(chosen < sentences().size());
    state_.apply(r);
    last_ = r;
    has_last_ = true;
    return chosen;
}

sentence_id narrator::choose(const trace_record& r) const
{
    switch (r.kind) {
    case k::sched_switch:
        return choose_switch(r);
    case k::sched_waking:
    case k::sched_wakeup:
    case k::sched_wakeup_new:
    case k::enqueue:
    case k::task_new:
    case k::task_exit:
    case k::task_move:
    case k::task_affinity:
        return choose_task(r);
    case k::pair_run:
    case k::pair_wait:
    case k::pair_top_q_empty:
    case k::pair_adopt:
    case k::pair_coll:
    case k::pair_cgrp_empty:
    case k::pair_missing:
    case k::pair_release:
    case k::pair_acquire:
        return choose_pair(r);
    case k::dispatch:
        return id_of(s::dispatch_called);
    case k::dsq_insert:
        return by_reason(r.reason, {s::insert_global, s::insert_local, s::insert_ignored});
    case k::consume:
        return id_of(s::consumed);
    case k::local_insert:
        return id_of(static_cast<wake_path>(r.reason) == wake_path::preempted ? s::put_back : s::put_local);
    case k::keep_prev:
        return by_reason(r.reason, {s::keep_slice_left, s::keep_refilled});
    case k::slice_end:
        return id_of(s::slice_ended);
    case k::kick:
        return id_of((r.reason & kick_preempt) == 0 ? s::kick_plain
                     : (r.reason & kick_wait) == 0  ? s::kick_to_preempt
                                                    : s::kick_to_wait);
    case k::kick_serviced:
        return by_reason(r.reason, {s::serviced_resched, s::serviced_zeroed, s::serviced_skipped});
    case k::ipi:
        return id_of(s::ipi_arrived);
    case k::kick_wait_begin:
        return id_of(s::wait_begun);
    case k::kick_wait_end:
        return id_of(s::wait_over);
    case k::cpu_release:
        return id_of(s::released);
    case k::cpu_acquire:
        return id_of(s::acquired);
    case k::higher_arrive:
        return id_of(s::higher_arrived);
    case k::cgroup_init:
        return id_of(s::cgroup_begun);
    case k::cgroup_exit:
        return id_of(s::cgroup_ended);
    case k::scx_error:
        return id_of(s::error_called);
    case k::scx_exit:
        return id_of(s::exited);
    case k::hard_lockup:
        return id_of(s::locked_up);
    case k::lost_time:
        return id_of(s::time_lost);
    case k::cgrp_q_push:
        return id_of(s::fifo_push);
    case k::cgrp_q_pop:
        return id_of(s::fifo_pop);
    case k::top_q_push:
        return id_of(s::top_push);
    case k::top_q_pop:
        return id_of(s::top_pop);
    case k::lock_wait:
        return id_of(s::lock_contended);
    }
    SIM_CHECK(false);
    return 0;
}

/// What try_dispatch() and its like have decided, from pair_ctx after it.
sentence_id narrator::choose_pair(const trace_record& r) const
{
    const unsigned own = 1U << side_[r.cpu.value];
    const unsigned preempted = pair_bits::preempted(r.b);
    if (r.kind == k::pair_run) {
        const bool has_just_chosen = has_last_ && last_.cpu == r.cpu && last_.at == r.at &&
                                     (last_.kind == k::pair_adopt || last_.kind == k::pair_coll);
        return id_of(has_just_chosen ? s::run_adopted : s::run_on);
    }
    if (r.kind == k::pair_wait) {
        if (preempted != 0) {
            return id_of((preempted & ~own) != 0 ? s::wait_preempted : s::wait_marked);
        }
        return id_of(r.value != 0 ? s::wait_and_kick : s::wait_draining);
    }
    if (r.kind == k::pair_top_q_empty) {
        return id_of(s::no_cgroup_left);
    }
    if (r.kind == k::pair_adopt) {
        return id_of(s::adopts);
    }
    if (r.kind == k::pair_coll) {
        return id_of(s::collides);
    }
    if (r.kind == k::pair_cgrp_empty) {
        return id_of(s::finds_empty);
    }
    if (r.kind == k::pair_missing) {
        return id_of(s::pid_missing);
    }
    if (r.kind == k::pair_release) {
        return id_of(pair_bits::active(r.b) != 0 ? s::release_and_kick : s::release_only);
    }
    SIM_CHECK(r.kind == k::pair_acquire);
    return id_of(preempted == 0 ? s::acquire_and_kick : s::acquire_only);
}

sentence_id narrator::choose_switch(const trace_record& r)
{
    const pid prev{r.a};
    const auto left_as = static_cast<std::uint8_t>(r.b); // enum prev_state
    if (is_higher(r.task)) {
        return id_of(s::switch_to_higher);
    }
    if (r.task == idle_pid) {
        return is_higher(prev) ? id_of(s::idle_from_higher)
                               : by_reason(left_as, {s::idle_from_runnable, s::idle_from_sleeping, s::idle_from_dead});
    }
    if (prev == idle_pid) {
        return id_of(s::switch_from_idle);
    }
    if (is_higher(prev)) {
        return id_of(s::switch_from_higher);
    }
    return by_reason(left_as, {s::switch_from_runnable, s::switch_from_sleeping, s::switch_from_dead});
}

sentence_id narrator::choose_task(const trace_record& r)
{
    if (r.kind == k::sched_waking) {
        return by_reason(r.reason, {s::waking_timer, s::waking_task, s::waking_sync, s::waking_fork});
    }
    if (r.kind == k::sched_wakeup || r.kind == k::sched_wakeup_new) {
        return by_reason(r.reason, {s::woken_queued, s::woken_direct, s::woken_sync, s::woken_by_rule});
    }
    if (r.kind == k::enqueue) {
        return by_reason(r.reason, {s::enqueue_wakeup, s::enqueue_put_prev, s::enqueue_last, s::enqueue_restore});
    }
    if (r.kind == k::task_new) {
        return id_of(s::task_begun);
    }
    if (r.kind == k::task_exit) {
        return id_of(s::task_ended);
    }
    SIM_CHECK(r.kind == k::task_move || r.kind == k::task_affinity);
    return id_of(r.kind == k::task_move ? s::task_moved : s::affinity_changed);
}

std::vector<sentence_id> narrate(const observed_run& run)
{
    narrator teller(run);
    std::vector<sentence_id> ids;
    ids.reserve(run.records.size());
    for (const auto& r : run.records) {
        ids.push_back(teller.next(r));
    }
    return ids;
}

// ---- words --------------------------------------------------------------------------------------------------------

std::string pid_in_words(const observed_run& run, pid p)
{
    if (p == idle_pid) {
        return "the idle task";
    }
    if (is_higher(p)) {
        constexpr std::string_view names[] = {"idle", "ext", "rt", "dl", "stop"};
        const std::size_t which = p.value & 0xffU;
        return fmt::format("the {} class", which < std::size(names) ? names[which] : "higher");
    }
    const auto& tasks = run.what.work.tasks;
    return p.value <= tasks.size() ? tasks[p.value - 1].name : fmt::format("pid {}", p.value);
}

std::string cgroup_in_words(const observed_run& run, cgroup_id c)
{
    const auto& cgroups = run.what.work.cgroups;
    return c.value < cgroups.size() ? cgroups[c.value].name : "no cgroup";
}

namespace {

std::string place_text(const observed_run& run, const trace_record& r, std::string_view place)
{
    if (place == "cpu") {
        return fmt::to_string(r.cpu.value);
    }
    if (place == "partner") {
        const auto& partners = run.pairs.pair_cpu;
        return r.cpu.value < partners.size() ? fmt::to_string(partners[r.cpu.value].value) : "none";
    }
    const auto colon = place.find(':');
    SIM_CHECK(colon != std::string_view::npos);
    const std::string_view field = place.substr(0, colon);
    const std::string_view type = place.substr(colon + 1);
    const std::int64_t value = field == "task" ? r.task.value : field == "a" ? r.a : field == "b" ? r.b : r.value;
    if (type == "pid") {
        return pid_in_words(run, pid{static_cast<std::uint32_t>(value)});
    }
    if (type == "cgroup") {
        return cgroup_in_words(run, cgroup_id{static_cast<std::uint32_t>(value)});
    }
    if (type == "ns") {
        return format_duration(nanoseconds{value});
    }
    SIM_CHECK(type == "cpu" || type == "number");
    return fmt::to_string(value);
}

} // namespace

std::string sentence_text(const observed_run& run, const trace_record& r, sentence_id id)
{
    std::string text;
    std::string_view rest = sentences()[id].text;
    while (!rest.empty()) {
        const auto open = rest.find('{');
        text += rest.substr(0, open);
        if (open == std::string_view::npos) {
            break;
        }
        const auto close = rest.find('}', open);
        text += place_text(run, r, rest.substr(open + 1, close - open - 1));
        rest.remove_prefix(close + 1);
    }
    return text;
}

} // namespace pairsim
