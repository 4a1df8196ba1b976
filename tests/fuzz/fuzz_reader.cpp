// SPDX-License-Identifier: GPL-2.0-only
//
// A fuzz target for each reader of files that somebody else may have written; PAIRSIM_FUZZ_READER names the one that
// this program tries. Whatever the bytes are, a reader gives a result or an input_error.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "model/claims.h"
#include "sim/check.h"
#include "tools/import/rtapp.h"
#include "tools/io/input_error.h"
#include "tools/io/own_trace.h"
#include "tools/io/recorded_trace.h"
#include "tools/io/scenario_loader.h"

using namespace pairsim;

namespace {

/// A kernel's trace as text, strict and tolerant, with the claims that watch it.
[[maybe_unused]] void kernel_text(std::string_view text)
{
    for (const bool tolerant : {false, true}) {
        try {
            text_bytes bytes(text);
            line_source lines(bytes, "fuzz");
            cgroup_rules rules;
            rules.add_option("/a=1,a*");
            if (tolerant) {
                rules.add_option("/b=*");
            }
            machine_config machine;
            machine.cpus.resize(recorded_trace::max_cpus);
            const workload work;
            pair_map map;
            map.pairs = {{cpu_id{0}, cpu_id{1}}, {cpu_id{2}, cpu_id{3}}};
            claims watched(machine, work, map);
            recorded_trace trace(lines, rules, {.tolerant = tolerant, .ignored_cgroups = {"/b"}});
            trace.read(watched);
            static_cast<void>(watched.finish(trace.end()));
        } catch (const input_error&) {
        }
    }
}

/// The scanner of canonical lines takes what append_record() writes, and nothing else.
[[maybe_unused]] void scan_lines(std::string_view text)
{
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        trace_record r;
        std::string again;
        if (scan_record(line, r)) {
            append_record(again, r);
            SIM_CHECK(again == std::string(line) + "\n");
        }
    }
}

/// Our own traces: JSON lines or ftrace text, by their beginning.
[[maybe_unused]] void own_text(std::string_view text)
{
    scan_lines(text);
    text_bytes bytes(text);
    line_source lines(bytes, "fuzz");
    const auto trace = open_own_trace(lines);
    if (trace == nullptr) {
        return;
    }
    const trace_world& world = trace->world();
    claims watched(world.what.machine, world.what.work, world.pairs, {.watch = world.shows, .limits = {}});
    trace->read(watched);
    static_cast<void>(watched.finish(trace->end()));
}

[[maybe_unused]] void scenario_text(std::string_view text)
{
    static_cast<void>(read_scenario(parse_json(text, "fuzz"), "fuzz"));
}

[[maybe_unused]] void rtapp_text(std::string_view text)
{
    static_cast<void>(import_rtapp_text(std::string(text), "fuzz", {.name = "fuzz", .cpus = {}, .duration = "1s"}));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    try {
        PAIRSIM_FUZZ_READER(std::string_view(reinterpret_cast<const char*>(data), size));
    } catch (const input_error&) {
    }
    return 0;
}
