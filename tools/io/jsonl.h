// SPDX-License-Identifier: GPL-2.0-only
//
// The canonical trace: JSON lines, a header and then one object a record, keys in one order. What is written and read
// again is the same records, and written again the same bytes. The format: docs/reference/trace-format.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/pair_map.h"
#include "sim/trace.h"
#include "tools/io/atomic_file.h"
#include "tools/io/line_source.h"
#include "tools/io/record_text.h"
#include "tools/io/scenario.h"
#include "tools/io/strict_json.h"

namespace pairsim {

/// The first line: what the numbers in the records stand for.
struct trace_header {
    struct task {
        std::string name;
        cgroup_id cgroup{}; ///< its first
        friend bool operator==(const task&, const task&) = default;
    };
    std::string version;
    std::string scenario;
    std::uint32_t cpus = 0;
    std::vector<std::string> cgroups;
    std::vector<task> tasks; ///< [n]: pid n + 1
    std::vector<pair_map::pair> pairs;
    json config; ///< what claims need to know of the machine and the scheduler (config_of()); null: not said
    friend bool operator==(const trace_header&, const trace_header&) = default;
};

trace_header header_of(const scenario& what, const pair_map& pairs, const std::string& version);

/// The header that @p h is; @p place is for messages. Throws input_error.
trace_header parse_header(const json& h, const std::string& place);

/// The record that @p object is, at @p not_before or later. Throws input_error with @p place.
trace_record parse_record(const record_limits& limits, const json& object, sim_time not_before,
                          const std::string& place);

/// Appends @p header and a newline to @p out.
void append_header(std::string& out, const trace_header& header);

/// Appends @p r and a newline to @p out.
void append_record(std::string& out, const trace_record& r);

/// Writes the records of a run to a file. Nothing is there before finish(); errors are std::system_error.
class jsonl_writer final : public trace_sink {
public:
    jsonl_writer(std::string path, const trace_header& header);

    void on_records(std::span<const trace_record> records) override;
    void finish() { file_.finish(); }

private:
    text_file file_;
};

/// Reads what jsonl_writer writes. Errors are input_error with the line's number.
class jsonl_reader {
public:
    /// Reads the header. @p lines must outlive it.
    explicit jsonl_reader(line_source& lines);

    const trace_header& header() const { return header_; }
    /// False at the end.
    bool next(trace_record& r);

private:
    line_source& lines_;
    trace_header header_;
    record_limits limits_;
    sim_time last_at_{};
};

} // namespace pairsim
