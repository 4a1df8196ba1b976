// SPDX-License-Identifier: GPL-2.0-only
#include "tools/explore/packer.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "sim/check.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace pairsim {
namespace {

constexpr std::size_t bits_of_map = 64;
constexpr std::size_t around_words = sizeof(surroundings) / 8;

constexpr std::uint64_t bit_at(std::size_t at)
{
    return std::uint64_t{1} << (at % bits_of_map);
}

void add(fingerprint& to, const fingerprint& f)
{
    to.low ^= f.low;
    to.high ^= f.high;
}

std::uint64_t load(const std::byte* from)
{
    std::uint64_t word = 0;
    std::memcpy(&word, from, sizeof word);
    return word;
}

/// Two words that are compared at once.
using word_pair [[gnu::vector_size(16)]] = std::uint64_t;

word_pair load_pair(const void* from)
{
    word_pair pair;
    std::memcpy(&pair, from, sizeof pair);
    return pair;
}

/// True if eight words at @p block differ from those at @p words.
bool differs(const std::byte* block, const std::uint64_t* words)
{
    const auto two = [&](std::size_t i) { return load_pair(block + i * 8) ^ load_pair(words + i); };
    const word_pair all = (two(0) | two(2)) | (two(4) | two(6));
    return (all[0] | all[1]) != 0;
}

/// Copies the words [from, to), which are few: no call of memmove() pays.
std::uint64_t* copy_few(const std::uint64_t* from, const std::uint64_t* to, std::uint64_t* out)
{
    for (; to - from >= 2; from += 2, out += 2) {
        const word_pair pair = load_pair(from);
        std::memcpy(out, &pair, sizeof pair);
    }
    if (from != to) {
        *out++ = *from;
    }
    return out;
}

/// The part of take_back() that is about one block of memory, of which the words begin at @p first.
word_change* take_back_block(std::byte* block, std::size_t nr, const std::uint64_t* words, std::size_t first,
                             word_change* out)
{
    constexpr std::size_t group = 8;
    for (std::size_t i = 0; i < nr; i += group) {
        if (i + group <= nr && !differs(block + i * 8, words + i)) {
            continue; // most groups are as they were
        }
        for (std::size_t n = i; n < std::min(i + group, nr); ++n) {
            const std::uint64_t now = load(block + n * 8);
            if (now != words[n]) {
                *out++ = {first + n, now};
                std::memcpy(block + n * 8, words + n, 8);
            }
        }
    }
    return out;
}

std::byte* bytes_of(surroundings& around)
{
    return reinterpret_cast<std::byte*>(&around);
}

} // namespace

state_packer::state_packer(const explored_world& world)
    : machine_words_(world.state().bytes().size() / 8), nr_maps_((machine_words_ + around_words + 63) / bits_of_map)
{
    SIM_CHECK(world.state().bytes().size() % 8 == 0);
    base_.resize(machine_words_ + around_words);
    std::memcpy(base_.data(), world.state().bytes().data(), machine_words_ * 8);
    std::memcpy(base_.data() + machine_words_, &world.around(), sizeof(surroundings));
}

std::size_t state_packer::pack_initial(std::uint64_t* out) const
{
    std::fill_n(out, header_words + nr_maps_, 0);
    return header_words + nr_maps_;
}

/// Between two changes the parent's words are copied: how many they are, its bitmap says.
std::size_t state_packer::pack(const std::uint64_t* parent, std::span<const word_change> changes, const fingerprint& f,
                               std::uint64_t* out) const
{
    const std::uint64_t* const maps = parent + header_words;
    out[0] = f.low;
    out[1] = f.high;
    std::uint64_t* const new_maps = std::copy_n(maps, nr_maps_, out + header_words) - nr_maps_;
    std::uint64_t* next = new_maps + nr_maps_;
    const std::uint64_t* from = maps + nr_maps_; // of the parent's words, what comes next
    const std::uint64_t* first_of_map = from;
    std::size_t map = 0;
    for (const word_change& c : changes) {
        for (; map < c.at / bits_of_map; ++map) {
            first_of_map += std::popcount(maps[map]);
        }
        const std::uint64_t bit = bit_at(c.at);
        const std::uint64_t* const here = first_of_map + std::popcount(maps[map] & (bit - 1));
        next = copy_few(from, here, next);
        from = here + ((maps[map] & bit) != 0 ? 1 : 0);
        if (c.now != base_[c.at]) {
            *next++ = c.now;
            new_maps[map] |= bit;
        } else {
            new_maps[map] &= ~bit;
        }
    }
    for (; map < nr_maps_; ++map) {
        first_of_map += std::popcount(maps[map]);
    }
    next = copy_few(from, first_of_map, next);
    return static_cast<std::size_t>(next - out);
}

void state_packer::unpack(const std::uint64_t* in, std::uint64_t* words) const
{
    std::copy(base_.begin(), base_.end(), words);
    const std::uint64_t* const maps = in + header_words;
    const std::uint64_t* next = maps + nr_maps_;
    for (std::size_t map = 0; map < nr_maps_; ++map) {
        for (std::uint64_t bits = maps[map]; bits != 0; bits &= bits - 1) {
            words[map * bits_of_map + static_cast<unsigned>(std::countr_zero(bits))] = *next++;
        }
    }
}

void state_packer::put(const std::uint64_t* words, explored_world& world) const
{
    std::memcpy(world.state().bytes().data(), words, machine_words_ * 8);
    std::memcpy(bytes_of(world.around()), words + machine_words_, sizeof(surroundings));
}

std::size_t state_packer::take_back(explored_world& world, const std::uint64_t* words, word_change* changes) const
{
    word_change* end = take_back_block(world.state().bytes().data(), machine_words_, words, 0, changes);
    end = take_back_block(bytes_of(world.around()), around_words, words + machine_words_, machine_words_, end);
    return static_cast<std::size_t>(end - changes);
}

fingerprint state_packer::changed(fingerprint f, const std::uint64_t* words, std::span<const word_change> changes) const
{
    for (const word_change& c : changes) {
        if (words[c.at] != base_[c.at]) {
            add(f, fingerprint_of(c.at, words[c.at]));
        }
        if (c.now != base_[c.at]) {
            add(f, fingerprint_of(c.at, c.now));
        }
    }
    return f;
}

fingerprint fingerprint_of(std::size_t at, std::uint64_t word)
{
    const std::uint64_t input[2] = {word, at};
    const XXH128_hash_t hash = XXH3_128bits(input, sizeof input);
    return {hash.low64, static_cast<std::uint8_t>(hash.high64)};
}

} // namespace pairsim
