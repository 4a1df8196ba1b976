// SPDX-License-Identifier: GPL-2.0-only
//
// Runs what a study still lacks, on all cores. What is written does not depend on the number of threads.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "tools/io/shard.h"
#include "tools/study/result_store.h"

namespace pairsim {

struct study_options {
    std::string folder;   ///< of the results; made if missing
    unsigned threads = 1; ///< 1 or more
    std::optional<shard_id> shard;
    bool show_progress = false; ///< on standard error
};

struct study_outcome {
    std::size_t nr_runs = 0;      ///< of the shard
    std::size_t nr_new = 0;       ///< not found in the folder
    std::size_t nr_set_aside = 0; ///< lines of other studies or versions, moved to others.jsonl
    std::string file;             ///< with the results
};

/// Names of the files in a folder of results.
std::string runs_file(const std::string& folder);
std::string csv_file(const std::string& folder);
std::string shard_file(const std::string& folder, shard_id shard);
std::string others_file(const std::string& folder);

/// Writes @p text to @p path, in full or not at all. Throws std::system_error.
void write_whole_file(const std::string& path, const std::string& text);

/// How many runs @p point must have, as far as @p results can tell: the replications, or with `until` the next number
/// at which the precision is looked at. Depends on the first replications alone, not on the order of their arrival.
std::uint32_t wanted_runs(const result_set& results, std::size_t point);

bool in_shard(const study& s, const std::optional<shard_id>& shard, run_place run);

/// Throws std::system_error if results cannot be written, input_error if the folder holds what is no result.
study_outcome run_study(const study& s, const study_options& options);

/// Takes the lines of @p file into @p results. Returns those that belong to another study or version. Throws
/// input_error for a line that is no result or contradicts another.
std::vector<std::string> take_lines(result_set& results, const std::string& file,
                                    const std::vector<std::string>& lines);

/// One run.
run_record run_once(const study& s, run_place run);

} // namespace pairsim
