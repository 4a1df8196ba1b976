// SPDX-License-Identifier: GPL-2.0-only
//
// A trace as ftrace prints it. For tools that know the kernel's events (Perfetto's text importer, LISA) there are
// sched_switch, sched_waking, sched_wakeup, sched_wakeup_new and sched_migrate_task; each record is there too, as an
// event pair:KIND, and from these our own reader makes the same records again.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/trace.h"
#include "tools/io/atomic_file.h"
#include "tools/io/jsonl.h"
#include "tools/io/record_text.h"

namespace pairsim {

/// What a text of ours begins with. Perfetto knows such files by "# tracer".
inline constexpr std::string_view ftrace_heading = "# tracer: nop\n# pairsim ";

class ftrace_writer final : public trace_sink {
public:
    ftrace_writer(std::string path, trace_header header);
    void on_records(std::span<const trace_record> records) override;
    /// Writes the file. Nothing is there before; errors are std::system_error.
    void finish() { file_.finish(); }

private:
    struct named {
        std::string comm; ///< without blanks
        std::uint32_t pid = 0;
        std::int32_t prio = 120;
        std::string start; ///< how a line begins while it runs
    };
    /// What runs on a CPU beside tasks. A higher class's thread has a pid above the tasks'.
    struct threads_of_cpu {
        std::string start; ///< of a line, behind the thread's
        named idle, rt, dl, stop;
    };
    const named& name_of(pid p, cpu_id cpu) const;
    void append(const trace_record& r);
    void append_switch(const trace_record& r);
    void append_wakeup(const trace_record& r);
    void put_start(line_buffer& line, const trace_record& r) const;
    static void put_thread(line_buffer& line, std::string_view whose, const named& thread);

    text_file file_;
    std::vector<pid> current_;         ///< by CPU
    std::vector<cpu_id> last_cpu_;     ///< by pid: where it ran or was woken last
    std::vector<named> tasks_;         ///< by pid
    std::vector<threads_of_cpu> cpus_; ///< by CPU
};

class ftrace_reader {
public:
    /// Reads the heading. @p lines must outlive it.
    explicit ftrace_reader(line_source& lines);
    const trace_header& header() const { return header_; }
    bool next(trace_record& r);

private:
    line_source& lines_;
    trace_header header_;
    record_limits limits_;
    sim_time last_at_{};
};

} // namespace pairsim
