// SPDX-License-Identifier: GPL-2.0-only
//
// Field numbers are those of Perfetto's public schema (protos/perfetto/trace); tests/export/perfetto.proto has the ones
// that are used here, and a test decodes what is written with it.
#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <protozero/pbf_writer.hpp>

#include "tools/export/exports.h"
#include "tools/export/kicks.h"
#include "tools/io/causes.h"
#include "tools/io/report.h"

namespace pairsim {
namespace {

using protozero::pbf_writer;
using k = record_kind;

namespace packet {
enum : protozero::pbf_tag_type {
    ftrace_events = 1,
    process_tree = 2,
    timestamp = 8,
    sequence_id = 10,
    track_event = 11,
    sequence_flags = 13,
    system_info = 45,
    track_descriptor = 60,
};
}
namespace ftrace {
enum : protozero::pbf_tag_type {
    cpu = 1,
    event = 2,
    timestamp = 1,
    pid = 2,
    sched_switch = 4,
    sched_wakeup = 17,
    sched_waking = 20,
    sched_wakeup_new = 114
};
}
namespace event {
enum : protozero::pbf_tag_type {
    type = 9,
    track = 11,
    name = 23,
    categories = 22,
    counter = 30,
    flows = 47,
    ending_flows = 48,
    annotations = 4
};
enum : int { begin = 1, end = 2, instant = 3, count = 4 };
} // namespace event

constexpr std::uint32_t sequence = 1;
constexpr int prio_normal = 120;
constexpr int prio_rt = 49;
constexpr std::int64_t state_sleeping = 1;
constexpr std::int64_t state_dead = 0x10;

/// Ids of tracks; each kind has a range of its own.
constexpr std::uint64_t machine_track = 1;
constexpr std::uint64_t cpu_tracks = 0x1000000;
constexpr std::uint64_t pair_tracks = 0x2000000;
constexpr std::uint64_t drain_tracks = 0x3000000;
constexpr std::uint64_t violation_tracks = 0x4000000;
constexpr std::uint64_t queue_tracks = 0x5000000;
constexpr std::uint64_t active_track = 2;
constexpr std::uint64_t top_q_track = 3;

class perfetto_writer {
public:
    explicit perfetto_writer(const story& s) : s_(s), run_(s.run), file_(bytes_)
    {
        for (std::uint32_t t = 0; t < run_.what.work.tasks.size(); ++t) {
            task_names_.push_back(pid_in_words(run_, pid{t + 1}));
        }
        for (std::size_t cpu = 0; cpu < run_.nr_cpus(); ++cpu) {
            cpu_names_.push_back(fmt::format("swapper/{}", cpu));
            for (std::uint32_t cls = 1; cls < threads_of_cpu; ++cls) {
                const std::string in_words = pid_in_words(run_, higher_pid(static_cast<sched_class>(cls)));
                cpu_names_.push_back(fmt::format("{}/{}", in_words.substr(4, 2), cpu));
            }
        }
    }

    std::string write()
    {
        constexpr std::size_t bytes_of_record = 40; // a little more than they take
        bytes_.reserve(run_.records.size() * bytes_of_record);
        write_system();
        write_names();
        write_tracks();
        write_scheduling();
        write_pairs();
        write_counters();
        write_kicks();
        write_violations();
        instant(machine_track, run_.end, "end of the run");
        return std::move(bytes_);
    }

private:
    // ---- names ----------------------------------------------------------------------------------------------------

    std::uint32_t process_of(cgroup_id c) const
    {
        return static_cast<std::uint32_t>(run_.what.work.tasks.size()) + 1 + c.value;
    }

    /// Higher classes have no task of their own: each CPU gets one thread for each class.
    std::uint32_t thread_of(pid p, cpu_id cpu) const
    {
        if (!is_higher(p)) {
            return p.value;
        }
        const auto first = process_of(cgroup_id{static_cast<std::uint32_t>(run_.what.work.cgroups.size())});
        return first + cpu.value * threads_of_cpu + p.value % threads_of_cpu;
    }

    const std::string& name_of(pid p, cpu_id cpu) const
    {
        return is_task(p) ? task_names_[p.value - 1]
                          : cpu_names_[cpu.value * threads_of_cpu + p.value % threads_of_cpu];
    }

    static int prio_of(pid p) { return is_higher(p) ? prio_rt : prio_normal; }

    template <class Fill>
    void add_packet(Fill fill)
    {
        packet_.clear();
        pbf_writer p(packet_);
        fill(p);
        p.add_uint32(packet::sequence_id, sequence);
        if (is_first_) {
            p.add_uint32(packet::sequence_flags, 1); // incremental state cleared
            is_first_ = false;
        }
        file_.add_message(1, packet_);
    }

    void write_system()
    {
        add_packet([](pbf_writer& p) {
            pbf_writer info(p, packet::system_info);
            pbf_writer uts(info, 1);
            uts.add_string(1, "Linux");
            uts.add_string(3, "6.12.0"); // how task states are to be read
            uts.add_string(4, "pairsim");
        });
    }

    void write_names()
    {
        add_packet([this](pbf_writer& p) {
            pbf_writer tree(p, packet::process_tree);
            for (std::uint32_t c = 0; c < run_.what.work.cgroups.size(); ++c) {
                pbf_writer process(tree, 1);
                process.add_int32(1, static_cast<std::int32_t>(process_of(cgroup_id{c})));
                process.add_string(3, fmt::format("cgroup {}", run_.what.work.cgroups[c].name));
            }
            for (std::uint32_t t = 0; t < run_.what.work.tasks.size(); ++t) {
                pbf_writer thread(tree, 2);
                thread.add_int32(1, static_cast<std::int32_t>(t + 1));
                thread.add_string(2, run_.what.work.tasks[t].name);
                thread.add_int32(3, static_cast<std::int32_t>(process_of(run_.what.work.tasks[t].cgroup)));
            }
        });
    }

    // ---- tracks ---------------------------------------------------------------------------------------------------

    void track(std::uint64_t id, const std::string& name, std::uint64_t parent, bool is_counter = false)
    {
        add_packet([&](pbf_writer& p) {
            pbf_writer descriptor(p, packet::track_descriptor);
            descriptor.add_uint64(1, id);
            descriptor.add_string(2, name);
            if (parent != 0) {
                descriptor.add_uint64(5, parent);
            }
            if (is_counter) {
                pbf_writer counter(descriptor, 8);
                counter.add_enum(3, 2); // a count
            }
        });
    }

    void write_tracks()
    {
        track(machine_track, "pairsim: " + run_.what.name, 0);
        for (std::size_t i = 0; i < run_.pairs.pairs.size(); ++i) {
            const auto& p = run_.pairs.pairs[i];
            track(pair_tracks + i, fmt::format("pair of cpus {} and {}: cgroup", p.first.value, p.second.value),
                  machine_track);
            track(drain_tracks + i, "draining", pair_tracks + i);
            track(violation_tracks + i, "violations", pair_tracks + i);
        }
        for (std::size_t i = 0; i < run_.nr_cpus(); ++i) {
            track(cpu_tracks + i, fmt::format("kicks of cpu {}", i), machine_track);
        }
        track(active_track, "CPUs that run a task", machine_track, true);
        track(top_q_track, "top_q", machine_track, true);
        for (std::size_t c = 0; c < s_.lines.cgroup_queues.size(); ++c) {
            if (!s_.lines.cgroup_queues[c].pushes.empty()) {
                track(queue_tracks + c, fmt::format("FIFO of {}", run_.what.work.cgroups[c].name), machine_track, true);
            }
        }
    }

    template <class Fill>
    void track_event(std::uint64_t id, sim_time t, int type, Fill fill)
    {
        add_packet([&](pbf_writer& p) {
            p.add_uint64(packet::timestamp, static_cast<std::uint64_t>(to_ns(t)));
            pbf_writer e(p, packet::track_event);
            e.add_enum(event::type, type);
            e.add_uint64(event::track, id);
            fill(e);
        });
    }

    void begin(std::uint64_t id, sim_time t, const std::string& name)
    {
        track_event(id, t, event::begin, [&](pbf_writer& e) { e.add_string(event::name, name); });
    }
    void end(std::uint64_t id, sim_time t)
    {
        track_event(id, t, event::end, [](pbf_writer&) {});
    }
    void instant(std::uint64_t id, sim_time t, const std::string& name)
    {
        track_event(id, t, event::instant, [&](pbf_writer& e) { e.add_string(event::name, name); });
    }
    void count(std::uint64_t id, sim_time t, std::int64_t n)
    {
        track_event(id, t, event::count, [&](pbf_writer& e) { e.add_int64(event::counter, n); });
    }

    // ---- scheduling -----------------------------------------------------------------------------------------------

    /// The kernel's events, in bundles of one CPU each.
    void write_scheduling()
    {
        constexpr std::size_t most = 512; // events in a bundle
        std::vector<std::vector<const trace_record*>> by_cpu(run_.nr_cpus());
        std::vector<pid> current(run_.nr_cpus(), idle_pid);
        const auto flush = [&](std::size_t cpu) {
            if (by_cpu[cpu].empty()) {
                return;
            }
            add_packet([&](pbf_writer& p) {
                pbf_writer bundle(p, packet::ftrace_events);
                bundle.add_uint32(ftrace::cpu, static_cast<std::uint32_t>(cpu));
                for (const auto* r : by_cpu[cpu]) {
                    write_ftrace(bundle, *r, current[cpu]);
                }
            });
            by_cpu[cpu].clear();
        };
        for (const auto& r : run_.records) {
            if (r.kind == k::sched_switch || r.kind == k::sched_wakeup || r.kind == k::sched_wakeup_new) {
                by_cpu[r.cpu.value].push_back(&r);
                if (by_cpu[r.cpu.value].size() == most) {
                    flush(r.cpu.value);
                }
            }
        }
        for (std::size_t cpu = 0; cpu < by_cpu.size(); ++cpu) {
            flush(cpu);
        }
    }

    void write_ftrace(pbf_writer& bundle, const trace_record& r, pid& current)
    {
        if (r.kind == k::sched_switch) {
            pbf_writer e(bundle, ftrace::event);
            head(e, r, pid{r.a});
            write_switch(e, r);
            current = r.task;
            return;
        }
        // Perfetto takes a thread as runnable from sched_waking on; here it is runnable from sched_wakeup on.
        const bool is_new = r.kind == k::sched_wakeup_new;
        for (const auto which : {ftrace::sched_waking, is_new ? ftrace::sched_wakeup_new : ftrace::sched_wakeup}) {
            pbf_writer e(bundle, ftrace::event);
            head(e, r, current);
            pbf_writer w(e, which);
            w.add_string(1, name_of(r.task, r.cpu));
            w.add_int32(2, static_cast<std::int32_t>(thread_of(r.task, r.cpu)));
            w.add_int32(3, prio_of(r.task));
            w.add_int32(4, 1);
            w.add_int32(5, static_cast<std::int32_t>(r.a));
        }
    }

    void head(pbf_writer& e, const trace_record& r, pid current) const
    {
        e.add_uint64(ftrace::timestamp, static_cast<std::uint64_t>(to_ns(r.at)));
        e.add_uint32(ftrace::pid, thread_of(current, r.cpu));
    }

    void write_switch(pbf_writer& e, const trace_record& r) const
    {
        const pid prev{r.a};
        const std::int64_t states[] = {0, state_sleeping, state_dead};
        const std::int64_t of_higher = is_higher(prev) && r.task != prev ? state_sleeping : states[r.b % 3];
        pbf_writer sw(e, ftrace::sched_switch);
        sw.add_string(1, name_of(prev, r.cpu));
        sw.add_int32(2, static_cast<std::int32_t>(thread_of(prev, r.cpu)));
        sw.add_int32(3, prio_of(prev));
        sw.add_int64(4, of_higher);
        sw.add_string(5, name_of(r.task, r.cpu));
        sw.add_int32(6, static_cast<std::int32_t>(thread_of(r.task, r.cpu)));
        sw.add_int32(7, prio_of(r.task));
    }

    // ---- what the kernel does not know ----------------------------------------------------------------------------

    void write_pairs()
    {
        for (std::size_t i = 0; i < s_.lines.pairs.size(); ++i) {
            cgroup_id cgid = no_cgroup;
            nanoseconds started{};
            bool draining = false;
            for (const auto& v : s_.lines.pairs[i]) {
                if (v.ctx.cgid != cgid || v.ctx.started_at != started) {
                    if (cgid != no_cgroup) {
                        end(pair_tracks + i, v.at);
                    }
                    begin(pair_tracks + i, v.at, cgroup_in_words(run_, v.ctx.cgid));
                    cgid = v.ctx.cgid;
                    started = v.ctx.started_at;
                }
                if ((v.ctx.draining != 0) != draining) {
                    draining = !draining;
                    draining ? begin(drain_tracks + i, v.at, "draining") : end(drain_tracks + i, v.at);
                }
            }
            if (draining) {
                end(drain_tracks + i, run_.end);
            }
            if (cgid != no_cgroup) {
                end(pair_tracks + i, run_.end);
            }
        }
    }

    void write_counters()
    {
        std::int64_t active = 0;
        std::int64_t top = 0;
        std::vector<std::int64_t> queued(run_.what.work.cgroups.size());
        for (const auto& r : run_.records) {
            if (r.kind == k::sched_switch && is_task(r.task) != is_task(pid{r.a})) {
                active += is_task(r.task) ? 1 : -1;
                count(active_track, r.at, active);
            } else if (r.kind == k::cgrp_q_push || r.kind == k::cgrp_q_pop) {
                queued[r.a] += r.kind == k::cgrp_q_push ? 1 : -1;
                count(queue_tracks + r.a, r.at, queued[r.a]);
            } else if (r.kind == k::top_q_push || r.kind == k::top_q_pop) {
                top += r.kind == k::top_q_push ? 1 : -1;
                count(top_q_track, r.at, top);
            }
        }
    }

    void write_kicks()
    {
        std::uint64_t flow = 0;
        for (const auto& kick : kicks_of(run_)) {
            ++flow;
            track_event(cpu_tracks + kick.from.value, kick.requested, event::instant, [&](pbf_writer& e) {
                e.add_string(event::name, fmt::format("kick cpu {}", kick.to.value));
                e.add_fixed64(event::flows, flow);
            });
            if (kick.is_serviced) {
                track_event(cpu_tracks + kick.to.value, kick.serviced, event::instant, [&](pbf_writer& e) {
                    e.add_string(event::name, fmt::format("kicked by cpu {}", kick.from.value));
                    e.add_fixed64(event::ending_flows, flow);
                });
            }
        }
    }

    void write_violations()
    {
        for (const auto& f : run_.claims.findings) {
            const auto pair = f.cpus[0] == no_cpu ? run_.pairs.pairs.size() : pair_index_of(run_, f.cpus[0]);
            const auto id = pair < run_.pairs.pairs.size() ? violation_tracks + pair : machine_track;
            track_event(id, f.start, event::instant, [&](pbf_writer& e) {
                e.add_string(event::name, fmt::format("{} ({})", all_claims()[static_cast<std::size_t>(f.claim)].id,
                                                      info_of(f.cause).id));
                annotate(e, "what", finding_sentence(run_.what, f));
                annotate(e, "why", std::string(info_of(f.cause).sentence));
                pbf_writer length(e, event::annotations);
                length.add_string(10, "length_ns");
                length.add_int64(4, f.length_ns());
            });
        }
    }

    static void annotate(pbf_writer& e, const std::string& name, const std::string& value)
    {
        pbf_writer annotation(e, event::annotations);
        annotation.add_string(10, name);
        annotation.add_string(6, value);
    }

    static constexpr std::uint32_t threads_of_cpu = 8; ///< the idle task, and one for each higher class

    const story& s_;
    const observed_run& run_;
    std::vector<std::string> task_names_; ///< by pid, from 1
    std::vector<std::string> cpu_names_;  ///< by CPU and class
    std::string packet_;                  ///< the one that is being written
    std::string bytes_;
    pbf_writer file_;
    bool is_first_ = true;
};

} // namespace

std::string perfetto_trace(const story& s)
{
    return perfetto_writer(s).write();
}

} // namespace pairsim
