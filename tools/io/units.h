// SPDX-License-Identifier: GPL-2.0-only
//
// Texts that stand for a quantity: durations, lists of CPUs, JSON pointers. A parser gives the value, or says what is
// wrong with the text and how to write it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sim/time.h"

namespace pairsim {

struct parse_failure {
    std::string what;
    std::string remedy;
};

template <class T>
using parsed = std::variant<T, parse_failure>;

inline constexpr std::uint32_t max_cpus = 4096;

/// "20ms", "1.5us", "250ns", "2s", or "0": a whole number of nanoseconds from 0 to max_duration.
parsed<nanoseconds> parse_duration(std::string_view text);

/// The shortest text in the largest unit that is not above @p d: "1.5us". parse_duration() gives @p d back.
std::string format_duration(nanoseconds d);

/// "0-3,5" as {0, 1, 2, 3, 5}: in order, each CPU once, all below max_cpus.
parsed<std::vector<std::uint32_t>> parse_cpu_list(std::string_view text);

/// @p pointer with one more token, escaped as RFC 6901 says.
std::string append_pointer(std::string_view pointer, std::string_view token);

/// The tokens of a JSON pointer, unescaped.
parsed<std::vector<std::string>> split_pointer(std::string_view pointer);

} // namespace pairsim
