// SPDX-License-Identifier: GPL-2.0-only
#include "tools/explore/expander.h"

#include <algorithm>

namespace pairsim {
namespace {

/// Makes room for @p more elements behind the first @p used.
template <class T>
T* room(std::vector<T>& v, std::size_t used, std::size_t more)
{
    if (v.size() < used + more) {
        v.resize(std::max(2 * v.size(), used + more));
    }
    return v.data() + used;
}

} // namespace

void findings::clear()
{
    successors.clear();
    nr_changes = 0;
    nr_words = 0;
    stuck.clear();
    nr_transitions = 0;
}

void expander::expand(const layer_slice& slice, findings& out)
{
    out.clear();
    for (std::size_t i = slice.from; i < slice.to; ++i) {
        if (const std::uint64_t* packed = slice.layer[i]) {
            expand_state(slice.first + static_cast<state_index>(i), packed, out);
        }
    }
}

void expander::expand_state(state_index state, const std::uint64_t* packed, findings& out)
{
    packer_.unpack(packed, words_.data());
    packer_.put(words_.data(), world_);
    if (world_.state().exit().kind != exit_kind::none) {
        return; // the scheduler has ended
    }
    const fingerprint print = state_packer::fingerprint_at(packed);
    bool has_successor = false;
    const auto& actions = world_.actions();
    for (std::size_t a = 0; a < actions.size(); ++a) {
        if (!world_.enabled(actions[a])) {
            continue;
        }
        if (world_.apply(actions[a])) {
            has_successor = true;
            note(state, static_cast<std::uint16_t>(a), print, out);
        } else {
            packer_.take_back(world_, words_.data(), room(out.changes, out.nr_changes, packer_.nr_words()));
        }
    }
    out.nr_transitions = out.successors.size();
    if (!has_successor && (asked_ & bit_of(property::no_deadlock)) != 0 && is_stuck(world_)) {
        out.stuck.push_back(state);
    }
}

/// The world is in the successor, and goes back to the parent.
void expander::note(state_index parent, std::uint16_t action, const fingerprint& print, findings& out)
{
    if (options_.check_invariants) {
        world_.the_machine().check_invariants();
    }
    if (symmetry_.any()) {
        symmetry_.canonicalise(world_);
    }
    const property_set broken = broken_in(world_, asked_);
    const state_label::bits bits = options_.keep_graph ? label() : 0;
    word_change* const changes = room(out.changes, out.nr_changes, packer_.nr_words());
    const std::size_t nr = packer_.take_back(world_, words_.data(), changes);
    out.successors.push_back({.print = packer_.changed(print, words_.data(), {changes, nr}),
                              .parent = parent,
                              .known = no_state,
                              .first_change = static_cast<std::uint32_t>(out.nr_changes),
                              .nr_changes = static_cast<std::uint32_t>(nr),
                              .first_word = 0,
                              .nr_words = 0,
                              .action = action,
                              .broken = broken,
                              .label = bits});
    out.nr_changes += nr;
}

/// The memory needs time to bring an entry of the table, so it is asked for some turns ahead.
void expander::look_up(const layer_slice& slice, const visited_states& visited, findings& out) const
{
    constexpr std::size_t ahead = 64;
    const std::size_t nr = out.successors.size();
    for (std::size_t i = 0; i < nr + ahead; ++i) {
        if (i < nr) {
            visited.prefetch(out.successors[i].print);
        }
        if (i >= ahead / 2 && i - ahead / 2 < nr) {
            visited.prefetch_state(out.successors[i - ahead / 2].print);
        }
        if (i < ahead) {
            continue;
        }
        successor& s = out.successors[i - ahead];
        s.known = visited.find(s.print);
        if (s.known == no_state) {
            std::uint64_t* const to = room(out.words, out.nr_words, packer_.max_packed());
            s.first_word = static_cast<std::uint32_t>(out.nr_words);
            s.nr_words = static_cast<std::uint32_t>(packer_.pack(
                slice.layer[s.parent - slice.first], {out.changes.data() + s.first_change, s.nr_changes}, s.print, to));
            out.nr_words += s.nr_words;
        }
    }
}

state_label::bits expander::pack_initial(std::vector<std::uint64_t>& out)
{
    out.resize(packer_.max_packed());
    out.resize(packer_.pack_initial(out.data()));
    return label();
}

state_label::bits expander::label()
{
    state_label::bits bits = waits_with_irqs_off(world_) ? state_label::irqs_off_wait : 0;
    for (std::size_t t = 0; t < world_.what().tasks.size(); ++t) {
        bits |= waits_to_run(world_, pid{static_cast<std::uint32_t>(t + 1)}) ? state_label::task_waits(t) : 0;
    }
    for (std::size_t c = 0; c < world_.nr_cpus(); ++c) {
        const cpu_id cpu{static_cast<std::uint16_t>(c)};
        const cpu_state& s = world_.state().cpu(cpu);
        const bool rests = world_.in_base(cpu) && s.curr == idle_pid && s.need_resched == 0;
        bits |= rests ? state_label::rests(c) : 0;
    }
    if (const pair_sched* pair = world_.pair()) {
        auto maps = pair->maps(world_.state());
        const auto& pairs = pair->pairs().pairs;
        for (std::size_t i = 0; i < pairs.size() && maps.has_ctx(pairs[i].first.value); ++i) {
            const pair_ctx& ctx = maps.ctx(pairs[i].first.value);
            bits |= ctx.draining != 0 ? state_label::draining(i) : 0;
            bits |= ctx.started_at == nanoseconds{0} ? state_label::expired(i) : 0;
        }
    }
    return bits;
}

} // namespace pairsim
