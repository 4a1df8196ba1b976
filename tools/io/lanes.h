// SPDX-License-Identifier: GPL-2.0-only
//
// A schedule as text: one row a CPU, one column a span of time, the CPUs of a pair one under the other. A cell shows
// what held longest in its column (of equals, what came first). How to read it: docs/how-to/read-lanes.md.
#pragma once

#include <string>
#include <vector>

#include "model/observed_state.h"
#include "tools/io/scenario.h"

namespace pairsim {

struct lanes_options {
    sim_time from{};
    sim_time to{};      ///< above `from`
    nanoseconds step{}; ///< 0: the smallest of 1, 2, 5, 10, ... ns that gives at most auto_columns

    static constexpr std::int64_t auto_columns = 80;
    static constexpr std::int64_t max_columns = 10'000;
};

/// The step that @p options ask for. Throws input_error if they ask for more than max_columns, or for nothing.
nanoseconds lanes_step(const lanes_options& options);

class lanes final : public trace_sink {
public:
    /// @p what must outlive the object.
    lanes(const scenario& what, const pair_map& pairs, const lanes_options& options);

    void on_records(std::span<const trace_record> records) override;
    /// The picture, its ruler and its legend. To be called once; nothing is drawn after @p end.
    std::string finish(sim_time end);

private:
    using symbol = std::uint32_t; ///< one of blank, idle, draining, higher, or first_cgroup + a cgroup's index
    static constexpr symbol blank = 0;
    static constexpr symbol idle = 1;
    static constexpr symbol draining = 2;
    static constexpr symbol higher = 3;
    static constexpr symbol first_cgroup = 4;

    struct lane {
        symbol shows = idle;
        sim_time since{};
        std::size_t column = 0; ///< the column that `held` is about
        std::vector<std::pair<symbol, std::int64_t>> held;
        std::vector<symbol> cells;
        std::vector<char> kicked;
    };
    struct pair_marks {
        bool broken = false;
        sim_time since{};
        std::vector<char> columns;
    };

    symbol symbol_of(cpu_id cpu) const;
    void update(cpu_id cpu, sim_time t);
    void update_pair(std::uint32_t pair, sim_time t);
    void hold(lane& l, sim_time from, sim_time to);
    static void close_column(lane& l);
    void mark(std::vector<char>& columns, sim_time from, sim_time to) const;
    std::size_t column_of(sim_time t) const;
    char letter_of(symbol s) const;
    std::string ruler(std::size_t columns) const;
    std::string row(const lane& l, std::size_t columns) const;
    std::string legend() const;

    const scenario& what_;
    lanes_options options_;
    observed_state state_;
    std::size_t columns_;
    std::vector<lane> lanes_;
    std::vector<pair_marks> marks_;
    std::vector<char> letters_; ///< by cgroup
};

} // namespace pairsim
