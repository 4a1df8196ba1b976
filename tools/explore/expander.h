// SPDX-License-Identifier: GPL-2.0-only
//
// What one thread of the search does with a slice of a layer: first the successors of its states, which needs no table
// and may go on while somebody else fills it; then, while nobody does, which of them the table knows.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tools/explore/layer.h"
#include "tools/explore/properties.h"
#include "tools/explore/search.h"
#include "tools/explore/symmetry.h"
#include "tools/explore/visited.h"

namespace pairsim {

/// A state that follows one of the slice.
struct successor {
    fingerprint print;
    state_index parent;
    state_index known; ///< the state that it is, if the table had it
    std::uint32_t first_change;
    std::uint32_t nr_changes;
    std::uint32_t first_word; ///< of its packed form, if the table did not have it
    std::uint32_t nr_words;
    std::uint16_t action;
    property_set broken;
    state_label::bits label;
};

/// What has been found in a slice, in the order of states and actions.
struct findings {
    std::vector<successor> successors;
    std::vector<word_change> changes;
    std::size_t nr_changes = 0; ///< in use
    std::vector<std::uint64_t> words;
    std::size_t nr_words = 0;       ///< in use
    std::vector<state_index> stuck; ///< states without successors
    std::uint64_t nr_transitions = 0;

    void clear();
};

/// Numbers [from, to) of a layer of which the first state has the number `first`.
struct layer_slice {
    const packed_layer& layer;
    state_index first;
    std::size_t from;
    std::size_t to;
};

class expander {
public:
    expander(const exploration& what, const sched_ops& ops, property_set asked, const search_options& options)
        : world_(what, ops), symmetry_(what, world_), packer_(world_), words_(packer_.nr_words()), asked_(asked),
          options_(options)
    {
    }

    /// Finds the successors of the states of @p slice.
    void expand(const layer_slice& slice, findings& out);
    /// Looks up what expand() has found in the same @p slice, and packs what the table does not know.
    void look_up(const layer_slice& slice, const visited_states& visited, findings& out) const;

    /// Packs the initial state, in which the world still is; returns its label.
    state_label::bits pack_initial(std::vector<std::uint64_t>& out);

private:
    void expand_state(state_index state, const std::uint64_t* packed, findings& out);
    void note(state_index parent, std::uint16_t action, const fingerprint& print, findings& out);
    state_label::bits label();

    explored_world world_;
    symmetry symmetry_;
    state_packer packer_;
    std::vector<std::uint64_t> words_; ///< of the state that is being expanded
    property_set asked_;
    search_options options_;
};

} // namespace pairsim
