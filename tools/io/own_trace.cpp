// SPDX-License-Identifier: GPL-2.0-only
#include "tools/io/own_trace.h"

#include <vector>

#include <fmt/format.h>

#include "tools/io/ftrace_text.h"
#include "tools/io/input_error.h"
#include "tools/io/runner.h"
#include "tools/io/trace_config.h"

namespace pairsim {
namespace {

template <class Reader>
class trace_of final : public own_trace {
public:
    trace_of(line_source& lines, const char* format) : reader_(lines), format_(format)
    {
        world_ = world_of(reader_.header());
    }
    const trace_header& header() const override { return reader_.header(); }
    std::string format() const override { return format_; }
    bool next(trace_record& r) override { return reader_.next(r); }

private:
    Reader reader_;
    const char* format_;
};

} // namespace

trace_world world_of(const trace_header& header)
{
    trace_world world;
    scenario& s = world.what;
    s.name = header.scenario;
    s.machine.cpus.resize(header.cpus);
    for (const auto& name : header.cgroups) {
        s.work.cgroups.push_back({.name = name});
    }
    for (const auto& t : header.tasks) {
        s.work.tasks.push_back({.name = t.name, .cgroup = t.cgroup, .program = {}});
    }
    pair_map& map = world.pairs;
    map.pairs = header.pairs;
    map.pair_cpu.resize(header.cpus);
    map.pair_id.resize(header.cpus);
    map.in_pair_idx.resize(header.cpus);
    map.ctx_entries = header.cpus;
    for (const auto& p : header.pairs) {
        map.pair_cpu[p.first.value] = p.second;
        map.pair_cpu[p.second.value] = p.first;
        map.pair_id[p.first.value] = map.pair_id[p.second.value] = p.first.value;
        map.in_pair_idx[p.second.value] = 1;
    }
    if (!header.config.is_null()) {
        apply_config(header.config, s, map);
    }
    world.shows = shown_by(s).without(claim_id::counters_add_up); // the counters are not in the trace
    return world;
}

static bool ends_run(const trace_record& r)
{
    return r.kind == record_kind::scx_exit || r.kind == record_kind::hard_lockup ||
           (r.kind == record_kind::scx_error && r.value == static_cast<std::int64_t>(exit_kind::no_progress));
}

std::uint64_t own_trace::read(trace_sink& sink)
{
    constexpr std::size_t batch_size = 1024;
    std::vector<trace_record> batch;
    batch.reserve(batch_size);
    std::uint64_t n = 0;
    end_ = sim_time{world_.what.duration};
    for (trace_record r; next(r); ++n) {
        batch.push_back(r);
        if (batch.size() == batch_size) {
            sink.on_records(batch);
            batch.clear();
        }
        if (r.at > end_ || ends_run(r)) {
            end_ = r.at;
        }
    }
    sink.on_records(batch);
    return n;
}

std::unique_ptr<own_trace> open_own_trace(line_source& lines)
{
    const std::string_view head = lines.head();
    if (head.starts_with(R"({"schema":"pairsim.trace/)")) {
        return std::make_unique<trace_of<jsonl_reader>>(lines, "JSON lines");
    }
    if (head.starts_with(ftrace_heading)) {
        return std::make_unique<trace_of<ftrace_reader>>(lines, "ftrace text of pairsim");
    }
    return nullptr;
}

} // namespace pairsim
