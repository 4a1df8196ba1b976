// SPDX-License-Identifier: GPL-2.0-only
//
// An instant in words: what the CPUs of a pair do, pair_ctx, the queues, and the decisions around it. `pairsim explain`
// prints it; the page shows the same.
#pragma once

#include <string>
#include <vector>

#include "tools/io/strict_json.h"
#include "tools/view/narration.h"
#include "tools/view/timeline.h"

namespace pairsim {

/// Everything that explanations of one run share.
struct story {
    const observed_run& run;
    timeline lines;
    std::vector<sentence_id> told; ///< of each record

    explicit story(const observed_run& what) : run(what), lines(make_timeline(what)), told(narrate(what)) {}
    std::string sentence(std::size_t record) const { return sentence_text(run, run.records[record], told[record]); }
};

/// "runs server.0 of web", "idles: its pair drains", "is held by the rt class", "idles: no task waits for it".
std::string activity_in_words(const observed_run& run, const cpu_span& span);

/// "cgid=web started_at=20ms draining=no active_mask={0} preempted_mask={}"; masks as CPU numbers.
std::string ctx_in_words(const observed_run& run, std::size_t pair, const pair_ctx& ctx);

/// What changed from @p before to @p after: "draining no -> yes, active_mask {0,2} -> {2}"; empty if nothing did.
std::string ctx_change_in_words(const observed_run& run, std::size_t pair, const pair_ctx& before,
                                const pair_ctx& after);

/// Index of @p cpu's pair in pair_map::pairs, or the number of pairs if it has none.
std::size_t pair_index_of(const observed_run& run, cpu_id cpu);

/// Is record @p record about @p cpu or its partner?
bool concerns_pair_of(const observed_run& run, const trace_record& r, cpu_id cpu);

/// The sentence of a record with its time, its function, and how it changed its pair's pair_ctx: a few lines.
std::string told_record(const story& s, std::size_t record);

/// `explain --at`.
std::string moment_text(const story& s, sim_time t, cpu_id cpu);
json moment_json(const story& s, sim_time t, cpu_id cpu);

/// @p text in lines of at most 100 columns; the second and later ones after @p indent blanks.
std::string wrap_text(const std::string& text, std::size_t indent);

} // namespace pairsim
