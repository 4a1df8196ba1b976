// SPDX-License-Identifier: GPL-2.0-only
#include <memory>
#include <variant>

#include <fmt/format.h>

#include "model/pair_map.h"
#include "tools/cli/commands.h"
#include "tools/io/dot.h"
#include "tools/io/input_error.h"
#include "tools/io/strict_json.h"

namespace pairsim::cli {
namespace {

struct options {
    std::uint32_t cpus = 0;
    std::uint32_t stride = 0;
    bool as_json = false;
    bool as_dot = false;
};

void print_json(const pair_map& map)
{
    json pairs = json::array();
    for (const auto& p : map.pairs) {
        pairs.push_back({{"id", p.first.value},
                         {"cpus", {p.first.value, p.second.value}},
                         {"has_pair_ctx", p.first.value < map.ctx_entries}});
    }
    const json out = {{"pair_ctx_entries", map.ctx_entries}, {"pairs", pairs}};
    fmt::print("{}\n", out.dump(2));
}

/// The loader's own line, and what it does not say: which pairs will fail at their first dispatch.
void print_text(const pair_map& map)
{
    fmt::print("Pairs:");
    for (const auto& p : map.pairs) {
        fmt::print(" [{}, {}]", p.first.value, p.second.value);
    }
    fmt::print("\n");
    for (const auto& p : map.pairs) {
        if (p.first.value >= map.ctx_entries) {
            fmt::print("pair [{}, {}]: its id {} is not in the pair_ctx map, which has {} entries; the first dispatch "
                       "there ends the scheduler\n",
                       p.first.value, p.second.value, p.first.value, map.ctx_entries);
        }
    }
}

void run_pairs(const options& o)
{
    const auto made = make_pair_map(o.cpus, o.stride, false);
    if (const auto* reason = std::get_if<std::string>(&made)) {
        throw input_error({{"pairsim pairs", "", *reason,
                            "a stride pairs CPU i with CPU i + stride; half of the CPUs, the default, always works"}});
    }
    const auto& map = std::get<pair_map>(made);
    if (o.as_json) {
        print_json(map);
    } else if (o.as_dot) {
        fmt::print("{}", pairing_dot(map));
    } else {
        print_text(map);
    }
}

} // namespace

void add_pairs(CLI::App& app, int& /*code*/)
{
    constexpr std::uint32_t most = 4096;
    CLI::App* command = app.add_subcommand("pairs", "Show how a machine's CPUs are paired, or why a stride is refused");
    const auto o = std::make_shared<options>();
    command->add_option("CPUS", o->cpus, "number of CPUs")->required()->check(CLI::Range(1U, most));
    command->add_option("-S,--stride", o->stride, "distance of the CPUs of a pair (default: half of the CPUs)")
        ->check(CLI::Range(1U, most));
    CLI::Option* as_json = command->add_flag("--json", o->as_json, "print JSON");
    command->add_flag("--dot", o->as_dot, "print a graph in the DOT language")->excludes(as_json);
    command->footer("Example: pairsim pairs 8 --stride 4");
    command->callback([o] { run_pairs(*o); });
}

} // namespace pairsim::cli
