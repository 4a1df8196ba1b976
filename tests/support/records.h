// SPDX-License-Identifier: GPL-2.0-only
//
// Little record streams written by hand: a clock in microseconds and one call a record.
#pragma once

#include <variant>
#include <vector>

#include "model/pair_map.h"
#include "sim/trace.h"
#include "tools/io/scenario.h"

namespace pairsim::test {

/// A machine of @p nr_cpus CPUs with pairs (0, 1), (2, 3), ...; cgroups "/", "a", "b"; tasks 1 and 2 in a, 3 and 4 in
/// b.
struct small_world {
    explicit small_world(std::uint16_t nr_cpus = 2)
    {
        what.name = "small world";
        what.duration = std::chrono::milliseconds{1};
        what.machine.cpus.resize(nr_cpus);
        what.work.cpumasks.push_back(cpumask::all(nr_cpus));
        what.work.cgroups = {{.name = "/"}, {.name = "a"}, {.name = "b"}};
        for (const std::uint32_t cgroup : {1U, 1U, 2U, 2U}) {
            what.work.tasks.push_back({.name = "task" + std::to_string(what.work.tasks.size() + 1),
                                       .cgroup = cgroup_id{cgroup},
                                       .program = {}});
        }
        pairs = std::get<pair_map>(make_pair_map(nr_cpus, 1, true));
    }

    /// Adds a mask of one CPU and returns its index.
    std::uint32_t pin_to(std::uint16_t cpu)
    {
        cpumask mask(what.machine.nr_cpus());
        mask.set(cpu_id{cpu});
        what.work.cpumasks.push_back(mask);
        return static_cast<std::uint32_t>(what.work.cpumasks.size() - 1);
    }

    scenario what;
    pair_map pairs;
};

/// Bits of pair_* records: active_mask, preempted_mask, draining.
constexpr std::uint32_t bits(std::uint32_t active, std::uint32_t preempted, bool draining)
{
    return active | preempted << 2U | (draining ? 16U : 0U);
}

class stream {
public:
    std::vector<trace_record> records;

    stream& at(std::int64_t microseconds)
    {
        now_ = at_ns(microseconds * 1000);
        return *this;
    }

    template <class Reason = std::uint8_t>
    stream& add(record_kind kind, std::uint16_t cpu, std::uint32_t task = 0, std::uint32_t a = 0, std::uint32_t b = 0,
                Reason reason = {}, std::int64_t value = 0)
    {
        records.push_back({now_, cpu_id{cpu}, kind, static_cast<std::uint8_t>(reason), pid{task}, a, b, value});
        return *this;
    }

    /// The task begins to exist and to wait, on its way by @p path.
    stream& start(std::uint32_t task, std::uint32_t cgroup, wake_path path = wake_path::direct,
                  std::uint16_t target = 0, std::uint32_t mask = 0)
    {
        add(record_kind::task_new, 0, task, cgroup, mask);
        return add(record_kind::sched_wakeup_new, 0, task, target, 0, path);
    }
    stream& wake(std::uint32_t task, wake_path path, std::uint16_t target = 0)
    {
        return add(record_kind::sched_wakeup, 0, task, target, 0, path);
    }
    stream& run(std::uint16_t cpu, std::uint32_t next, std::uint32_t prev = 0, prev_state left = prev_state::runnable)
    {
        const auto how =
            is_higher(pid{next}) ? pick_reason::higher : (next == 0 ? pick_reason::idle : pick_reason::local_dsq);
        return add(record_kind::sched_switch, cpu, next, prev, static_cast<std::uint32_t>(left), how);
    }
    stream& keep(std::uint16_t cpu, std::uint32_t task, keep_reason why = keep_reason::refilled)
    {
        return add(record_kind::keep_prev, cpu, task, 0, 0, why, 20'000'000);
    }
    stream& kick(std::uint16_t from, std::uint16_t to, unsigned flags = kick_preempt)
    {
        return add(record_kind::kick, from, 0, to, 0, flags);
    }
    stream& serviced(std::uint16_t from, std::uint16_t to, std::uint32_t current,
                     kick_effect effect = kick_effect::slice_zeroed)
    {
        return add(record_kind::kick_serviced, from, current, to, 0, effect);
    }
    /// A pair_* record.
    stream& pair(record_kind kind, std::uint16_t cpu, std::uint32_t cgroup, std::uint32_t state, std::uint32_t id = 0)
    {
        return add(kind, cpu, cgroup, id, state);
    }
    stream& top_q(std::int64_t length) { return add(record_kind::top_q_push, 0, 0, 1, 0, std::uint8_t{}, length); }
    /// ops.enqueue, FIFO, pop and insert into the global DSQ by @p cpu, and the arrival on @p consumer.
    stream& dispatch(std::uint32_t task, std::uint32_t from_cgroup, std::uint16_t cpu, std::uint16_t consumer,
                     std::uint32_t node = 0)
    {
        add(record_kind::cgrp_q_pop, cpu, task, from_cgroup);
        add(record_kind::dsq_insert, cpu, task, node, 0, insert_result::global);
        return add(record_kind::consume, consumer, task, cpu, node);
    }

private:
    sim_time now_{};
};

} // namespace pairsim::test
