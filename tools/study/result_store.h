// SPDX-License-Identifier: GPL-2.0-only
//
// Results on disk: one JSON line a run, appended as runs end, and put in the study's order when all are there. A line
// is either whole or it is cut off when the file is next opened, so a kill at any instant costs the runs in flight.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tools/study/study.h"

namespace pairsim {

/// One run's result.
struct run_record {
    std::string id;
    std::uint64_t seed = 0;
    std::string version;
    std::string digest;
    std::string exit = "none";                 ///< how the modelled scheduler ended
    std::vector<std::optional<double>> values; ///< of study::metrics
    friend bool operator==(const run_record&, const run_record&) = default;
};

/// The line of a run, with its end of line: docs/reference/study-format.md.
std::string line_of(const study& s, const study_point& point, const run_record& record);

/// What the line @p line has as "id" or "version"; empty if it has no such text.
std::string text_in_line(std::string_view line, const char* key);

/// Which run of a study an id is.
struct run_place {
    std::size_t point = 0;
    std::uint32_t replication = 0;
};

/// All results of a study that some files hold.
class result_set {
public:
    explicit result_set(const study& s);

    /// What became of a line.
    enum class taken : std::uint8_t {
        added,
        duplicate, ///< equal to one that is there
        conflict,  ///< the same run with another outcome
        foreign,   ///< no run of this study and version
        broken,    ///< no result at all
    };
    taken add_line(std::string_view line);
    void add(run_place place, run_record record);

    const study& of() const { return study_; }
    const std::optional<run_record>& at(std::size_t point, std::uint32_t replication) const;
    std::size_t size() const { return size_; }
    /// Runs of @p point from its first replication on without a gap.
    std::uint32_t runs_of(std::size_t point) const;

    /// All lines in the study's order.
    std::string lines() const;
    /// The same as a table, one row a run.
    std::string csv() const;

private:
    const study& study_;
    std::map<std::string, run_place, std::less<>> places_;
    std::vector<std::vector<std::optional<run_record>>> records_; ///< [point][replication]
    std::size_t size_ = 0;
};

/// A results file that is being written. One process at a time: a second one gets an error.
class result_file {
public:
    /// Opens or makes @p path, takes the lock, cuts off a torn last line. Throws std::system_error.
    explicit result_file(std::string path);
    ~result_file();
    result_file(const result_file&) = delete;
    result_file& operator=(const result_file&) = delete;

    /// The whole lines that were there when it was opened, without their ends.
    const std::vector<std::string>& lines() const { return lines_; }
    /// Adds a line. If it cannot be written in full, the file is as before and std::system_error is thrown.
    void append(const std::string& line);

private:
    [[noreturn]] void fail(const char* what, int error) const;

    std::string path_;
    int fd_ = -1;
    std::vector<std::string> lines_;
};

/// The whole lines of @p path, without their ends; a torn last line is left out.
std::vector<std::string> read_lines(const std::string& path);

} // namespace pairsim
