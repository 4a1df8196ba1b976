// SPDX-License-Identifier: GPL-2.0-only
//
// What claims are and what they find: ids, findings, totals, and the log that collects them.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "model/cause_id.h"
#include "sim/ids.h"
#include "sim/time.h"

namespace pairsim {

// clang-format off
enum class claim_id : std::uint8_t {
    exclusive, no_run_beside_preemptor, no_abort, no_lost_task, top_q_covers, drain_bounded, no_starvation,
    work_conserving, counters_add_up,
};
// clang-format on
inline constexpr std::size_t nr_claims = 9;

/// A set of claims.
class claim_set {
public:
    static constexpr claim_set all() { return claim_set((1U << nr_claims) - 1U); }
    constexpr bool has(claim_id c) const { return (bits_ >> static_cast<unsigned>(c) & 1U) != 0; }
    constexpr claim_set without(claim_id c) const { return claim_set(bits_ & ~(1U << static_cast<unsigned>(c))); }
    friend bool operator==(claim_set, claim_set) = default;

private:
    constexpr explicit claim_set(std::uint32_t bits) : bits_(bits) {}
    std::uint32_t bits_;
};

struct claim_info {
    claim_id claim;
    std::string_view id;
    std::string_view sentence;
    bool lasts;    ///< a violation takes time; else it is an instant
    bool of_pairs; ///< a violation is one pair's
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
    claim_set watched = claim_set::all(); ///< what nobody watched has no violations, and that means nothing
    std::array<claim_totals, nr_claims> claims{};
    std::vector<finding> findings; ///< the first ones, in order of their start
    std::uint64_t findings_left_out = 0;

    const claim_totals& of(claim_id c) const { return claims[static_cast<std::size_t>(c)]; }
    std::uint64_t violations() const;
};

/// The bounds that claims state. Zero: the default, which depends on the machine (default_limits()).
struct claim_limits {
    nanoseconds drain{};      ///< `drain-bounded`
    nanoseconds starvation{}; ///< `no-starvation`
    nanoseconds idle{};       ///< `work-conserving`
    friend bool operator==(const claim_limits&, const claim_limits&) = default;
};

struct claims_options {
    claim_set watch = claim_set::all(); ///< those that the trace can show
    claim_limits limits{};
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
    /// A whole violation that had one cause from its beginning to its end.
    void add_of_one_stretch(const finding& violation);
    claims_result finish();

private:
    claims_options options_;
    claims_result result_;
};

} // namespace pairsim
