// SPDX-License-Identifier: GPL-2.0-only
//
// States in little memory and with little work. A packed state is the words in which it differs from the initial one,
// and a bitmap that says where. A successor differs from its parent in few words: it is known by these changes, and
// its fingerprint and its packed form come from the parent's.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tools/explore/world.h"

namespace pairsim {

/// A name for a state: 72 bits of a hash, which two of a hundred million states share with a probability of about one
/// in a million. It is the exclusive or of a hash of each word, with its place, that differs from the initial state.
struct fingerprint {
    std::uint64_t low = 0;
    std::uint8_t high = 0;
    friend bool operator==(const fingerprint&, const fingerprint&) = default;
};

struct word_change {
    std::size_t at;
    std::uint64_t now;
};

class state_packer {
public:
    /// @p world is in its initial state.
    explicit state_packer(const explored_world& world);

    /// Words of a state: the machine's block and then the surroundings.
    std::size_t nr_words() const { return base_.size(); }
    /// Most words of a packed state.
    std::size_t max_packed() const { return header_words + nr_maps_ + base_.size(); }
    std::span<const std::uint64_t> initial() const { return base_; }
    /// Packs the initial state to @p out; returns the number of words.
    std::size_t pack_initial(std::uint64_t* out) const;
    /// Packs the state that differs from the one packed at @p parent by @p changes, which are in order of place.
    std::size_t pack(const std::uint64_t* parent, std::span<const word_change> changes, const fingerprint& f,
                     std::uint64_t* out) const;
    /// Writes the words of the state packed at @p in to @p words.
    void unpack(const std::uint64_t* in, std::uint64_t* words) const;
    static fingerprint fingerprint_at(const std::uint64_t* packed)
    {
        return {packed[0], static_cast<std::uint8_t>(packed[1])};
    }

    /// Gives @p world the state of @p words.
    void put(const std::uint64_t* words, explored_world& world) const;
    /// Makes the state of @p world that of @p words again. Writes what it differed in to @p changes, which has room for
    /// nr_words(); returns how many there are.
    std::size_t take_back(explored_world& world, const std::uint64_t* words, word_change* changes) const;
    /// The fingerprint of the state that differs from @p words, which has @p f, by @p changes.
    fingerprint changed(fingerprint f, const std::uint64_t* words, std::span<const word_change> changes) const;

private:
    static constexpr std::size_t header_words = 2; ///< the fingerprint

    std::vector<std::uint64_t> base_;
    std::size_t machine_words_;
    std::size_t nr_maps_;
};

/// The hash of one word at its place.
fingerprint fingerprint_of(std::size_t at, std::uint64_t word);

} // namespace pairsim
