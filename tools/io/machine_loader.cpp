// SPDX-License-Identifier: GPL-2.0-only
//
// The machine of a scenario: inline, from a file, or inline on top of a file.
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "tools/io/embedded.h"
#include "tools/io/scenario_parts.h"
#include "tools/io/schema_check.h"

namespace pairsim {

namespace {

namespace fs = std::filesystem;

/// Names of the cost kinds, in the order of the enum.
constexpr std::array<const char*, nr_cost_kinds> cost_names{"none",
                                                            "tick",
                                                            "irq_entry",
                                                            "schedule",
                                                            "context_switch",
                                                            "cgroup_switch",
                                                            "ops_call",
                                                            "bpf_lock",
                                                            "hash_lookup",
                                                            "queue_map_op",
                                                            "atomic_op",
                                                            "pid_lookup",
                                                            "dsq_insert",
                                                            "consume_local",
                                                            "consume_remote",
                                                            "wakeup_select",
                                                            "wakeup_activate",
                                                            "kick_call",
                                                            "irq_work",
                                                            "kick_handler",
                                                            "ipi_latency",
                                                            "preempt_latency",
                                                            "idle_exit",
                                                            "timer_slack",
                                                            "cgroup_offline",
                                                            "disable",
                                                            "lock_handover",
                                                            "pick",
                                                            "syscall",
                                                            "idle_loop",
                                                            "irq_exit"};
static_assert(static_cast<std::size_t>(cost_kind::irq_exit) + 1 == nr_cost_kinds);

/// Which group of a partition of the CPUs each CPU is in.
using groups_of_cpus = std::vector<std::uint16_t>;

class machine_reader {
public:
    explicit machine_reader(loading& context) : context_(context) { use_default_costs(); }

    /// A name, or an object.
    void read(const json_cursor& at)
    {
        if (at.value().is_string()) {
            read_file(at);
            return;
        }
        if (const auto base = at.get("base")) {
            read_file(*base);
        }
        read_object(at);
    }

    machine_config finish(const json_cursor& at)
    {
        if (nr_cpus_ == 0) {
            if (!unreadable_ && !at.failed()) {
                at.fail("the machine has no number of CPUs", R"(add the key "cpus")");
            }
            return m_;
        }
        m_.cpus.assign(nr_cpus_, {});
        place_cpus(at);
        set_tick_offsets();
        if (jitter_at_ && longest(m_.tick_jitter) > tick_period()) {
            jitter_at_->fail("the jitter can be longer than a tick",
                             "a tick lasts " + format_duration(tick_period()) + "; give less");
        }
        if (m_.repaired_kick_wait && m_.profile != kernel_profile::k612) {
            at.fail("only the kernel K612 has a wait to repair", R"(remove "repaired_kick_wait", or choose "K612")");
        }
        return m_;
    }

private:
    nanoseconds tick_period() const { return nanoseconds{std::chrono::seconds{1}} / m_.hz; }

    void read_file(const json_cursor& at)
    {
        const auto name = at.text();
        if (!name || name->empty()) {
            return;
        }
        try {
            auto found = find_file(*name, at);
            if (!found) {
                return;
            }
            context_.documents.push_back(std::move(*found));
        } catch (input_error& error) { // of the machine file's JSON; the scenario has more to say
            for (const problem& p : error.problems()) {
                context_.problems.add(p);
            }
            unreadable_ = true;
            return;
        }
        const input_document& document = context_.documents.back();
        const json_cursor root(document);
        static const schema_checker checker(embedded::scenario_schema, "machine");
        unreadable_ = !checker.check(document);
        if (root.value().is_object() && !root.get("schema")) {
            root.fail(R"(missing key "schema")", R"(add "schema": "pairsim.machine/1")");
        }
        if (const auto base = root.get("base")) {
            base->fail("a machine file that is a base has a base itself", "write out what it takes from there");
        }
        read_object(root);
    }

    std::optional<input_document> find_file(const std::string& name, const json_cursor& at)
    {
        const auto read = [this](const fs::path& file) {
            return input_document{file.string(), read_json(file.string()), &context_.problems};
        };
        if (name.find('/') != std::string::npos || name.ends_with(".json")) {
            const fs::path file = context_.folder / name;
            if (fs::exists(file)) {
                return read(file);
            }
            at.fail("machine file " + quote(file.string()) + " does not exist",
                    "correct the name; it is relative to the folder of the scenario");
            unreadable_ = true;
            return std::nullopt;
        }
        const fs::path here = fs::current_path();
        for (fs::path folder = (here / context_.folder).lexically_normal();; folder = folder.parent_path()) {
            const fs::path file = folder / "machines" / (name + ".json");
            if (fs::exists(file)) {
                return read(file.lexically_proximate(here));
            }
            if (folder == folder.parent_path()) {
                break;
            }
        }
        for (const auto& [built_in, text] :
             {std::pair{"x86-64", embedded::x86_64_machine}, std::pair{"qemu-tcg", embedded::qemu_tcg_machine}}) {
            if (name == built_in) {
                return input_document{name + " (built in)", parse_json(text, name), &context_.problems};
            }
        }
        at.fail(
            "unknown machine " + quote(name),
            fmt::format(
                R"(put it in machines/{}.json beside the scenario or in a folder above; "x86-64", "qemu-tcg" are built in)",
                name));
        unreadable_ = true;
        return std::nullopt;
    }

    void read_object(const json_cursor& at)
    {
        read_into(nr_cpus_, at, "cpus", 1, max_cpus);
        read_into(m_.hz, at, "hz", 1, 10'000);
        read_into(m_.tick_jitter, at, "tick_jitter");
        read_into(m_.watchdog_timeout, at, "watchdog_timeout");
        read_into(m_.hard_lockup_after, at, "hard_lockup_after");
        read_into(m_.dsp_max_loops, at, "dsp_max_loops", 1, 1'000'000);
        topology_at_ = at.get("topology") ? at.get("topology") : topology_at_;
        tick_offset_at_ = at.get("tick_offset") ? at.get("tick_offset") : tick_offset_at_;
        jitter_at_ = at.get("tick_jitter") ? at.get("tick_jitter") : jitter_at_;
        if (const auto host = at.get("host")) {
            context_.host = host;
            read_into(m_.late_timer, *host, "late_timer");
        }
        if (const auto background = at.get("background")) {
            context_.background = background->items();
        }
        read_into(m_.repaired_kick_wait, at, "repaired_kick_wait");
        if (const auto kernel = at.get("kernel")) {
            m_.profile = kernel->value() == "K612"   ? kernel_profile::k612
                         : kernel->value() == "K619" ? kernel_profile::k619
                                                     : kernel_profile::knew;
        }
        if (const auto speed = at.get("smt_speed")) {
            read_speed(*speed);
        }
        if (const auto costs = at.get("costs")) {
            read_costs(*costs);
        }
    }

    void read_speed(const json_cursor& at)
    {
        const double permille = at.number().value_or(1.0) * 1000;
        if (std::fabs(permille - std::round(permille)) > 1e-6) {
            at.fail(at.value().dump() + " is not a multiple of 0.001", "round it to three decimals");
        } else if (permille >= 1 && permille <= 1000) {
            m_.smt_speed_permille = static_cast<std::uint32_t>(std::lround(permille));
        }
    }

    /// Real hardware's: those of the machine that is built in.
    void use_default_costs()
    {
        context_.documents.push_back(
            {"x86-64 (built in)", parse_json(embedded::x86_64_machine, "x86-64"), &context_.problems});
        read_costs(*json_cursor(context_.documents.back()).get("costs"));
    }

    void read_costs(const json_cursor& at)
    {
        const auto preset = at.value().is_string() ? at : at.get("preset");
        if (preset && preset->value() == "none") {
            m_.costs = {};
            m_.cold_cache_curve.clear();
        } else if (preset) {
            use_default_costs();
        }
        const auto cold = at.get("cgroup_switch");
        const auto curve = cold ? cold->get("curve") : std::nullopt;
        for (std::size_t kind = 1; kind < nr_cost_kinds; ++kind) {
            if (static_cast<cost_kind>(kind) != cost_kind::cgroup_switch || !curve) {
                read_into(m_.costs[kind], at, cost_names[kind]);
            }
        }
        if (cold) {
            m_.cold_cache_curve = curve ? read_curve(*curve) : std::vector<cold_cache_point>{};
        }
    }

    static std::vector<cold_cache_point> read_curve(const json_cursor& at)
    {
        std::vector<cold_cache_point> curve;
        for (const json_cursor& element : at.items()) {
            const auto pair = element.items();
            const auto away = pair.size() == 2 ? pair[0].duration() : std::nullopt;
            const auto work = pair.size() == 2 ? pair[1].duration() : std::nullopt;
            if (!away || !work) {
                continue;
            }
            if (!curve.empty() && *away <= curve.back().away) {
                pair[0].fail("the curve's times do not rise", "sort the points, each time once");
            }
            curve.push_back({*away, *work});
        }
        return curve;
    }

    /// The partition of the CPUs that @p at lists; nothing, with a problem, if it is none.
    std::optional<groups_of_cpus> read_groups(const json_cursor& at) const
    {
        constexpr std::uint16_t none = 0xffff;
        groups_of_cpus group_of(nr_cpus_, none);
        std::uint16_t number = 0;
        for (const json_cursor& group : at.items()) {
            for (const cpu_id cpu : read_cpus(group, nr_cpus_)) {
                if (group_of[cpu.value] != none) {
                    group.fail(fmt::format("CPU {} is listed twice", cpu.value), "list each CPU once");
                }
                group_of[cpu.value] = number;
            }
            ++number;
        }
        for (std::size_t cpu = 0; cpu < nr_cpus_ && !at.failed(); ++cpu) {
            if (group_of[cpu] == none) {
                at.fail(fmt::format("CPU {} is not listed", cpu), "list each CPU once");
            }
        }
        return at.failed() ? std::nullopt : std::optional(group_of);
    }

    groups_of_cpus groups_or(std::string_view key, groups_of_cpus otherwise) const
    {
        const auto at = topology_at_ ? topology_at_->get(key) : std::nullopt;
        return at ? read_groups(*at).value_or(std::move(otherwise)) : std::move(otherwise);
    }

    void place_cpus(const json_cursor& at)
    {
        const bool said = topology_at_ && topology_at_->value().is_string();
        const bool smt = said ? topology_at_->value() == "smt" : !topology_at_ && nr_cpus_ % 2 == 0;
        if (smt && nr_cpus_ % 2 != 0) {
            (topology_at_ ? *topology_at_ : at)
                .fail(fmt::format("{} CPUs have no SMT siblings i and i + n/2", nr_cpus_),
                      R"(give an even number of CPUs, or the topology "flat")");
        }
        groups_of_cpus cores(nr_cpus_);
        for (std::uint32_t cpu = 0; cpu < nr_cpus_; ++cpu) {
            cores[cpu] = static_cast<std::uint16_t>(smt ? cpu % (nr_cpus_ / 2 + nr_cpus_ % 2) : cpu);
        }
        cores = groups_or("cores", cores);
        const groups_of_cpus nodes = groups_or("nodes", groups_of_cpus(nr_cpus_, 0));
        const groups_of_cpus llcs = groups_or("llcs", nodes);
        check_nesting("cores", cores, "llcs", llcs);
        check_nesting("llcs", llcs, "nodes", nodes);

        std::vector<std::uint32_t> core_sizes(nr_cpus_);
        m_.smt_active = false;
        for (std::size_t cpu = 0; cpu < nr_cpus_; ++cpu) {
            m_.cpus[cpu] = {cores[cpu], llcs[cpu], node_id{nodes[cpu]}};
            m_.smt_active = m_.smt_active || ++core_sizes[cores[cpu]] > 1;
        }
    }

    void check_nesting(std::string_view inner_key, const groups_of_cpus& inner, std::string_view outer_key,
                       const groups_of_cpus& outer) const
    {
        const auto at = topology_at_ ? topology_at_->get(inner_key) : std::nullopt;
        if (!at || at->failed()) {
            return;
        }
        std::vector<std::optional<std::uint16_t>> outer_of(nr_cpus_);
        for (std::size_t cpu = 0; cpu < nr_cpus_; ++cpu) {
            auto& seen = outer_of[inner[cpu]];
            if (seen && *seen != outer[cpu]) {
                at->fail(fmt::format("element {} lies in two of {}", inner[cpu], quote(outer_key)),
                         "cores lie within last-level caches, and these within nodes");
                return;
            }
            seen = outer[cpu];
        }
    }

    void set_tick_offsets()
    {
        m_.tick_offset.assign(nr_cpus_, nanoseconds{0});
        if (!tick_offset_at_) {
            return;
        }
        if (const auto step = read_step(*tick_offset_at_)) {
            for (std::uint32_t cpu = 0; cpu < nr_cpus_; ++cpu) {
                m_.tick_offset[cpu] = *step * cpu % tick_period();
            }
        }
        const auto offsets = tick_offset_at_->items();
        if (tick_offset_at_->value().is_array() && offsets.size() != nr_cpus_) {
            tick_offset_at_->fail(fmt::format("{} offsets for {} CPUs", offsets.size(), nr_cpus_),
                                  "give one for each CPU");
            return;
        }
        for (std::size_t cpu = 0; cpu < offsets.size(); ++cpu) {
            m_.tick_offset[cpu] = offsets[cpu].duration().value_or(nanoseconds{0});
            if (m_.tick_offset[cpu] >= tick_period()) {
                offsets[cpu].fail("the offset is not below one tick",
                                  "a tick lasts " + format_duration(tick_period()) + "; give less");
            }
        }
    }

    loading& context_;
    machine_config m_;
    std::uint32_t nr_cpus_ = 0;
    bool unreadable_ = false;                ///< a problem with a machine file has been reported
    std::optional<json_cursor> topology_at_; ///< these make sense only when the number of CPUs is known
    std::optional<json_cursor> tick_offset_at_;
    std::optional<json_cursor> jitter_at_;
};

} // namespace

machine_config read_machine(const json_cursor& at, loading& context)
{
    machine_reader reader(context);
    reader.read(at);
    return reader.finish(at);
}

} // namespace pairsim
