// SPDX-License-Identifier: GPL-2.0-only
//
// Chrome's trace event format. Times are microseconds; three decimals keep the nanoseconds.
#include <fmt/format.h>

#include "tools/export/exports.h"
#include "tools/export/kicks.h"
#include "tools/io/causes.h"
#include "tools/io/report.h"

namespace pairsim {
namespace {

constexpr int cpus_process = 1;
constexpr int pairs_process = 2;
constexpr int queues_process = 3;

std::string quoted(const std::string& text)
{
    return json(text).dump();
}

std::string microseconds(std::int64_t ns)
{
    return fmt::format("{}.{:03}", ns / 1000, ns % 1000);
}

class chrome_writer {
public:
    explicit chrome_writer(const story& s) : s_(s), run_(s.run) {}

    std::string write()
    {
        name("process_name", cpus_process, 0, "CPUs");
        name("process_name", pairs_process, 0, "pairs");
        name("process_name", queues_process, 0, "queues");
        for (std::size_t i = 0; i < run_.nr_cpus(); ++i) {
            name("thread_name", cpus_process, i, fmt::format("cpu {}", i));
            write_cpu(i);
        }
        for (std::size_t i = 0; i < run_.pairs.pairs.size(); ++i) {
            const auto& p = run_.pairs.pairs[i];
            name("thread_name", pairs_process, i, fmt::format("pair {}+{}", p.first.value, p.second.value));
            write_pair(i);
        }
        write_queues();
        write_kicks();
        write_violations();
        return "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n" + text_ + "\n]}\n";
    }

private:
    void add(const std::string& event) { text_ += (text_.empty() ? "" : ",\n") + event; }

    void name(const char* what, int process, std::size_t thread, const std::string& value)
    {
        add(fmt::format(R"({{"ph":"M","name":"{}","pid":{},"tid":{},"args":{{"name":{}}}}})", what, process, thread,
                        quoted(value)));
    }

    void slice(int process, std::size_t thread, sim_time from, sim_time to, const std::string& title,
               const std::string& category)
    {
        add(fmt::format(R"({{"ph":"X","name":{},"cat":{},"pid":{},"tid":{},"ts":{},"dur":{}}})", quoted(title),
                        quoted(category), process, thread, microseconds(to_ns(from)),
                        microseconds((to - from).count())));
    }

    void write_cpu(std::size_t cpu)
    {
        for (const auto& span : s_.lines.cpus[cpu]) {
            if (is_task(span.current)) {
                slice(cpus_process, cpu, span.from, span.to, pid_in_words(run_, span.current),
                      cgroup_in_words(run_, span.cgroup));
            } else if (is_higher(span.current)) {
                slice(cpus_process, cpu, span.from, span.to, pid_in_words(run_, span.current), "higher class");
            } else if (span.forced) {
                slice(cpus_process, cpu, span.from, span.to, fmt::format("idle: {}", idle_cause_name(*span.forced)),
                      "idle");
            }
        }
    }

    void write_pair(std::size_t pair)
    {
        const auto& versions = s_.lines.pairs[pair];
        for (std::size_t i = 0; i < versions.size();) {
            std::size_t next = i;
            while (next < versions.size() && versions[next].ctx.cgid == versions[i].ctx.cgid &&
                   versions[next].ctx.draining == versions[i].ctx.draining) {
                ++next;
            }
            const sim_time to = next < versions.size() ? versions[next].at : run_.end;
            if (versions[i].ctx.cgid != no_cgroup && to > versions[i].at) {
                const std::string cgroup = cgroup_in_words(run_, versions[i].ctx.cgid);
                slice(pairs_process, pair, versions[i].at, to,
                      versions[i].ctx.draining != 0 ? cgroup + ", draining" : cgroup, "pair");
            }
            i = next;
        }
    }

    void write_queues()
    {
        std::vector<std::int64_t> queued(run_.what.work.cgroups.size());
        for (const auto& r : run_.records) {
            if (r.kind != record_kind::cgrp_q_push && r.kind != record_kind::cgrp_q_pop) {
                continue;
            }
            queued[r.a] += r.kind == record_kind::cgrp_q_push ? 1 : -1;
            add(fmt::format(R"({{"ph":"C","name":{},"pid":{},"tid":0,"ts":{},"args":{{"tasks":{}}}}})",
                            quoted(cgroup_in_words(run_, cgroup_id{r.a})), queues_process, microseconds(to_ns(r.at)),
                            queued[r.a]));
        }
    }

    void write_kicks()
    {
        std::size_t id = 0;
        const auto end_of_flow = [&](char phase, sim_time t, cpu_id cpu) {
            add(fmt::format(R"({{"ph":"{}","name":"kick","cat":"kick","id":{},"pid":{},"tid":{},"ts":{}{}}})", phase,
                            id, cpus_process, cpu.value, microseconds(to_ns(t)), phase == 'f' ? R"(,"bp":"e")" : ""));
        };
        for (const auto& kick : kicks_of(run_)) {
            ++id;
            if (kick.is_serviced) {
                end_of_flow('s', kick.requested, kick.from);
                end_of_flow('f', kick.serviced, kick.to);
            }
        }
    }

    void write_violations()
    {
        for (const auto& f : run_.claims.findings) {
            const auto pair = f.cpus[0] == no_cpu ? 0 : pair_index_of(run_, f.cpus[0]);
            add(fmt::format(R"({{"ph":"i","s":"t","name":{},"cat":"violation","pid":{},"tid":{},"ts":{},)"
                            R"("args":{{"length_ns":{},"cause":{}}}}})",
                            quoted(finding_sentence(run_.what, f)), pairs_process, pair, microseconds(to_ns(f.start)),
                            f.length_ns(), quoted(std::string(info_of(f.cause).id))));
        }
    }

    const story& s_;
    const observed_run& run_;
    std::string text_;
};

} // namespace

std::string chrome_trace(const story& s)
{
    return chrome_writer(s).write();
}

} // namespace pairsim
