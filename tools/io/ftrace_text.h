// SPDX-License-Identifier: GPL-2.0-only
//
// A trace as ftrace prints it. For tools that know the kernel's events (Perfetto's text importer, LISA) there are
// sched_switch, sched_waking, sched_wakeup, sched_wakeup_new and sched_migrate_task; each record is there too, as an
// event pair:KIND, and from these our own reader makes the same records again.
#pragma once

#include <cstdint>
#include <istream>
#include <string>
#include <string_view>
#include <vector>

#include "sim/trace.h"
#include "tools/io/atomic_file.h"
#include "tools/io/jsonl.h"

namespace pairsim {

/// What a text of ours begins with. Perfetto knows such files by "# tracer".
inline constexpr std::string_view ftrace_heading = "# tracer: nop\n# pairsim ";

class ftrace_writer final : public trace_sink {
public:
    ftrace_writer(std::string path, trace_header header);
    void on_records(std::span<const trace_record> records) override;
    /// Writes the file. Nothing is there before; errors are std::system_error.
    void finish();

private:
    struct named {
        std::string comm; ///< without blanks
        std::uint32_t pid = 0;
        std::int32_t prio = 120;
    };
    named name_of(pid p, cpu_id cpu) const;
    void append(const trace_record& r);
    void append_kernel_event(const trace_record& r);
    void append_start(const trace_record& r);

    atomic_file file_;
    trace_header header_;
    std::vector<pid> current_;       ///< by CPU
    std::vector<cpu_id> last_cpu_;   ///< by pid: where it ran or was woken last
    std::vector<std::string> comms_; ///< by pid
    std::string buffer_;
};

class ftrace_reader {
public:
    /// @p where names the stream in messages. Reads the heading.
    ftrace_reader(std::istream& in, std::string where);
    const trace_header& header() const { return header_; }
    bool next(trace_record& r);

private:
    bool next_line();
    std::string place() const;

    std::istream& in_;
    std::string where_;
    std::string line_;
    std::uint64_t line_number_ = 0;
    trace_header header_;
    sim_time last_at_{};
};

} // namespace pairsim
