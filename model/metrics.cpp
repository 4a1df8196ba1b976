// SPDX-License-Identifier: GPL-2.0-only
#include "model/metrics.h"

#include <bit>
#include <numeric>

namespace pairsim {

using k = record_kind;

std::string_view idle_cause_name(idle_cause cause)
{
    constexpr std::string_view names[] = {"preempted_partner", "drain", "other_cgroup", "wait_for_tick"};
    return names[static_cast<std::size_t>(cause)];
}

idle_cause cause_of_idle(const observed_state& state, cpu_id cpu, bool own_waits)
{
    const auto i = state.pair_of(cpu);
    const observed_pair pair = i != observed_state::no_pair ? state.pair(i) : observed_pair{};
    const unsigned partner = pair.cpus[0] == cpu ? 1 : 0;
    if (pair_bits::preempted(pair.bits) != 0) {
        return idle_cause::preempted_partner;
    }
    if (pair.draining()) {
        const bool partner_active = (pair_bits::active(pair.bits) >> partner & 1U) != 0;
        return partner_active || state.cpu(pair.cpus[partner]).runs_task() ? idle_cause::drain
                                                                           : idle_cause::wait_for_tick;
    }
    return pair.cgid == no_cgroup || own_waits ? idle_cause::wait_for_tick : idle_cause::other_cgroup;
}

std::int64_t forced_idle::total_ns() const
{
    return std::accumulate(by_cause_ns.begin(), by_cause_ns.end(), std::int64_t{0});
}

forced_idle& forced_idle::operator+=(const forced_idle& other)
{
    for (std::size_t i = 0; i < nr_idle_causes; ++i) {
        by_cause_ns[i] += other.by_cause_ns[i];
    }
    return *this;
}

cpu_metrics& cpu_metrics::operator+=(const cpu_metrics& other)
{
    busy_ns += other.busy_ns;
    idle_ns += other.idle_ns;
    higher_ns += other.higher_ns;
    lost_ns += other.lost_ns;
    forced += other.forced;
    switches += other.switches;
    cgroup_switches += other.cgroup_switches;
    keeps += other.keeps;
    dispatches += other.dispatches;
    kicks_sent += other.kicks_sent;
    kicks_received += other.kicks_received;
    ipis += other.ipis;
    return *this;
}

std::uint32_t jain_per_million(const std::vector<std::int64_t>& times_ns)
{
    __extension__ using u128 = unsigned __int128;
    u128 sum = 0;
    for (const auto t : times_ns) {
        sum += static_cast<std::uint64_t>(t);
    }
    unsigned shift = 0;
    while ((sum >> shift) >= (u128{1} << 52U)) {
        ++shift;
    }
    u128 scaled_sum = 0;
    u128 squares = 0;
    for (const auto t : times_ns) {
        const u128 x = static_cast<std::uint64_t>(t) >> shift;
        scaled_sum += x;
        squares += x * x;
    }
    const u128 divisor = squares * times_ns.size();
    if (divisor == 0) {
        return 0;
    }
    u128 rest = scaled_sum * scaled_sum; // at most the divisor, so one decimal after the other fits
    std::uint32_t quotient = 0;
    for (int digit = 0; digit <= 6; ++digit) {
        quotient = quotient * 10 + static_cast<std::uint32_t>(rest / divisor);
        rest = rest % divisor * 10;
    }
    return quotient;
}

void metrics::presence::change(bool up, sim_time t)
{
    before_ns = at(t);
    since = t;
    n += up ? 1U : 0U - 1U;
}

metrics::metrics(const machine_config& machine, const workload& work, const pair_map& pairs, sim_time warmup)
    : nr_cgroups_(work.cgroups.size()), warmup_(warmup), state_(machine.nr_cpus(), work.tasks.size(), pairs),
      cpus_(machine.nr_cpus()), pairs_(pairs.pairs.size()), pair_since_(pairs.pairs.size()), latency_(nr_cgroups_),
      task_latency_(work.tasks.size()), wait_from_(work.tasks.size() + 1), waiting_in_(nr_cgroups_)
{
    bool any = false;
    for (const auto& mask : work.cpumasks) {
        auto& cpus = restricted_masks_.emplace_back();
        mask_is_restricted_.push_back(static_cast<char>(mask.weight() < machine.nr_cpus()));
        for (std::size_t i = 0; mask_is_restricted_.back() != 0 && i < machine.nr_cpus(); ++i) {
            const cpu_id cpu{static_cast<std::uint16_t>(i)};
            if (mask.test(cpu)) {
                cpus.push_back(cpu);
            }
        }
        any = any || mask_is_restricted_.back() != 0;
    }
    if (work.cpumasks.empty()) { // then tasks may run anywhere
        restricted_masks_.emplace_back();
        mask_is_restricted_.push_back(0);
    }
    if (any) {
        restricted_in_.resize(machine.nr_cpus() * nr_cgroups_);
    }
    result_.cgroups.resize(nr_cgroups_);
    result_.tasks.resize(work.tasks.size());
    result_.cpus.resize(machine.nr_cpus());
    result_.pairs.resize(pairs.pairs.size());
}

void metrics::on_records(std::span<const trace_record> records)
{
    for (const auto& r : records) {
        if (!warm_ && r.at >= warmup_) {
            begin_window(warmup_);
        }
        on(r);
    }
}

/// Forgets what was counted so far; what goes on (batches, waits) keeps its beginning.
void metrics::begin_window(sim_time t)
{
    account_all(t);
    warm_ = true;
    result_.from = t;
    for (auto& c : result_.cgroups) {
        c = {};
    }
    for (std::size_t i = 0; i < result_.tasks.size(); ++i) {
        result_.tasks[i] = {};
        const auto& task = state_.task(pid{static_cast<std::uint32_t>(i + 1)});
        if (task.state == observed_task_state::waiting || task.state == observed_task_state::running) {
            result_.cgroups[task.cgroup.value].had_work = true;
        }
        wait_from_[i + 1] = std::max(wait_from_[i + 1], t);
    }
    result_.cpus.assign(result_.cpus.size(), {});
    noted_.clear();
    for (auto& p : result_.pairs) {
        p = {};
    }
    for (auto* histograms : {&latency_, &task_latency_}) {
        for (auto& h : *histograms) {
            h = {};
        }
    }
    for (auto& p : pairs_) {
        p.batch = p.drain = {};
    }
}

void metrics::on(const trace_record& r)
{
    switch (subject_of(r.kind)) {
    case record_subject::cpu:
        if (r.kind == k::sched_switch) {
            return on_task_record(r);
        }
        result_.cpus[r.cpu.value].keeps +=
            r.kind == k::keep_prev && static_cast<keep_reason>(r.reason) == keep_reason::refilled ? 1U : 0U;
        break;
    case record_subject::target:
        if (r.kind == k::kick) {
            ++result_.cpus[r.cpu.value].kicks_sent;
            ++result_.cpus[r.a].kicks_received;
        }
        break;
    case record_subject::pair:
        return on_pair_record(r);
    case record_subject::running_task:
        return on_task_record(r);
    case record_subject::none:
        if (r.kind == k::sched_wakeup || r.kind == k::sched_wakeup_new || r.kind == k::task_new ||
            r.kind == k::task_exit || r.kind == k::task_affinity) {
            return on_task_record(r);
        }
        if (r.kind == k::dispatch) {
            ++result_.cpus[r.cpu.value].dispatches;
        } else if (r.kind == k::ipi) {
            ++result_.cpus[r.cpu.value].ipis;
        } else if (r.kind == k::lost_time) {
            result_.cpus[r.cpu.value].lost_ns += r.value;
        }
        break;
    }
    state_.apply(r);
}

/// Records that change who waits or who runs.
void metrics::on_task_record(const trace_record& r)
{
    const bool is_switch = r.kind == k::sched_switch;
    const pid first = r.task;
    const pid second = is_switch ? pid{r.a} : idle_pid;
    const bool first_is_task = is_task(first);
    const cpu_id ran_on = is_switch ? r.cpu : state_.task(first).cpu;
    if (ran_on != no_cpu) {
        account_around(ran_on, r.at);
    }
    if (is_switch) {
        on_switch_in(r);
    }
    if (first_is_task) {
        leave_waiting(first, r.at);
    }
    if (is_task(second)) {
        leave_waiting(second, r.at);
    }
    const bool was_waiting = first_is_task && state_.task(first).state == observed_task_state::waiting;
    state_.apply(r);
    if (first_is_task) {
        enter_waiting(first, r.at);
    }
    if (is_task(second)) {
        enter_waiting(second, r.at);
    }
    if (ran_on != no_cpu) {
        mark_around(ran_on, r.at);
    }
    if (!is_switch && !was_waiting && state_.task(first).state == observed_task_state::waiting) {
        const bool queued = static_cast<wake_path>(r.reason) == wake_path::queued;
        auto& c = result_.cgroups[state_.task(first).cgroup.value];
        (queued ? c.wakeups_queued : c.wakeups_direct) += 1;
        ++result_.tasks[first.value - 1].wakeups;
    }
}

/// Many at a time: the histograms of all tasks are more than caches hold, and so their memory is waited for at once.
void metrics::enter_latencies()
{
    for (const noted_latency& l : noted_) {
        latency_[l.cgroup.value].add(l.waited_ns);
        task_latency_[l.task.value - 1].add(l.waited_ns);
    }
    noted_.clear();
}

/// Counts a switch and closes the wait of the task that comes in. Before the state changes.
void metrics::on_switch_in(const trace_record& r)
{
    auto& cpu = result_.cpus[r.cpu.value];
    ++cpu.switches;
    if (!is_task(r.task)) {
        return;
    }
    const auto& task = state_.task(r.task);
    auto& cgroup = result_.cgroups[task.cgroup.value];
    ++cgroup.switches;
    cgroup.had_work = true;
    ++result_.tasks[r.task.value - 1].switches;
    auto& last = cpus_[r.cpu.value].last_cgroup;
    cpu.cgroup_switches += last != no_cgroup && last != task.cgroup ? 1U : 0U;
    last = task.cgroup;
    if (task.state == observed_task_state::waiting) {
        const std::int64_t waited = (r.at - task.since).count();
        auto& of_task = result_.tasks[r.task.value - 1];
        of_task.longest_wait_ns = std::max(of_task.longest_wait_ns, waited);
        cgroup.longest_wait_ns = std::max(cgroup.longest_wait_ns, waited);
        if (task.woken) {
            noted_.push_back({task.cgroup, r.task, waited});
            if (noted_.size() == max_noted) {
                enter_latencies();
            }
        }
    }
}

void metrics::on_pair_record(const trace_record& r)
{
    const auto i = state_.touched_pair(r);
    if (i == observed_state::no_pair) {
        return state_.apply(r);
    }
    const auto before = state_.pair(i).cgid;
    const bool changes = before.value != r.task.value || state_.pair(i).bits != r.b; // else time goes where it went
    const cpu_id cpu = state_.pair(i).cpus[0];
    if (changes) {
        account_around(cpu, r.at);
    }
    state_.apply(r);
    if (changes) {
        mark_around(cpu, r.at);
    }

    pair_account& account = pairs_[i];
    pair_metrics& result = result_.pairs[i];
    if (r.kind == k::pair_adopt) {
        ++result.adoptions;
        result.cgroup_changes += before != state_.pair(i).cgid && before != no_cgroup ? 1U : 0U;
        if (account.adopted_at != never) {
            account.batch.add((r.at - account.adopted_at).count());
        }
        if (account.draining_since != never) {
            account.drain.add((r.at - account.draining_since).count());
        }
        account.adopted_at = r.at;
    }
    result.waits += r.kind == k::pair_wait ? 1U : 0U;
    if (!state_.pair(i).draining()) {
        account.draining_since = never;
    } else if (account.draining_since == never) {
        account.draining_since = r.at;
    }
}

// ---- who waits ----------------------------------------------------------------------------------------------------

void metrics::leave_waiting(pid p, sim_time t)
{
    const auto& task = state_.task(p);
    if (task.state != observed_task_state::waiting) {
        return;
    }
    const std::int64_t waited = (t - wait_from_[p.value]).count();
    result_.tasks[p.value - 1].waiting_ns += waited;
    result_.cgroups[task.cgroup.value].waiting_ns += waited;
    count_waiting(task, false, t);
}

void metrics::enter_waiting(pid p, sim_time t)
{
    const auto& task = state_.task(p);
    if (task.state != observed_task_state::waiting) {
        return;
    }
    wait_from_[p.value] = t;
    result_.cgroups[task.cgroup.value].had_work = true;
    count_waiting(task, true, t);
}

void metrics::count_waiting(const observed_task& task, bool up, sim_time t)
{
    if (mask_is_restricted_[task.mask] == 0) {
        waiting_.change(up, t);
        waiting_in_[task.cgroup.value].change(up, t);
        return;
    }
    for (const cpu_id cpu : restricted_masks_[task.mask]) {
        account_around(cpu, t);
        const std::uint32_t step = up ? 1U : 0U - 1U;
        cpus_[cpu.value].restricted += step;
        restricted_of(cpu, task.cgroup) += step;
        mark_around(cpu, t);
    }
}

std::uint32_t& metrics::restricted_of(cpu_id cpu, cgroup_id cgroup)
{
    return restricted_in_[cpu.value * nr_cgroups_ + cgroup.value];
}

// ---- where time goes ----------------------------------------------------------------------------------------------

void metrics::account_around(cpu_id cpu, sim_time t)
{
    const auto i = state_.pair_of(cpu);
    if (i == observed_state::no_pair) {
        return account_cpu(cpu, t);
    }
    account_pair(i, t);
    account_cpu(state_.pair(i).cpus[0], t);
    account_cpu(state_.pair(i).cpus[1], t);
}

void metrics::mark_around(cpu_id cpu, sim_time t)
{
    const auto i = state_.pair_of(cpu);
    if (i == observed_state::no_pair) {
        return mark_cpu(cpu, t);
    }
    mark_cpu(state_.pair(i).cpus[0], t);
    mark_cpu(state_.pair(i).cpus[1], t);
}

void metrics::account_cpu(cpu_id cpu, sim_time t)
{
    cpu_account& account = cpus_[cpu.value];
    cpu_metrics& result = result_.cpus[cpu.value];
    const auto& now = state_.cpu(cpu);
    const std::int64_t spent = (t - account.since).count();
    if (spent == 0) {
        return;
    }
    if (now.runs_task()) {
        result.busy_ns += spent;
        result_.cgroups[now.cgroup.value].cpu_time_ns += spent;
        result_.tasks[now.current.value - 1].cpu_time_ns += spent;
    } else if (is_higher(now.current)) {
        result.higher_ns += spent;
    } else {
        result.idle_ns += spent;
        account_idle(cpu, t);
    }
    mark_cpu(cpu, t);
}

void metrics::account_idle(cpu_id cpu, sim_time t)
{
    const cpu_account& account = cpus_[cpu.value];
    const std::int64_t spent = (t - account.since).count();
    const std::int64_t anyone = account.restricted != 0 ? spent : waiting_.at(t) - account.anyone_ns;
    if (anyone == 0) {
        return;
    }
    const auto i = state_.pair_of(cpu);
    const auto cgid = i != observed_state::no_pair ? state_.pair(i).cgid : no_cgroup;
    std::int64_t own = 0;
    if (cgid != no_cgroup) {
        const bool pinned = account.restricted != 0 && restricted_of(cpu, cgid) != 0;
        own = pinned ? spent : waiting_in_[cgid.value].at(t) - account.own_ns;
    }
    forced_idle forced;
    forced[cause_of_idle(state_, cpu, true)] += own;
    forced[cause_of_idle(state_, cpu, false)] += anyone - own;
    result_.cpus[cpu.value].forced += forced;
    if (i != observed_state::no_pair) {
        result_.pairs[i].forced += forced;
    }
}

void metrics::account_pair(std::uint32_t pair, sim_time t)
{
    const auto& p = state_.pair(pair);
    const auto& first = state_.cpu(p.cpus[0]);
    const auto& second = state_.cpu(p.cpus[1]);
    const std::int64_t spent = (t - pair_since_[pair]).count();
    pair_since_[pair] = t;
    if (first.runs_task() && second.runs_task()) {
        (first.cgroup == second.cgroup ? result_.pairs[pair].shared_ns : result_.pairs[pair].co_run_ns) += spent;
    } else if (first.runs_task() || second.runs_task()) {
        result_.pairs[pair].alone_ns += spent;
    }
}

void metrics::mark_cpu(cpu_id cpu, sim_time t)
{
    cpu_account& account = cpus_[cpu.value];
    account.since = t;
    if (state_.cpu(cpu).current != idle_pid) {
        return;
    }
    account.anyone_ns = waiting_.at(t);
    const auto i = state_.pair_of(cpu);
    const auto cgid = i != observed_state::no_pair ? state_.pair(i).cgid : no_cgroup;
    account.own_ns = cgid != no_cgroup ? waiting_in_[cgid.value].at(t) : 0;
}

void metrics::account_all(sim_time t)
{
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
        account_pair(static_cast<std::uint32_t>(i), t);
    }
    for (std::size_t i = 0; i < cpus_.size(); ++i) {
        account_cpu(cpu_id{static_cast<std::uint16_t>(i)}, t);
    }
}

metrics_result metrics::finish(sim_time end)
{
    if (!warm_) {
        begin_window(std::min(warmup_, end));
    }
    account_all(end);
    enter_latencies();
    for (std::size_t i = 0; i < result_.tasks.size(); ++i) {
        const pid p{static_cast<std::uint32_t>(i + 1)};
        const auto& task = state_.task(p);
        if (task.state == observed_task_state::waiting) {
            const std::int64_t waited = (end - task.since).count();
            auto& cgroup = result_.cgroups[task.cgroup.value];
            result_.tasks[i].longest_wait_ns = std::max(result_.tasks[i].longest_wait_ns, waited);
            cgroup.longest_wait_ns = std::max(cgroup.longest_wait_ns, waited);
            leave_waiting(p, end);
        }
        result_.tasks[i].wakeup_latency = task_latency_[i].summary();
    }
    result_.to = end;
    histogram total;
    std::vector<std::int64_t> times;
    for (std::size_t i = 0; i < nr_cgroups_; ++i) {
        auto& c = result_.cgroups[i];
        c.wakeup_latency = latency_[i].summary();
        total.merge(latency_[i]);
        result_.wakeups_direct += c.wakeups_direct;
        result_.wakeups_queued += c.wakeups_queued;
        if (c.had_work) {
            times.push_back(c.cpu_time_ns);
        }
    }
    result_.wakeup_latency = total.summary();
    result_.jain_per_million = jain_per_million(times);
    for (const auto& c : result_.cpus) {
        result_.machine += c;
    }
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
        result_.pairs[i].cpus = {state_.pair(static_cast<std::uint32_t>(i)).cpus[0],
                                 state_.pair(static_cast<std::uint32_t>(i)).cpus[1]};
        result_.pairs[i].batch = pairs_[i].batch.summary();
        result_.pairs[i].drain = pairs_[i].drain.summary();
    }
    return result_;
}

} // namespace pairsim
