// SPDX-License-Identifier: GPL-2.0-only
#include "tools/explore/symmetry.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "sim/check.h"
#include "sim/schedule.h"

namespace pairsim {
namespace {

constexpr std::size_t nobody = ~std::size_t{0};

cpu_id cpu_at(std::size_t i)
{
    return cpu_id{static_cast<std::uint16_t>(i)};
}

pid pid_at(std::size_t i)
{
    return pid{static_cast<std::uint32_t>(i + 1)};
}

bool without_number(allowance a)
{
    return a == 0 || a == any_number;
}

/// A task that names others, is named by them, or has an allowance of its own cannot be taken for another.
bool stands_alone(const exploration& what, std::size_t task)
{
    const task_abilities& may = what.tasks[task];
    const bool is_woken = std::ranges::any_of(what.tasks, [&](const task_abilities& a) {
        return std::ranges::any_of(a.wakes, [&](const auto& w) { return w.task == pid_at(task); });
    });
    return is_woken || !may.wakes.empty() || !may.moves.empty() || !without_number(may.sleep) ||
           !without_number(may.wait) || !without_number(may.yield) || !without_number(may.exit);
}

/// Apart from their cgroups.
bool alike(const exploration& what, std::size_t a, std::size_t b)
{
    const task_abilities& may_a = what.tasks[a];
    const task_abilities& may_b = what.tasks[b];
    const task_spec& spec_a = what.base.work.tasks[a];
    const task_spec& spec_b = what.base.work.tasks[b];
    return may_a.sleep == may_b.sleep && may_a.wait == may_b.wait && may_a.yield == may_b.yield &&
           may_a.exit == may_b.exit && may_a.fork_anywhere == may_b.fork_anywhere &&
           spec_a.affinity == spec_b.affinity && (may_a.fork_anywhere || spec_a.fork_cpu == spec_b.fork_cpu);
}

/// Gives out the names of a class of things in the order in which they are met.
class name_giver {
public:
    explicit name_giver(relabelling::names& names) : names_(names) {}
    void give(std::size_t thing, const std::vector<std::size_t>& in, std::size_t& nr_given)
    {
        if ((given_ & (1U << thing)) == 0) {
            given_ |= 1U << thing;
            names_[thing] = static_cast<std::uint8_t>(in[nr_given++]);
        }
    }

private:
    relabelling::names& names_;
    std::uint32_t given_ = 0;
};

} // namespace

symmetry::symmetry(const exploration& what, const explored_world& world)
    : pair_(world.pair()), nr_cpus_(world.nr_cpus()), nr_tasks_(what.tasks.size()),
      nr_cgroups_(what.base.work.cgroups.size()), from_(world.state()), best_(world.state())
{
    if (!what.reduce.symmetry || pair_ == nullptr || pair_->pairs().ctx_entries < pair_->pairs().pairs.size()) {
        return;
    }
    find_tasks(what);
    find_cgroups(what);
    find_cpu_orders(what, world);
    const bool tasks = std::ranges::any_of(classes_, [](const task_class& c) { return c.tasks.size() > 1; });
    if (!tasks && swappable_.size() < 2 && cpu_orders_.size() == 1) {
        cpu_orders_.clear();
    }
}

void symmetry::find_tasks(const exploration& what)
{
    for (std::size_t t = 0; t < nr_tasks_; ++t) {
        const std::size_t cgroup = what.base.work.tasks[t].cgroup.value;
        const auto same = std::ranges::find_if(classes_, [&](const task_class& c) {
            return c.cgroup == cgroup && !stands_alone(what, t) && !stands_alone(what, c.tasks.front()) &&
                   alike(what, t, c.tasks.front());
        });
        class_of_task_.push_back(static_cast<std::size_t>(same - classes_.begin()));
        if (same == classes_.end()) {
            classes_.push_back({cgroup, {}});
        }
        classes_[class_of_task_.back()].tasks.push_back(t);
    }
}

/// Cgroups below the root that stay, each with one class of tasks, and these all alike.
void symmetry::find_cgroups(const exploration& what)
{
    const auto class_of = [&](std::size_t cgroup) {
        const auto is_its = [&](const task_class& c) { return c.cgroup == cgroup; };
        const auto nr = std::ranges::count_if(classes_, is_its);
        const auto at = std::ranges::find_if(classes_, is_its);
        const bool usable = nr == 1 && !stands_alone(what, at->tasks.front());
        return usable ? static_cast<std::size_t>(at - classes_.begin()) : nobody;
    };
    const bool stays = what.removable.empty() &&
                       std::ranges::all_of(what.tasks, [](const task_abilities& a) { return a.moves.empty(); });
    for (std::size_t g = 1; g < nr_cgroups_ && stays; ++g) {
        const std::size_t its = class_of(g);
        const bool top_level = what.base.work.cgroups[g].parent == root_cgroup;
        if (its == nobody || !top_level) {
            continue;
        }
        const auto& first = swappable_.empty() ? classes_[its] : classes_[class_of(swappable_.front())];
        if (first.tasks.size() == classes_[its].tasks.size() &&
            alike(what, first.tasks.front(), classes_[its].tasks.front())) {
            swappable_.push_back(g);
        }
    }
}

/// The permutations of the CPUs that keep pairs, cores, caches and nodes, and that no rule of the machine tells apart:
/// a choice among idle CPUs looks at their numbers, so there must be none.
void symmetry::find_cpu_orders(const exploration& what, const explored_world& world)
{
    cpu_order order(nr_cpus_);
    std::iota(order.begin(), order.end(), std::uint8_t{0});
    const bool anywhere = std::ranges::all_of(what.tasks, &task_abilities::fork_anywhere) &&
                          std::ranges::all_of(what.base.work.tasks, [](const task_spec& t) { return t.affinity == 0; });
    const auto keeps = [&](const cpu_order& o) {
        const auto& pairs = pair_->pairs();
        const auto& places = what.base.machine.cpus;
        for (std::size_t a = 0; a < nr_cpus_; ++a) {
            if (pairs.pair_cpu[o[a]].value != o[pairs.pair_cpu[a].value] || places[a].node != places[o[a]].node) {
                return false;
            }
            for (std::size_t b = 0; b < nr_cpus_; ++b) {
                if ((places[a].core == places[b].core) != (places[o[a]].core == places[o[b]].core) ||
                    (places[a].llc == places[b].llc) != (places[o[a]].llc == places[o[b]].llc)) {
                    return false;
                }
            }
        }
        return std::ranges::all_of(what.higher, [&](const higher_arrivals& h) {
            return o[h.cpu.value] == h.cpu.value || std::ranges::any_of(what.higher, [&](const higher_arrivals& to) {
                       return to.cpu.value == o[h.cpu.value] && to.cls == h.cls && to.times == any_number &&
                              h.times == any_number;
                   });
        });
    };
    do {
        if (keeps(order)) {
            cpu_orders_.push_back(order);
        }
    } while (anywhere && world.pair()->config().variants.select_cpu_prev &&
             std::next_permutation(order.begin(), order.end()));
}

/// What can be said of a CPU without a name.
std::uint64_t symmetry::key_of(explored_world& world, cpu_id cpu) const
{
    const cpu_state& c = world.state().cpu(cpu);
    const pair_map& pairs = pair_->pairs();
    const pair_ctx ctx = pair_->maps(world.state()).ctx(pairs.pair_id[cpu.value]);
    const sides side = side_of(pairs.in_pair_idx[cpu.value]);
    std::uint64_t key = 0;
    const auto add = [&key](std::uint64_t part) { key = (key ^ part) * 0x9e3779b97f4a7c15U; };
    const auto bit = [](bool b, unsigned at) { return static_cast<std::uint64_t>(b) << at; };
    add(bit(world.in_base(cpu), 0) | bit(is_task(c.curr), 1) | bit(is_higher(c.curr), 2) | bit(ctx.draining != 0, 3) |
        bit((ctx.active_mask & side) != 0, 4) | bit((ctx.preempted_mask & side) != 0, 5) |
        bit((ctx.running_mask & side) != 0, 6) | bit(ctx.started_at != nanoseconds{0}, 7) |
        bit(c.need_resched != 0, 8) | bit(c.kicking != 0, 9) | bit(c.cpu_released != 0, 10) |
        bit(is_task(c.curr) && world.state().task(c.curr).slice > nanoseconds{0}, 11) |
        static_cast<std::uint64_t>(c.pending) << 16U | static_cast<std::uint64_t>(c.local.nr) << 24U |
        static_cast<std::uint64_t>(c.depth) << 32U);
    for (std::size_t i = 0; i < c.depth; ++i) {
        const frame& f = c.frames[i];
        add(static_cast<std::uint64_t>(f.kind) | static_cast<std::uint64_t>(f.pc) << 8U |
            static_cast<std::uint64_t>(f.which) << 16U | static_cast<std::uint64_t>(f.flags) << 24U |
            bit(is_task(f.task), 32));
    }
    return key;
}

void symmetry::name_cgroups(explored_world& world, const cpu_order& order, relabelling& r) const
{
    if (swappable_.size() < 2) {
        return;
    }
    name_giver names(r.cgroups);
    std::size_t nr_given = 0;
    const auto meet = [&](cgroup_id g) {
        if (g != no_cgroup && std::ranges::find(swappable_, g.value) != swappable_.end()) {
            names.give(g.value, swappable_, nr_given);
        }
    };
    auto maps = pair_->maps(world.state());
    std::vector<std::size_t> by_name(nr_cpus_);
    for (std::size_t c = 0; c < nr_cpus_; ++c) {
        by_name[order[c]] = c;
    }
    for (const std::size_t c : by_name) {
        meet(maps.ctx(pair_->pairs().pair_id[c]).cgid);
    }
    for (std::uint32_t i = 0; i < maps.nr_top(); ++i) {
        meet(maps.top_element(i));
    }
    for (const std::size_t c : by_name) {
        const pid curr = world.state().cpu(cpu_at(c)).curr;
        meet(is_task(curr) ? world.state().task(curr).cgroup : no_cgroup);
    }
    // What has not been met: by what its tasks are at.
    const auto rank = [&](std::size_t g) {
        std::uint64_t sum = maps.len(maps.q_idx(cgroup_id{static_cast<std::uint32_t>(g)}));
        for (const task_class& c : classes_) {
            for (const std::size_t t : c.tasks) {
                const task_state& p = world.state().task(pid_at(t));
                sum += c.cgroup != g ? 0
                                     : (p.state != life::unborn ? 64U : 0U) + (p.queued != 0 ? 256U : 0U) +
                                           (p.ops != ops_state::none ? 1024U : 0U);
            }
        }
        return sum;
    };
    auto rest = swappable_;
    std::ranges::stable_sort(rest, std::greater{}, rank);
    for (const std::size_t g : rest) {
        meet(cgroup_id{static_cast<std::uint32_t>(g)});
    }
    for (const std::size_t g : swappable_) {
        r.queues[maps.q_idx(cgroup_id{static_cast<std::uint32_t>(g)})] =
            static_cast<std::uint8_t>(maps.q_idx(cgroup_id{r.cgroups[g]}));
    }
}

/// Meets the tasks of a state in an order that does not depend on their names: those of each CPU, of the DSQs, of the
/// FIFOs. That is not all of them.
template <class Meet>
void symmetry::walk(explored_world& world, const cpu_order& order, Meet meet) const
{
    const machine_state& s = world.state();
    const auto meet_chain = [&](pid first) {
        for (pid p = first; p != idle_pid; p = s.task(p).dsq_next) {
            meet(p);
        }
    };
    for (std::size_t name = 0; name < nr_cpus_; ++name) {
        const auto c = static_cast<std::size_t>(std::ranges::find(order, name) - order.begin());
        const cpu_state& cpu = s.cpu(cpu_at(c));
        meet(cpu.curr);
        for (std::size_t i = 0; i < cpu.depth; ++i) {
            meet(cpu.frames[i].task);
            if (cpu.frames[i].kind == path::schedule) {
                const auto& l = cpu.frames[i].locals<schedule_locals>();
                meet(l.prev);
                meet(l.next);
                meet(l.moving);
            }
        }
        meet_chain(cpu.local.first);
        meet(cpu.wake_first);
        for (const buffered_insert& entry : world.state().insert_buffer(cpu_at(c))) {
            meet(entry.task);
        }
    }
    meet_chain(world.state().global_dsq(node_id{0}).first);
    auto maps = pair_->maps(world.state());
    for (std::uint32_t q = 0; q < nr_cgroups_; ++q) {
        for (std::uint32_t i = 0; i < maps.nr_elements(q); ++i) {
            meet(maps.element(q, i));
        }
    }
}

void symmetry::name_tasks(explored_world& world, const cpu_order& order, relabelling& r) const
{
    const machine_state& s = world.state();
    name_giver names(r.tasks);
    std::array<std::size_t, relabelling::max_ids> nr_given{};
    // A class of a renamed cgroup takes the names of that cgroup's class.
    const auto class_named = [&](std::size_t its) {
        const std::size_t cgroup = classes_[its].cgroup;
        if (r.cgroups[cgroup] == cgroup) {
            return its;
        }
        const auto at = std::ranges::find(classes_, std::size_t{r.cgroups[cgroup]}, &task_class::cgroup);
        return static_cast<std::size_t>(at - classes_.begin());
    };
    const auto meet = [&](pid p) {
        if (is_task(p)) {
            const std::size_t its = class_of_task_[p.value - 1];
            names.give(p.value - 1, classes_[class_named(its)].tasks, nr_given[its]);
        }
    };
    walk(world, order, meet);
    // What has not been met: by what its state says.
    const auto rank = [&](std::size_t t) {
        const task_state& p = s.task(pid_at(t));
        return static_cast<unsigned>(p.state) << 16U | static_cast<unsigned>(p.ops) << 12U |
               static_cast<unsigned>(p.queued) << 8U | (p.state == life::unborn ? 0U : order[p.cpu.value]);
    };
    std::array<std::size_t, relabelling::max_ids> rest{};
    std::iota(rest.begin(), rest.end(), std::size_t{0});
    std::stable_sort(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(nr_tasks_),
                     [&](std::size_t a, std::size_t b) { return rank(a) < rank(b); });
    for (std::size_t i = 0; i < nr_tasks_; ++i) {
        meet(pid_at(rest[i]));
    }
}

/// The orders of the CPUs that put the keys in the lowest sequence: mostly one.
std::vector<const symmetry::cpu_order*> symmetry::candidates(explored_world& world) const
{
    using keys = std::array<std::uint64_t, surroundings::max_cpus>;
    keys own{};
    for (std::size_t c = 0; c < nr_cpus_; ++c) {
        own[c] = key_of(world, cpu_at(c));
    }
    keys lowest{};
    std::vector<const cpu_order*> found;
    for (const cpu_order& o : cpu_orders_) {
        keys k{};
        for (std::size_t c = 0; c < nr_cpus_; ++c) {
            k[o[c]] = own[c];
        }
        if (found.empty() || k < lowest) {
            lowest = k;
            found.clear();
        }
        if (k == lowest) {
            found.push_back(&o);
        }
    }
    return found;
}

relabelling symmetry::canonicalise(explored_world& world)
{
    if (world.state().exit().kind != exit_kind::none) {
        return {}; // an end; nothing follows
    }
    from_ = world.state();
    const surroundings around = world.around();
    surroundings best_around = around;
    relabelling chosen;
    const auto orders = candidates(world);
    for (const cpu_order* o : orders) {
        relabelling r;
        std::ranges::copy(*o, r.cpus.begin());
        world.state() = from_;
        world.around() = around;
        name_cgroups(world, *o, r);
        name_tasks(world, *o, r);
        if (r != relabelling{}) {
            world.relabel(from_, around, r);
        }
        const auto now = world.state().bytes();
        if (o == orders.front() || std::memcmp(now.data(), best_.bytes().data(), now.size()) < 0) {
            chosen = r;
            if (orders.size() == 1) {
                return chosen;
            }
            best_ = world.state();
            best_around = world.around();
        }
    }
    world.state() = best_;
    world.around() = best_around;
    return chosen;
}

action symmetry::renamed(const action& a, const relabelling& r) const
{
    action renamed = a;
    renamed.cpu = r.of(a.cpu);
    renamed.task = r.of(a.task);
    switch (a.what) {
    case action::kind::wake:
    case action::kind::wake_sync:
        renamed.arg = r.of(pid{a.arg}).value;
        break;
    case action::kind::move:
    case action::kind::remove:
        renamed.arg = r.of(cgroup_id{a.arg}).value;
        break;
    case action::kind::batch_expiry:
        renamed.arg = pair_->pairs().pair_id[r.cpus[a.arg]];
        break;
    case action::kind::step:
    case action::kind::ipi:
    case action::kind::slice_end:
    case action::kind::fork:
    case action::kind::timer:
    case action::kind::sleep:
    case action::kind::yield:
    case action::kind::exit:
    case action::kind::arrive:
    case action::kind::leave:
        break;
    }
    return renamed;
}

std::vector<relabelling> symmetry::generators() const
{
    std::vector<relabelling> all;
    for (const task_class& c : classes_) {
        for (std::size_t i = 0; i + 1 < c.tasks.size(); ++i) {
            relabelling r;
            std::swap(r.tasks[c.tasks[i]], r.tasks[c.tasks[i + 1]]);
            all.push_back(r);
        }
    }
    for (std::size_t i = 0; i + 1 < swappable_.size(); ++i) {
        relabelling r;
        std::swap(r.cgroups[swappable_[i]], r.cgroups[swappable_[i + 1]]);
        std::swap(r.queues[swappable_[i]], r.queues[swappable_[i + 1]]);
        const auto& a = std::ranges::find(classes_, swappable_[i], &task_class::cgroup)->tasks;
        const auto& b = std::ranges::find(classes_, swappable_[i + 1], &task_class::cgroup)->tasks;
        for (std::size_t t = 0; t < a.size(); ++t) {
            std::swap(r.tasks[a[t]], r.tasks[b[t]]);
        }
        all.push_back(r);
    }
    for (const cpu_order& o : cpu_orders_) {
        relabelling r;
        std::ranges::copy(o, r.cpus.begin());
        all.push_back(r);
    }
    return all;
}

} // namespace pairsim
