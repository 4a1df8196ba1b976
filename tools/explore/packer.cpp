// SPDX-License-Identifier: GPL-2.0-only
#include "tools/explore/packer.h"

#include <bit>

#include "sim/check.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace pairsim {
namespace {

constexpr std::size_t group = 8;
constexpr std::size_t around_words = sizeof(surroundings) / 8;

} // namespace

state_packer::state_packer(const explored_world& world)
    : machine_words_(world.state().bytes().size() / 8), nr_maps_((machine_words_ + around_words + 63) / 64)
{
    SIM_CHECK(world.state().bytes().size() % 8 == 0);
    base_.resize(machine_words_ + around_words);
    std::memcpy(base_.data(), world.state().bytes().data(), machine_words_ * 8);
    std::memcpy(base_.data() + machine_words_, &world.around(), sizeof(surroundings));
}

std::size_t state_packer::pack(const explored_world& world, std::uint64_t* out) const
{
    const auto* machine = reinterpret_cast<const std::uint64_t*>(world.state().bytes().data());
    std::uint64_t around[around_words];
    std::memcpy(around, &world.around(), sizeof around);
    std::uint64_t* next = out + nr_maps_;
    for (std::size_t map = 0; map < nr_maps_; ++map) {
        std::uint64_t bits = 0;
        const std::size_t first = map * 64;
        const std::size_t in_machine = first < machine_words_ ? std::min<std::size_t>(64, machine_words_ - first) : 0;
        std::size_t done = 0;
        for (; done + group <= in_machine; done += group) { // most groups are as they were
            const std::uint64_t* now = machine + first + done;
            const std::uint64_t* was = base_.data() + first + done;
            std::uint64_t differs = 0;
            for (std::size_t i = 0; i < group; ++i) {
                differs |= now[i] ^ was[i];
            }
            for (std::size_t i = 0; differs != 0 && i < group; ++i) {
                bits |= static_cast<std::uint64_t>(now[i] != was[i]) << (done + i);
            }
        }
        for (std::size_t i = done; i < in_machine; ++i) {
            bits |= static_cast<std::uint64_t>(machine[first + i] != base_[first + i]) << i;
        }
        for (std::size_t i = in_machine; i < 64 && first + i < base_.size(); ++i) {
            bits |= static_cast<std::uint64_t>(around[first + i - machine_words_] != base_[first + i]) << i;
        }
        out[map] = bits;
        for (; bits != 0; bits &= bits - 1) {
            const std::size_t at = first + static_cast<unsigned>(std::countr_zero(bits));
            *next++ = at < machine_words_ ? machine[at] : around[at - machine_words_];
        }
    }
    return static_cast<std::size_t>(next - out);
}

void state_packer::unpack(const std::uint64_t* in, explored_world& world) const
{
    auto* machine = reinterpret_cast<std::uint64_t*>(world.state().bytes().data());
    std::uint64_t around[around_words];
    std::memcpy(machine, base_.data(), machine_words_ * 8);
    std::memcpy(around, base_.data() + machine_words_, sizeof around);
    const std::uint64_t* next = in + nr_maps_;
    for (std::size_t map = 0; map < nr_maps_; ++map) {
        for (std::uint64_t bits = in[map]; bits != 0; bits &= bits - 1) {
            const std::size_t at = map * 64 + static_cast<unsigned>(std::countr_zero(bits));
            (at < machine_words_ ? machine[at] : around[at - machine_words_]) = *next++;
        }
    }
    std::memcpy(&world.around(), around, sizeof around);
}

fingerprint fingerprint_of(std::span<const std::uint64_t> packed)
{
    const XXH128_hash_t hash = XXH3_128bits(packed.data(), packed.size_bytes());
    return {hash.low64, static_cast<std::uint8_t>(hash.high64)};
}

} // namespace pairsim
