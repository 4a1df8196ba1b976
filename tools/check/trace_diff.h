// SPDX-License-Identifier: GPL-2.0-only
//
// pairsim diff: where two traces of pairsim part.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/io/own_trace.h"

namespace pairsim {

struct trace_divergence {
    std::uint64_t record = 0;         ///< its number, from 1; 0: the headers differ
    std::string header_key;           ///< of the headers: the first key that differs
    std::vector<trace_record> before; ///< the last records that both have
    std::vector<trace_record> first;  ///< what the first trace goes on with; empty: it has ended
    std::vector<trace_record> second;
};

/// Compares the traces in @p first_path and @p second_path record by record, whatever their formats, and keeps
/// @p context records around the first difference. Nothing: they are equal. Throws input_error.
std::optional<trace_divergence> diff_traces(const std::string& first_path, const std::string& second_path,
                                            std::size_t context);

/// Records as JSON lines: common ones after two blanks, then each trace's own after < and >.
std::string diff_text(const trace_divergence& d, const std::string& first_path, const std::string& second_path);

} // namespace pairsim
