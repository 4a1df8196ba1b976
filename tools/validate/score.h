// SPDX-License-Identifier: GPL-2.0-only
//
// How well simulated runs of a case agree with the measured ones, number by number.
#pragma once

#include <string>
#include <vector>

#include "tools/validate/measured_case.h"

namespace pairsim {

/// What a cell's number is, which decides the floor of the agreement.
enum class cell_unit : std::uint8_t {
    rate,  ///< events a second
    share, ///< of the pairs' time
    word,  ///< how the run ended
};

struct spread {
    double min = 0;
    double median = 0;
    double max = 0;
};
spread spread_of(std::vector<double> values);

/// One number of a case on both sides.
struct cell {
    std::string metric; ///< "counters/nr_total", "cpu_share/A", ...
    cell_unit unit = cell_unit::rate;
    spread kernel;
    spread ours;
    double low = 0;          ///< our median agrees from here
    double high = 0;         ///< to here
    std::string kernel_word; ///< of cell_unit::word: the ways in which runs ended
    std::string our_word;    ///< the most frequent one
    bool agrees = false;
    /// How far the median lies outside, in widths of the interval; 0 inside.
    double distance() const;
};

struct case_score {
    std::string name;
    bool weak = false; ///< one recorded run: its spread is unknown
    std::vector<cell> cells;
    std::size_t nr_agree() const;
};

/// The rule: our median over seeds lies in the kernel's [min, max] over its runs, widened at both ends by 10 % of
/// their median plus a floor: three events, or 0.5 % of the pairs' time.
case_score score_case(const measured_case& c, const std::vector<run_numbers>& simulated);

/// Numbers of a run that are compared, in the order of the table.
struct named_number {
    std::string metric;
    cell_unit unit = cell_unit::rate;
    double value = 0;
};
std::vector<named_number> numbers_of(const measured_case& c, const run_numbers& run);

} // namespace pairsim
