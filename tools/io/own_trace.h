// SPDX-License-Identifier: GPL-2.0-only
//
// Traces that pairsim wrote itself, in either of its formats (JSON lines, ftrace text), read as a stream of records.
#pragma once

#include <memory>
#include <string>

#include "model/findings.h"
#include "model/pair_map.h"
#include "tools/io/jsonl.h"
#include "tools/io/line_source.h"
#include "tools/io/scenario.h"

namespace pairsim {

/// What a trace's header says of the machine and the workload: as much of a scenario as readers of records need.
struct trace_world {
    scenario what;
    pair_map pairs;
    claim_set shows = claim_set::all(); ///< claims that the trace can show
};

/// @p header is valid.
trace_world world_of(const trace_header& header);

class own_trace {
public:
    virtual ~own_trace() = default;
    virtual const trace_header& header() const = 0;
    virtual std::string format() const = 0;
    /// False at the end. Throws input_error with the line.
    virtual bool next(trace_record& r) = 0;

    const trace_world& world() const { return world_; }
    /// Hands all records to @p sink and returns their number.
    std::uint64_t read(trace_sink& sink);
    /// The end of the run: of the header's, or the last record's time.
    sim_time end() const { return end_; }

protected:
    trace_world world_;

private:
    sim_time end_{};
};

/// The reader of the trace that @p lines begins with; nullptr if it is not one of ours, and then nothing is lost: lines
/// begins anew. @p lines must outlive it.
std::unique_ptr<own_trace> open_own_trace(line_source& lines);

} // namespace pairsim
