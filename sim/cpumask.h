// SPDX-License-Identifier: GPL-2.0-only
//
// Sets of CPUs: `cpumask` owns its bits (configuration), `cpumask_view` looks at bits inside a machine's state.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sim/ids.h"

namespace pairsim {

constexpr std::size_t cpumask_words(std::size_t nr_cpus)
{
    return (nr_cpus + 63) / 64;
}

constexpr bool test_cpu(std::span<const std::uint64_t> bits, cpu_id cpu)
{
    return ((bits[cpu.value / 64U] >> (cpu.value % 64U)) & 1U) != 0;
}

constexpr void set_cpu(std::span<std::uint64_t> bits, cpu_id cpu)
{
    bits[cpu.value / 64U] |= std::uint64_t{1} << (cpu.value % 64U);
}

constexpr void clear_cpu(std::span<std::uint64_t> bits, cpu_id cpu)
{
    bits[cpu.value / 64U] &= ~(std::uint64_t{1} << (cpu.value % 64U));
}

/// A set of CPUs of one machine.
class cpumask {
public:
    cpumask() = default;
    explicit cpumask(std::size_t nr_cpus) : words_(cpumask_words(nr_cpus)) {}

    static cpumask all(std::size_t nr_cpus)
    {
        cpumask mask(nr_cpus);
        for (std::size_t i = 0; i < nr_cpus; ++i) {
            mask.set(cpu_id{static_cast<std::uint16_t>(i)});
        }
        return mask;
    }

    bool test(cpu_id cpu) const { return test_cpu(words_, cpu); }
    void set(cpu_id cpu) { set_cpu(words_, cpu); }
    std::span<const std::uint64_t> words() const { return words_; }

    /// Number of CPUs in the set (kernel: p->nr_cpus_allowed).
    std::size_t weight() const
    {
        std::size_t n = 0;
        for (const auto word : words_) {
            n += static_cast<std::size_t>(std::popcount(word));
        }
        return n;
    }

    friend bool operator==(const cpumask&, const cpumask&) = default;

private:
    std::vector<std::uint64_t> words_;
};

} // namespace pairsim
