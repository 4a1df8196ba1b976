// SPDX-License-Identifier: GPL-2.0-only
#include "sim/digest.h"

#include <bit>

#include <fmt/format.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace pairsim {
namespace {

template <class T>
void put_le(std::byte*& out, T value)
{
    const auto bits = static_cast<std::uint64_t>(value);
    for (std::size_t i = 0; i < sizeof(T); ++i) {
        *out++ = static_cast<std::byte>(bits >> (8 * i));
    }
}

} // namespace

struct trace_digest::hash_state {
    XXH3_state_t xxh;
};

std::array<std::byte, sizeof(trace_record)> canonical_bytes(const trace_record& r)
{
    std::array<std::byte, sizeof(trace_record)> bytes{};
    std::byte* out = bytes.data();
    put_le(out, to_ns(r.at));
    put_le(out, r.cpu.value);
    put_le(out, static_cast<std::uint8_t>(r.kind));
    put_le(out, r.reason);
    put_le(out, r.task.value);
    put_le(out, r.a);
    put_le(out, r.b);
    put_le(out, r.value);
    return bytes;
}

trace_digest::trace_digest() : state_(std::make_unique<hash_state>())
{
    XXH3_128bits_reset(&state_->xxh);
}

trace_digest::~trace_digest() = default;

void trace_digest::on_records(std::span<const trace_record> records)
{
    if constexpr (std::endian::native == std::endian::little) {
        static_assert(std::has_unique_object_representations_v<trace_record>);
        XXH3_128bits_update(&state_->xxh, records.data(), records.size_bytes()); // memory is canonical already
    } else {
        for (const trace_record& r : records) {
            const auto bytes = canonical_bytes(r);
            XXH3_128bits_update(&state_->xxh, bytes.data(), bytes.size());
        }
    }
}

std::string trace_digest::hex() const
{
    const XXH128_hash_t hash = XXH3_128bits_digest(&state_->xxh);
    return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

} // namespace pairsim
