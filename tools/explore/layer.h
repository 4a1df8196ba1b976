// SPDX-License-Identifier: GPL-2.0-only
//
// The packed states of one layer of the search, one after the other.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "sim/check.h"

namespace pairsim {

class packed_layer {
public:
    std::size_t size() const { return starts_.size(); }
    /// Null for a state that is not to be expanded.
    const std::uint64_t* operator[](std::size_t i) const
    {
        if (starts_[i] == no_words) {
            return nullptr;
        }
        return blocks_[starts_[i] / block_words].get() + starts_[i] % block_words;
    }
    void add(const std::uint64_t* words, std::size_t nr)
    {
        SIM_CHECK(nr <= block_words);
        if (blocks_.empty() || used_ + nr > block_words) {
            blocks_.push_back(std::make_unique_for_overwrite<std::uint64_t[]>(block_words));
            used_ = 0;
        }
        std::copy_n(words, nr, blocks_.back().get() + used_);
        starts_.push_back((blocks_.size() - 1) * block_words + used_);
        used_ += nr;
    }
    void add_end() { starts_.push_back(no_words); }
    std::size_t memory_bytes() const { return blocks_.size() * block_words * 8 + starts_.capacity() * 8; }

private:
    static constexpr std::uint64_t no_words = ~std::uint64_t{0};
    static constexpr std::size_t block_words = std::size_t{1} << 17U;
    std::vector<std::unique_ptr<std::uint64_t[]>> blocks_;
    std::vector<std::uint64_t> starts_;
    std::size_t used_ = 0;
};

} // namespace pairsim
