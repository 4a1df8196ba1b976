// SPDX-License-Identifier: GPL-2.0-only
#include "tools/io/trace_config.h"

#include <algorithm>

#include <fmt/format.h>

namespace pairsim {
namespace {

struct number_key {
    const char* key;
    std::uint64_t low;
    std::uint64_t high;
    bool optional = false;
};

constexpr number_key numbers[] = {
    {"hz", 1, 10'000},
    {"slice_ns", 1, std::uint64_t{1} << 62U},
    {"watchdog_ns", 1, std::uint64_t{1} << 62U},
    {"max_queued", 1, 1U << 30U},
    {"max_cgrps", 1, 1U << 28U},
    {"max_top_q", 1, 1U << 30U, true},
    {"ctx_entries", 0, 4096},
};

json mask_json(const cpumask& mask, std::size_t nr_cpus)
{
    json cpus = json::array();
    for (std::size_t i = 0; i < nr_cpus; ++i) {
        if (mask.test(cpu_id{static_cast<std::uint16_t>(i)})) {
            cpus.push_back(i);
        }
    }
    return cpus;
}

bool is_number_list(const json& list, std::uint64_t limit)
{
    return list.is_array() && std::ranges::all_of(list, [&](const json& n) {
               return n.is_number_unsigned() && n.get<std::uint64_t>() < limit;
           });
}

} // namespace

json config_of(const scenario& what, const pair_map& pairs)
{
    json nodes = json::array();
    for (const auto& cpu : what.machine.cpus) {
        nodes.push_back(cpu.node.value);
    }
    json masks = json::array();
    for (const auto& mask : what.work.cpumasks) {
        masks.push_back(mask_json(mask, what.machine.nr_cpus()));
    }
    json config = {{"scheduler", what.scheduler == scheduler_name::pair ? "pair" : "fifo"},
                   {"hz", what.machine.hz},
                   {"slice_ns", what.machine.slice_dfl.count()},
                   {"watchdog_ns", what.machine.watchdog_timeout.count()},
                   {"max_queued", what.pair.max_queued},
                   {"max_cgrps", what.pair.max_cgrps},
                   {"ctx_entries", pairs.ctx_entries},
                   {"duration_ns", what.duration.count()},
                   {"warmup_ns", what.warmup.count()},
                   {"nodes", std::move(nodes)},
                   {"masks", std::move(masks)}};
    if (what.pair.max_top_q != 0) {
        config["max_top_q"] = what.pair.max_top_q;
    }
    return config;
}

std::string problem_of_config(const json& config, std::size_t nr_cpus)
{
    if (!config.is_object()) {
        return "is no object";
    }
    for (const auto& n : numbers) {
        const auto found = config.find(n.key);
        if (found == config.end() && n.optional) {
            continue;
        }
        if (found == config.end() || !found->is_number_unsigned() || found->get<std::uint64_t>() < n.low ||
            found->get<std::uint64_t>() > n.high) {
            return fmt::format("\"{}\" is no whole number from {} to {}", n.key, n.low, n.high);
        }
    }
    for (const char* key : {"duration_ns", "warmup_ns"}) {
        const auto found = config.find(key);
        if (found == config.end() || !found->is_number_unsigned() || found->get<std::uint64_t>() >> 62U != 0) {
            return fmt::format("\"{}\" is no time in nanoseconds", key);
        }
    }
    const auto scheduler = config.find("scheduler");
    if (scheduler == config.end() || (*scheduler != "pair" && *scheduler != "fifo")) {
        return "\"scheduler\" is neither \"pair\" nor \"fifo\"";
    }
    const auto nodes = config.find("nodes");
    if (nodes == config.end() || !is_number_list(*nodes, 1024) || nodes->size() != nr_cpus) {
        return "\"nodes\" is no list of a node for each CPU";
    }
    const auto masks = config.find("masks");
    if (masks == config.end() || !masks->is_array() ||
        !std::ranges::all_of(*masks, [&](const json& mask) { return is_number_list(mask, nr_cpus); })) {
        return "\"masks\" is no list of lists of CPUs";
    }
    return {};
}

void apply_config(const json& config, scenario& what, pair_map& pairs)
{
    what.scheduler = config.at("scheduler") == "pair" ? scheduler_name::pair : scheduler_name::fifo;
    what.machine.hz = config.at("hz").get<std::uint32_t>();
    what.machine.slice_dfl = nanoseconds{config.at("slice_ns").get<std::int64_t>()};
    what.machine.watchdog_timeout = nanoseconds{config.at("watchdog_ns").get<std::int64_t>()};
    what.duration = nanoseconds{config.at("duration_ns").get<std::int64_t>()};
    what.warmup = nanoseconds{config.at("warmup_ns").get<std::int64_t>()};
    what.pair.max_queued = config.at("max_queued").get<std::uint32_t>();
    what.pair.max_cgrps = config.at("max_cgrps").get<std::uint32_t>();
    what.pair.max_top_q = config.value("max_top_q", 0U); // as many as scx_pair has
    pairs.ctx_entries = config.at("ctx_entries").get<std::uint32_t>();
    for (std::size_t i = 0; i < what.machine.nr_cpus(); ++i) {
        what.machine.cpus[i].node = node_id{config.at("nodes")[i].get<std::uint16_t>()};
    }
    for (const json& cpus : config.at("masks")) {
        cpumask mask(what.machine.nr_cpus());
        for (const json& cpu : cpus) {
            mask.set(cpu_id{cpu.get<std::uint16_t>()});
        }
        what.work.cpumasks.push_back(mask);
    }
}

} // namespace pairsim
