// SPDX-License-Identifier: GPL-2.0-only
//
// States in little memory: the words in which a state differs from the initial one, and a bitmap that says where.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "tools/explore/world.h"

namespace pairsim {

class state_packer {
public:
    /// @p world is in its initial state.
    explicit state_packer(const explored_world& world);

    /// Most words of a packed state.
    std::size_t max_words() const { return nr_maps_ + base_.size(); }
    /// Writes the state of @p world to @p out; returns the number of words.
    std::size_t pack(const explored_world& world, std::uint64_t* out) const;
    /// Puts the packed state at @p in into @p world.
    void unpack(const std::uint64_t* in, explored_world& world) const;

private:
    std::vector<std::uint64_t> base_; ///< the machine's block and then the surroundings
    std::size_t machine_words_;
    std::size_t nr_maps_;
};

/// A name for a state: 72 of 128 bits of its hash are kept, which makes two states of a billion share one with a
/// probability of about one in ten thousand.
struct fingerprint {
    std::uint64_t low;
    std::uint8_t high;
};
fingerprint fingerprint_of(std::span<const std::uint64_t> packed);

} // namespace pairsim
