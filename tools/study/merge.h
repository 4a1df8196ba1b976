// SPDX-License-Identifier: GPL-2.0-only
//
// Results that were made apart, put together and checked; and how far a study has come.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tools/study/result_store.h"

namespace pairsim {

/// The results files in @p folder, in the order of their names; others.jsonl is not among them.
std::vector<std::string> result_files(const std::string& folder);

/// Everything that is known of a study's runs.
struct gathered {
    result_set results;
    std::size_t nr_duplicates = 0;
    std::vector<run_place> missing; ///< as far as the results can tell: `until` may want more
    struct of_file {
        std::string file;
        std::size_t nr_lines = 0;
        std::size_t nr_foreign = 0;  ///< of another study or version
        std::string foreign_version; ///< of the first of them
        std::size_t first_foreign_line = 0;
    };
    std::vector<of_file> files;
};

/// Reads @p files. Throws input_error for a line that is no result or contradicts another, std::system_error for a
/// file that cannot be read.
gathered gather(const study& s, const std::vector<std::string>& files);

/// gather(), and writes runs.jsonl and runs.csv into @p folder. Throws input_error, with nothing written, if a file
/// has runs of another study or version.
gathered merge_results(const study& s, const std::string& folder, const std::vector<std::string>& files);

/// "batch_duration=20ms, seed 3".
std::string describe_run(const study& s, run_place run);

} // namespace pairsim
