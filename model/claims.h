// SPDX-License-Identifier: GPL-2.0-only
//
// What scx_pair promises, watched. A broken promise is a finding with a cause, not an error. Each claim is one small
// class over the shared observed_state; a new one is a member of `claims` and a row of the table in claims.cpp.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "model/cause_finder.h"
#include "model/observed_state.h"
#include "model/pair_config.h"

namespace pairsim {

enum class claim_id : std::uint8_t { exclusive, no_run_beside_preemptor, no_abort, no_lost_task };
inline constexpr std::size_t nr_claims = 4;

struct claim_info {
    claim_id claim;
    std::string_view id;
    std::string_view sentence;
    bool lasts; ///< a violation takes time; else it is an instant
};
std::span<const claim_info> all_claims();

/// One violation. Index 0 of the arrays is the CPU at fault, 1 its partner; no_cpu, idle_pid and no_cgroup where
/// there is none.
struct finding {
    claim_id claim{};
    cause_id cause{}; ///< the first
    sim_time start{};
    sim_time end{};
    std::array<cpu_id, 2> cpus{no_cpu, no_cpu};
    std::array<pid, 2> tasks{};
    std::array<cgroup_id, 2> cgroups{no_cgroup, no_cgroup};

    std::int64_t length_ns() const { return (end - start).count(); }
    friend bool operator==(const finding&, const finding&) = default;
};

/// A violation counts under its first cause; its time goes to each cause for as long as it was the cause.
struct cause_totals {
    std::uint64_t violations = 0;
    std::int64_t total_ns = 0;
    std::int64_t longest_ns = 0; ///< the longest stretch
    finding first;               ///< the first stretch; meaningful if total_ns or violations is not 0
};

struct claim_totals {
    std::uint64_t violations = 0;
    std::int64_t total_ns = 0;
    std::int64_t longest_ns = 0;
    std::array<cause_totals, nr_causes> by_cause{};
};

struct claims_result {
    std::array<claim_totals, nr_claims> claims{};
    std::vector<finding> findings; ///< the first ones, in order of their start
    std::uint64_t findings_left_out = 0;

    const claim_totals& of(claim_id c) const { return claims[static_cast<std::size_t>(c)]; }
    std::uint64_t violations() const;
};

struct claims_options {
    std::size_t max_findings = 1000;
    /// Also violations that last no time: events of one instant in an order that breaks the claim. For drivers
    /// whose steps take no time.
    bool count_instants = false;
    /// The scheduler tries to isolate cgroups. False for a baseline: its violations all have the cause no_isolation.
    bool isolates = true;
};

/// Where claims put what they find.
class findings_log {
public:
    explicit findings_log(claims_options options) : options_(options) {}
    const claims_options& options() const { return options_; }
    /// A stretch of a violation with one cause.
    void add_stretch(const finding& stretch);
    /// The whole violation.
    void add(const finding& violation);
    claims_result finish();

private:
    claims_options options_;
    claims_result result_;
};

/// One claim about pairs that is broken for a time. Follows the violation that each pair is in.
class violation_tracker {
public:
    violation_tracker(claim_id claim, std::size_t nr_pairs) : claim_(claim), open_(nr_pairs) {}
    /// @p now: what is the case from now on, nothing if the claim holds. Unless @p settled, a violation that goes on
    /// keeps its cause: a CPU that has just adopted a cgroup is still about to leave its old task.
    void update(std::uint32_t pair, const std::optional<finding>& now, bool settled, sim_time t, findings_log& log);
    void finish(sim_time end, findings_log& log);

private:
    struct open_violation {
        bool is_open = false;
        bool has_cause = false; ///< some stretch of it took time
        finding whole;
        finding stretch;
    };
    void end_stretch(open_violation& v, sim_time t, findings_log& log);

    claim_id claim_;
    std::vector<open_violation> open_;
};

/// At no instant do both CPUs of a pair run SCX tasks of different cgroups.
class exclusive_claim {
public:
    explicit exclusive_claim(const cause_finder& finder) : finder_(finder) {}
    std::optional<finding> check(const observed_state& state, const observed_pair& pair, sim_time t) const;

private:
    cause_finder finder_;
};

/// While a higher class holds one CPU of a pair, after the kick's wait is over, the other runs no SCX task.
class preemptor_claim {
public:
    explicit preemptor_claim(const cause_finder& finder) : finder_(finder) {}
    std::optional<finding> check(const observed_state& state, const observed_pair& pair, sim_time t) const;

private:
    cause_finder finder_;
};

/// The scheduler is never ended by an error.
class abort_claim {
public:
    abort_claim(const observed_state& state, const pair_map& pairs, const workload& work, const pair_config& config);
    void on(const trace_record& r, findings_log& log);

private:
    cause_id cause_of(const trace_record& r) const;

    const observed_state& state_;
    std::vector<char> has_no_ctx_; ///< by CPU: its pair's id is too high for pair_ctx
    std::vector<char> cgroup_is_gone_;
    std::int64_t max_queued_;
    std::int64_t max_top_q_;
    bool cgrp_q_full_ = false;
    bool top_q_full_ = false;
};

/// Each enqueued task is dispatched once or still queued; none twice, none lost.
class lost_task_claim {
public:
    lost_task_claim(const observed_state& state, std::size_t nr_tasks) : state_(state), tasks_(nr_tasks + 1) {}
    void on(const trace_record& r, findings_log& log);
    void finish(sim_time end, findings_log& log) const;

private:
    struct entries {
        bool in_hand = false;    ///< ops.enqueue got it; no insert since
        std::int32_t queued = 0; ///< its pids in FIFOs
        sim_time changed{};
    };
    const observed_state& state_;
    std::vector<entries> tasks_;
    bool ended_ = false;
};

class claims final : public trace_sink {
public:
    /// @p machine and @p work must outlive the object.
    claims(const machine_config& machine, const workload& work, const pair_map& pairs, const pair_config& config,
           claims_options options = {});
    claims(const claims&) = delete;
    claims& operator=(const claims&) = delete;

    void on_records(std::span<const trace_record> records) override;
    /// To be called once, after the last record: violations that go on end at @p end.
    claims_result finish(sim_time end);

private:
    observed_state state_;
    findings_log log_;
    exclusive_claim exclusive_;
    preemptor_claim preemptor_;
    abort_claim abort_;
    lost_task_claim lost_task_;
    violation_tracker exclusive_tracker_;
    violation_tracker preemptor_tracker_;
};

} // namespace pairsim
