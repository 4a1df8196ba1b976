// SPDX-License-Identifier: GPL-2.0-only
#include "tools/validate/measured_case.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include <fmt/format.h>

#include "tools/io/json_cursor.h"

namespace pairsim {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t ns_per_ms = 1'000'000;

/// Names of the counters in run-N.json, in pair_counter's order.
constexpr std::array<const char*, nr_pair_counters> counter_keys{"total",       "dispatched", "missing",   "kicks",
                                                                 "preemptions", "exps",       "exp_waits", "exp_empty",
                                                                 "cgrp_next",   "cgrp_coll",  "cgrp_empty"};

const json empty_object = json::object();

/// A member that the measurement leaves out where it is zero.
const json& member_or(const json& from, const char* key, const json& otherwise)
{
    const auto found = from.find(key);
    return found == from.end() || found->is_null() ? otherwise : *found;
}

std::int64_t integer_at(const json& from, const char* key)
{
    return member_or(from, key, 0).get<std::int64_t>();
}

void read_measures(const json& root, run_numbers& seen)
{
    const json& counters = root.at("counters_delta");
    for (std::size_t i = 0; i < nr_pair_counters; ++i) {
        seen.counters[i] = integer_at(counters, counter_keys[i]);
    }
    for (const auto& [cgroup, cpus] : root.at("cpu_time_ns_by_cgroup_per_cpu").items()) {
        for (const json& ns : cpus) {
            seen.cpu_ns[cgroup] += ns.get<std::int64_t>();
        }
    }
    const json& user = root.at("violation").at("user");
    seen.violation_ns = integer_at(user, "total_ns");
    seen.violations = integer_at(member_or(user, "stats", empty_object), "n");
    for (const auto& [cause, totals] : member_or(user, "by_cause", empty_object).items()) {
        seen.violation_causes[cause] = integer_at(totals, "ns");
    }
    for (const auto& [kind, ns] : member_or(root, "forced_idle_ns", empty_object).items()) {
        seen.forced_idle_ns[kind] = ns.get<std::int64_t>();
    }
    for (const json& n : root.at("pair_cgroup_changes")) {
        seen.cgroup_changes += n.get<std::int64_t>();
    }
    const json& work = member_or(root.at("wakeups"), "work", empty_object);
    seen.wakeups_direct = integer_at(work, "direct_local");
    seen.wakeups_queued = integer_at(work, "bpf_queued");
}

measured_run read_run(const std::string& file, std::uint32_t nr_cpus)
{
    constexpr std::int64_t unloaded = 64;
    const json root = read_json(file);
    try {
        measured_run run;
        run.path = file.substr(0, file.size() - std::string_view(".json").size());
        run.seen.label = fmt::format("run {}", root.at("run").get<int>());
        run.seen.window_ns = root.at("window_ns").get<std::int64_t>();
        run.seen.only_exit = integer_at(root, "scx_exited_before_window") != 0;
        read_measures(root, run.seen);
        if (integer_at(root, "uei_kind") != unloaded) {
            run.seen.exit = without_numbers(
                fmt::format("{}: {}", root.at("uei_reason").get<std::string>(), root.at("uei_msg").get<std::string>()));
        }
        const json& harness = member_or(root.at("cpu_time_ns_by_cgroup_per_cpu"), "harness", empty_object);
        if (harness.is_array() && !harness.empty()) {
            const auto most = std::max_element(harness.begin(), harness.end());
            run.harness_cpu = static_cast<std::uint32_t>(most - harness.begin());
        }
        const json& info = member_or(root, "info", empty_object);
        run.plain_kernel = member_or(info, "image", "").get<std::string>().find("orig") != std::string::npos;
        const json& lost = member_or(info, "vcpu_host_rundelay_ms_window", empty_object);
        const double window = static_cast<double>(root.at("window_full_ns").get<std::int64_t>());
        for (std::uint32_t cpu = 0; cpu < nr_cpus; ++cpu) {
            const double ms = member_or(lost, std::to_string(cpu).c_str(), 0.0).get<double>();
            run.lost_share.push_back(std::clamp(ms * static_cast<double>(ns_per_ms) / window, 0.0, 0.95));
        }
        return run;
    } catch (const json::exception& e) {
        throw input_error({{file, "", fmt::format("it is no record of a run ({})", e.what()),
                            "it must be as the measuring program wrote it"}});
    }
}

void read_case_file(const std::string& file, measured_case& c)
{
    const json root = read_json(file);
    std::vector<problem> problems;
    try {
        c.name = root.at("name").get<std::string>();
        c.nr_cpus = root.at("smp").get<std::uint32_t>();
        c.hz = root.at("HZ").get<std::uint32_t>();
        c.stride = root.at("stride").get<std::uint32_t>();
        c.batch = nanoseconds{root.at("batch_dur_ns").get<std::int64_t>()};
        c.window = nanoseconds{root.at("duration_ms").get<std::int64_t>() * ns_per_ms};
        c.pairs = root.at("pairs").get<std::vector<std::array<std::uint32_t, 2>>>();
        std::size_t n = 0;
        for (const json& line : root.at("spec_lines")) {
            const auto wrong = apply_spec_line(c, line.get<std::string>());
            if (!wrong.empty()) {
                problems.push_back({file, fmt::format("/spec_lines/{}", n), wrong,
                                    "this pairsim knows the lines that docs/how-to/validate.md lists"});
            }
            ++n;
        }
    } catch (const json::exception& e) {
        problems.push_back(
            {file, "", fmt::format("it is no case ({})", e.what()), "it must be as the measuring program wrote it"});
    }
    if (!problems.empty()) {
        throw input_error(std::move(problems));
    }
}

} // namespace

measured_case load_case(const std::string& folder)
{
    measured_case c;
    c.folder = folder;
    read_case_file((fs::path(folder) / "case.json").string(), c);
    for (int n = 1; fs::exists(fs::path(folder) / fmt::format("run-{}.json", n)); ++n) {
        c.runs.push_back(read_run((fs::path(folder) / fmt::format("run-{}.json", n)).string(), c.nr_cpus));
    }
    if (c.runs.empty()) {
        throw input_error({{folder, "", "the case has no run", "put a run-1.json beside case.json"}});
    }
    return c;
}

std::vector<std::string> find_cases(const std::vector<std::string>& paths)
{
    std::vector<std::string> found;
    for (const std::string& path : paths) {
        if (fs::exists(fs::path(path) / "case.json")) {
            found.push_back(path);
            continue;
        }
        const auto before = found.size();
        if (fs::is_directory(path)) {
            for (const auto& entry : fs::directory_iterator(path)) {
                if (fs::exists(entry.path() / "case.json")) {
                    found.push_back(entry.path().string());
                }
            }
        }
        if (found.size() == before) {
            throw input_error({{path, "", "no case.json here or one folder below", "name a folder of measured cases"}});
        }
        std::sort(found.begin() + static_cast<std::ptrdiff_t>(before), found.end());
    }
    return found;
}

std::string without_numbers(std::string_view message)
{
    std::string out;
    for (const char c : message) {
        if (std::isdigit(static_cast<unsigned char>(c)) == 0) {
            out += c;
        } else if (out.empty() || out.back() != 'N') {
            out += 'N';
        }
    }
    return out;
}

} // namespace pairsim
