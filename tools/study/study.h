// SPDX-License-Identifier: GPL-2.0-only
//
// A study as its file says it, validated: docs/reference/study-format.md. And what follows from it alone: its points
// and runs, in the order in which results are written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/io/scenario_loader.h"
#include "tools/study/metric_set.h"

namespace pairsim {

/// One value of a factor, or of several that vary together.
struct axis_level {
    std::vector<std::string> labels; ///< of each factor of the axis
    std::vector<setting> settings;   ///< of each factor of the axis
    std::string at;                  ///< JSON pointer in the study file
};

/// A factor, or several that are zipped.
struct study_axis {
    std::vector<std::string> factors;
    std::vector<axis_level> levels;
};

struct until_rule {
    std::string metric;
    double relative_half_width = 0.01;
    std::uint32_t max_replications = 100;
};

struct recommend_rule {
    std::string factor;
    double throughput_loss = 0.02; ///< as a part of the best throughput
    double latency_loss = 0.1;     ///< as a part of the lowest p99 of the points that are left
};

/// A combination of levels: what is repeated with different seeds.
struct study_point {
    std::vector<std::size_t> levels; ///< of each axis
    std::vector<std::string> labels; ///< of each factor
    std::vector<setting> settings;   ///< in place of the base scenario's values
    std::string id;                  ///< hash of what determines its runs, seeds aside
};

struct study {
    std::string file;
    std::string name;
    std::string description;
    json base;             ///< the base scenario
    std::string base_path; ///< its file; of the study if it is in place
    bool base_in_place = false;
    std::uint64_t first_seed = 1;
    std::uint32_t replications = 1;
    std::optional<until_rule> until;
    std::vector<study_axis> axes;
    std::vector<std::string> factors; ///< of all axes, in order
    std::vector<metric> metrics;
    std::vector<std::pair<std::string, std::string>> baseline; ///< factor and label
    double confidence = 0.95;
    std::optional<recommend_rule> recommend;
    std::vector<study_point> points; ///< the first axis varies slowest

    std::uint64_t seed_of(std::uint32_t replication) const { return first_seed + replication; }
    /// Most runs that a point can have.
    std::uint32_t most_replications() const { return until ? until->max_replications : replications; }
    /// Index in `factors`; nothing if there is no such factor.
    std::optional<std::size_t> factor_index(const std::string& name) const;
    std::optional<std::size_t> metric_index(const std::string& name) const;
};

/// The scenario of one run. @p replication counts from 0.
scenario scenario_of(const study& s, const study_point& point, std::uint32_t replication);
/// The same as a document, complete but for the machine files that it names.
json document_of(const study& s, const study_point& point, std::uint32_t replication);

/// Hash of everything that determines a run: version, scenario with its machine files, seed, metrics. 32 hex digits.
std::string run_id(const study_point& point, std::uint64_t seed);

/// study_point::id, of all that a point's scenario was read from (the scenario first) and the metrics to keep.
std::string point_id(const std::vector<json>& sources, const std::vector<metric>& metrics);

/// Like "batch_duration=20ms scheduler=fifo".
std::string describe(const study& s, const study_point& point);

/// The point that @p point is compared with, by index; nothing if the study has no baseline.
std::optional<std::size_t> baseline_of(const study& s, const study_point& point);

/// The command that repeats a run.
std::string reproduce_command(const study& s, const study_point& point, std::uint32_t replication);

} // namespace pairsim
