// SPDX-License-Identifier: GPL-2.0-only
//
// Turns records into sentences: which sentence a record has depends on what was the case before it. A sentence is a
// template whose places name a field of the record and how to show it, so that the page fills in the same templates.
// Explanations of the topics: docs/explanation/decisions.md.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "model/observed_state.h"
#include "tools/view/observed_run.h"

namespace pairsim {

/// A sentence, and where in the kernel or in scx_pair what it says is decided.
struct sentence_info {
    record_kind kind{};
    bool is_decision = false;  ///< somebody decides; else it is a consequence, or bookkeeping
    std::string_view function; ///< kernel or scx_pair function
    std::string_view step;     ///< the part of it; may be empty
    std::string_view topic;    ///< heading of docs/explanation/decisions.md that explains it, as an anchor
    /// Without a full stop. Places: {cpu}, {partner}, {FIELD:TYPE} with the FIELD of a trace_record (task, a, b,
    /// value) and the TYPE pid, cpu, cgroup, ns or number.
    std::string_view text;
};

/// Number of a sentence in the table.
using sentence_id = std::uint8_t;

std::span<const sentence_info> sentences();

/// Chooses sentences. To be asked for each record of a run in order.
class narrator {
public:
    explicit narrator(const observed_run& run);

    /// The sentence of @p r, which is the next record.
    sentence_id next(const trace_record& r);

private:
    sentence_id choose(const trace_record& r) const;
    sentence_id choose_pair(const trace_record& r) const;
    static sentence_id choose_switch(const trace_record& r);
    static sentence_id choose_task(const trace_record& r);

    observed_state state_;
    trace_record last_{};
    bool has_last_ = false;
    std::vector<std::uint8_t> side_; ///< of each CPU: its bit in the masks of pair_ctx
};

/// The sentences of all records of @p run.
std::vector<sentence_id> narrate(const observed_run& run);

/// @p r's sentence @p id with its places filled in.
std::string sentence_text(const observed_run& run, const trace_record& r, sentence_id id);

/// "server.0", "the idle task", "the rt class".
std::string pid_in_words(const observed_run& run, pid p);
/// The cgroup's name, or "no cgroup".
std::string cgroup_in_words(const observed_run& run, cgroup_id c);

} // namespace pairsim
