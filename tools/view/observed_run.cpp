// SPDX-License-Identifier: GPL-2.0-only
#include "tools/view/observed_run.h"

#include <algorithm>
#include <fstream>

#include "tools/io/input_error.h"
#include "tools/io/jsonl.h"
#include "tools/io/runner.h"

namespace pairsim {
namespace {

/// Keeps all records.
class record_store final : public trace_sink {
public:
    explicit record_store(std::vector<trace_record>& into) : into_(into) {}
    void on_records(std::span<const trace_record> records) override
    {
        into_.insert(into_.end(), records.begin(), records.end());
    }

private:
    std::vector<trace_record>& into_;
};

/// The pairing that a trace's header states.
pair_map pairs_from(const trace_header& header)
{
    pair_map map;
    map.pairs = header.pairs;
    map.ctx_entries = header.cpus;
    map.pair_cpu.assign(header.cpus, no_cpu);
    map.pair_id.assign(header.cpus, 0);
    map.in_pair_idx.assign(header.cpus, 0);
    for (const auto& p : header.pairs) {
        map.pair_cpu[p.first.value] = p.second;
        map.pair_cpu[p.second.value] = p.first;
        map.pair_id[p.first.value] = map.pair_id[p.second.value] = p.first.value;
        map.in_pair_idx[p.second.value] = 1;
    }
    return map;
}

std::uint32_t highest_mask(std::span<const trace_record> records)
{
    std::uint32_t highest = 0;
    for (const auto& r : records) {
        highest = r.kind == record_kind::task_new ? std::max(highest, r.b) : highest;
        highest = r.kind == record_kind::task_affinity ? std::max(highest, r.a) : highest;
    }
    return highest;
}

/// The machine and workload of a trace, as far as it shows them.
scenario scenario_from(const trace_header& header, std::span<const trace_record> records)
{
    scenario s;
    s.name = header.scenario;
    for (std::uint32_t i = 0; i < header.cpus; ++i) {
        s.machine.cpus.emplace_back().core = static_cast<std::uint16_t>(i);
    }
    s.machine.tick_offset.resize(header.cpus);
    for (const auto& name : header.cgroups) {
        s.work.cgroups.emplace_back().name = name;
    }
    for (const auto& task : header.tasks) {
        task_spec& known = s.work.tasks.emplace_back();
        known.name = task.name;
        known.cgroup = task.cgroup;
    }
    s.work.cpumasks.assign(highest_mask(records) + 1, cpumask::all(header.cpus));
    return s;
}

/// The first error in the records is how the scheduler ended. Its message is not in a trace.
void note_exit(observed_run& run)
{
    const auto error = std::find_if(run.records.begin(), run.records.end(),
                                    [](const trace_record& r) { return r.kind == record_kind::scx_error; });
    if (error == run.records.end()) {
        return;
    }
    run.exit_kind = "error";
    for (const auto kind :
         {exit_kind::error_bpf, exit_kind::error_stall, exit_kind::hard_lockup, exit_kind::no_progress}) {
        if (error->value == static_cast<std::int64_t>(kind)) {
            run.exit_kind = exit_kind_name(kind);
        }
    }
}

void read_trace(observed_run& run, const std::string& path, const load_options& options)
{
    if (!options.settings.empty() || options.seed) {
        throw input_error({{path, "", "a trace cannot be run again with other settings",
                            "give the scenario instead, or leave out --set and --seed"}});
    }
    file_bytes bytes(path);
    line_source lines(bytes, path);
    jsonl_reader reader(lines);
    trace_record r;
    while (reader.next(r)) {
        if (options.until && r.at.time_since_epoch() > *options.until) {
            break;
        }
        run.records.push_back(r);
    }
    run.from_trace = true;
    note_exit(run);
    run.what = scenario_from(reader.header(), run.records);
    run.pairs = pairs_from(reader.header());
    run.end = run.records.empty() ? sim_time{} : run.records.back().at;
    run.what.duration = length_of(run);
}

void run_now(observed_run& run, const std::string& path, const load_options& options)
{
    run.what = load_scenario(path, options.settings);
    run.what.seed = options.seed.value_or(run.what.seed);
    run.pairs = pairs_of(run.what);
    record_store store(run.records);
    run_options ro;
    ro.analyse = false; // analyse() keeps more findings
    ro.until = options.until;
    ro.sinks.push_back(&store);
    const run_outcome out = run_scenario(run.what, ro);
    run.end = sim_time{out.result.simulated};
    run.exit_kind = out.result.exit.kind;
    run.exit_message = out.result.exit.message;
}

void analyse(observed_run& run)
{
    metrics measured(run.what.machine, run.what.work, run.pairs, sim_time{run.what.warmup});
    claims_options watch = claims_options_of(run.what);
    watch.max_findings = observed_run::max_findings;
    claims watched(run.what.machine, run.what.work, run.pairs, watch);
    measured.on_records(run.records);
    watched.on_records(run.records);
    run.metrics = measured.finish(run.end);
    run.claims = watched.finish(run.end);
}

} // namespace

bool is_trace_file(const std::string& path)
{
    constexpr std::string_view mark = R"({"schema":"pairsim.trace/)";
    std::ifstream in(path, std::ios::binary);
    std::string beginning(mark.size(), '\0');
    in.read(beginning.data(), static_cast<std::streamsize>(beginning.size()));
    return in && beginning == mark;
}

std::unique_ptr<const observed_run> load_run(const std::string& path, const load_options& options)
{
    auto run = std::make_unique<observed_run>();
    if (path != "-" && is_trace_file(path)) {
        read_trace(*run, path, options);
    } else {
        run_now(*run, path, options);
    }
    analyse(*run);
    return run;
}

} // namespace pairsim
