// SPDX-License-Identifier: GPL-2.0-only
//
// Symmetry: states that differ only in the names of things that the exploration does not tell apart go on in the same
// way, so one of them stands for all. Interchangeable can be: tasks of a cgroup, cgroups with such tasks, the two CPUs
// of a pair, and pairs. Which are, the exploration says: symmetry() collects it.
#pragma once

#include <array>
#include <vector>

#include "sim/relabelling.h"
#include "tools/explore/world.h"

namespace pairsim {

class symmetry {
public:
    /// Finds what is interchangeable in @p what. @p world is in its initial state.
    symmetry(const exploration& what, const explored_world& world);

    /// Something is interchangeable.
    bool any() const { return !cpu_orders_.empty(); }
    /// Some relabellings that exchange two neighbours; all others are made of them. For tests.
    std::vector<relabelling> generators() const;
    /// The action that @p a becomes under the names of @p r.
    action renamed(const action& a, const relabelling& r) const;
    /// Puts the world into the state that stands for its present one; returns the names that this gave.
    relabelling canonicalise(explored_world& world);

private:
    struct task_class {
        std::size_t cgroup;
        std::vector<std::size_t> tasks;
    };
    using cpu_order = std::vector<std::uint8_t>; ///< the new name of each CPU

    void find_tasks(const exploration& what);
    void find_cgroups(const exploration& what);
    void find_cpu_orders(const exploration& what, const explored_world& world);
    void name_cgroups(explored_world& world, const cpu_order& order, relabelling& r) const;
    void name_tasks(explored_world& world, const cpu_order& order, relabelling& r) const;
    template <class Meet>
    void walk(explored_world& world, const cpu_order& order, Meet meet) const;
    std::vector<const cpu_order*> candidates(explored_world& world) const;
    std::uint64_t key_of(explored_world& world, cpu_id cpu) const;

    const pair_sched* pair_;
    std::size_t nr_cpus_, nr_tasks_, nr_cgroups_;
    std::vector<std::size_t> class_of_task_;
    std::vector<task_class> classes_;
    std::vector<std::size_t> swappable_; ///< cgroups that can be exchanged, each with one class of tasks
    std::vector<cpu_order> cpu_orders_;  ///< the first leaves all names; empty: nothing is interchangeable
    machine_state from_, best_;
};

} // namespace pairsim
