// SPDX-License-Identifier: GPL-2.0-only
#include "tools/io/lanes.h"

#include <algorithm>

#include <fmt/format.h>

#include "tools/io/input_error.h"
#include "tools/io/units.h"

namespace pairsim {
namespace {

constexpr std::size_t label_width = 10;
constexpr std::size_t page_width = 100;
constexpr std::size_t ruler_every = 20; ///< columns

std::size_t columns_for(const lanes_options& o, nanoseconds step)
{
    const std::int64_t span = (o.to - o.from).count();
    return static_cast<std::size_t>((span + step.count() - 1) / step.count());
}

/// Letters for the cgroups that tasks can be in, in cgroup order; '?' once they run out.
std::vector<char> letters_for(const workload& work)
{
    std::vector<char> letters(work.cgroups.size(), 0);
    for (const auto& task : work.tasks) {
        letters[task.cgroup.value] = 1;
        for (const auto& p : task.program) {
            if (p.kind == phase::op::move && p.arg < letters.size()) {
                letters[p.arg] = 1;
            }
        }
    }
    for (const auto& event : work.outside) {
        if (event.kind == phase::op::move && event.arg < letters.size()) {
            letters[event.arg] = 1;
        }
    }
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    std::size_t next = 0;
    for (auto& letter : letters) {
        if (letter != 0) {
            letter = next < alphabet.size() ? alphabet[next] : '?';
            ++next;
        }
    }
    return letters;
}

} // namespace

nanoseconds lanes_step(const lanes_options& o)
{
    if (o.to <= o.from) {
        throw input_error({{"--lanes", "", "the end is not after the beginning", "write FROM..TO, as in 0..100ms"}});
    }
    if (o.step.count() != 0) {
        if (columns_for(o, o.step) > static_cast<std::size_t>(lanes_options::max_columns)) {
            throw input_error({{"--lanes", "",
                                fmt::format("{} columns of {} are more than {}", columns_for(o, o.step),
                                            format_duration(o.step), lanes_options::max_columns),
                                "choose a longer step or a shorter time"}});
        }
        return o.step;
    }
    std::int64_t unit = 1;
    while (true) {
        for (const std::int64_t step : {unit, 2 * unit, 5 * unit}) {
            if (columns_for(o, nanoseconds{step}) <= static_cast<std::size_t>(lanes_options::auto_columns)) {
                return nanoseconds{step};
            }
        }
        unit *= 10;
    }
}

lanes::lanes(const scenario& what, const pair_map& pairs, const lanes_options& options)
    : what_(what), options_(options), state_(what.machine.nr_cpus(), what.work.tasks.size(), pairs),
      lanes_(what.machine.nr_cpus()), marks_(pairs.pairs.size()), letters_(letters_for(what.work))
{
    options_.step = lanes_step(options);
    columns_ = columns_for(options_, options_.step);
    for (auto& l : lanes_) {
        l.cells.assign(columns_, blank);
        l.kicked.assign(columns_, 0);
    }
    for (auto& m : marks_) {
        m.columns.assign(columns_, 0);
    }
}

std::size_t lanes::column_of(sim_time t) const
{
    return static_cast<std::size_t>((t - options_.from).count() / options_.step.count());
}

lanes::symbol lanes::symbol_of(cpu_id cpu) const
{
    const auto& c = state_.cpu(cpu);
    if (c.runs_task()) {
        return first_cgroup + c.cgroup.value;
    }
    if (is_higher(c.current)) {
        return higher;
    }
    const auto i = state_.pair_of(cpu);
    return i != observed_state::no_pair && state_.pair(i).draining() ? draining : idle;
}

void lanes::on_records(std::span<const trace_record> records)
{
    for (const auto& r : records) {
        state_.apply(r);
        if (r.at >= options_.to) {
            continue;
        }
        const auto pair = state_.touched_pair(r);
        if (pair != observed_state::no_pair) {
            update_pair(pair, r.at);
        } else if (r.kind == record_kind::sched_switch) {
            update(r.cpu, r.at);
        } else if (r.kind == record_kind::task_move && state_.task(r.task).cpu != no_cpu) {
            update(state_.task(r.task).cpu, r.at);
        }
        const bool reached = r.kind == record_kind::kick_serviced &&
                             static_cast<kick_effect>(r.reason) != kick_effect::skipped && r.at >= options_.from;
        if (reached) {
            lanes_[r.a].kicked[column_of(r.at)] = 1;
        }
    }
}

void lanes::update_pair(std::uint32_t pair, sim_time t)
{
    const auto& p = state_.pair(pair);
    update(p.cpus[0], t);
    update(p.cpus[1], t);
    pair_marks& m = marks_[pair];
    const bool broken = state_.breaks_exclusive(p) || state_.side_run_beside(p) >= 0;
    if (broken != m.broken) {
        if (m.broken) {
            mark(m.columns, m.since, t);
        }
        m.broken = broken;
        m.since = t;
    }
}

void lanes::update(cpu_id cpu, sim_time t)
{
    lane& l = lanes_[cpu.value];
    const symbol now = symbol_of(cpu);
    if (now != l.shows) {
        hold(l, l.since, t);
        l.shows = now;
        l.since = t;
    }
}

/// The lane showed the same from @p from to @p to.
void lanes::hold(lane& l, sim_time from, sim_time to)
{
    from = std::max(from, options_.from);
    to = std::min(to, options_.to);
    while (from < to) {
        const std::size_t column = column_of(from);
        const sim_time next = std::min(to, options_.from + options_.step * static_cast<std::int64_t>(column + 1));
        if (column != l.column) {
            close_column(l);
            l.column = column;
        }
        const auto same = std::find_if(l.held.begin(), l.held.end(), [&](const auto& h) { return h.first == l.shows; });
        if (same == l.held.end()) {
            l.held.emplace_back(l.shows, (next - from).count());
        } else {
            same->second += (next - from).count();
        }
        from = next;
    }
}

void lanes::close_column(lane& l)
{
    const auto longest = std::max_element(l.held.begin(), l.held.end(),
                                          [](const auto& a, const auto& b) { return a.second < b.second; });
    if (longest != l.held.end()) {
        l.cells[l.column] = longest->first;
    }
    l.held.clear();
}

/// Marks each column that [@p from, @p to) touches.
void lanes::mark(std::vector<char>& columns, sim_time from, sim_time to) const
{
    from = std::max(from, options_.from);
    to = std::min(to, options_.to);
    if (from < to) {
        const std::size_t last = column_of(to - nanoseconds{1});
        for (std::size_t i = column_of(from); i <= last; ++i) {
            columns[i] = 1;
        }
    }
}

// ---- the picture --------------------------------------------------------------------------------------------------

char lanes::letter_of(symbol s) const
{
    constexpr std::string_view signs = " _.#";
    if (s < first_cgroup) {
        return signs[s];
    }
    const char letter = letters_[s - first_cgroup];
    return letter != 0 ? letter : '?';
}

std::string lanes::ruler(std::size_t columns) const
{
    std::string labels(label_width, ' ');
    std::string ticks(label_width, ' ');
    for (std::size_t i = 0; i < columns; i += ruler_every) {
        const auto label =
            format_duration(options_.from.time_since_epoch() + options_.step * static_cast<std::int64_t>(i));
        if (label.size() < ruler_every && labels.size() <= label_width + i) {
            labels.resize(label_width + i, ' ');
            labels += label;
        }
        ticks.resize(label_width + i, ' ');
        ticks += '|';
    }
    return labels + "\n" + ticks + "\n";
}

std::string lanes::row(const lane& l, std::size_t columns) const
{
    std::string text;
    for (std::size_t i = 0; i < columns; ++i) {
        text += l.kicked[i] != 0 ? '!' : letter_of(l.cells[i]);
    }
    return text;
}

std::string lanes::legend() const
{
    std::string text =
        fmt::format("one column = {}, showing what held longest in it\n", format_duration(options_.step));
    std::string line;
    const auto add = [&](const std::string& item) {
        if (line.size() + item.size() + 2 > page_width) {
            text += line + "\n";
            line.clear();
        }
        line += (line.empty() ? "" : "  ") + item;
    };
    for (std::size_t i = 0; i < letters_.size(); ++i) {
        if (letters_[i] != 0) {
            add(fmt::format("{} {}", letters_[i], what_.work.cgroups[i].name));
        }
    }
    text += line + "\n";
    text += "_ idle  . idle while the pair drains  # a higher class  ! a kick arrived\n"
            "^ two cgroups on the pair at once, or a task beside a higher class\n";
    return text;
}

std::string lanes::finish(sim_time end)
{
    end = std::min(end, options_.to);
    for (auto& l : lanes_) {
        hold(l, l.since, end);
        close_column(l);
    }
    for (auto& m : marks_) {
        if (m.broken) {
            mark(m.columns, m.since, end);
        }
    }
    const std::size_t columns = end <= options_.from ? 0 : column_of(end - nanoseconds{1}) + 1;
    std::string text = ruler(columns);
    const auto add_cpu = [&](cpu_id cpu) {
        text +=
            fmt::format("{:<{}}{}\n", fmt::format("cpu{}", cpu.value), label_width, row(lanes_[cpu.value], columns));
    };
    for (std::size_t i = 0; i < marks_.size(); ++i) {
        const auto& p = state_.pair(static_cast<std::uint32_t>(i));
        text += i != 0 ? "\n" : "";
        add_cpu(p.cpus[0]);
        add_cpu(p.cpus[1]);
        std::string marks(label_width, ' ');
        for (std::size_t c = 0; c < columns; ++c) {
            marks += marks_[i].columns[c] != 0 ? '^' : ' ';
        }
        if (const auto last = marks.find_last_not_of(' '); last != std::string::npos) {
            text += marks.substr(0, last + 1) + "\n";
        }
    }
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
        const cpu_id cpu{static_cast<std::uint16_t>(i)};
        if (state_.pair_of(cpu) == observed_state::no_pair) {
            add_cpu(cpu);
        }
    }
    return text + "\n" + legend();
}

} // namespace pairsim
