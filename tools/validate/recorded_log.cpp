// SPDX-License-Identifier: GPL-2.0-only
//
// The CSV files of a recorded run.
#include <algorithm>
#include <charconv>
#include <map>

#include <fmt/format.h>

#include "tools/io/input_error.h"
#include "tools/validate/sched_log.h"
#include "tools/validate/xz_file.h"

namespace pairsim {
namespace {

/// Fields of a line; the measurement's CSV has no quotes.
void split(std::string_view line, std::vector<std::string_view>& fields)
{
    fields.clear();
    while (true) {
        const auto comma = line.find(',');
        fields.push_back(line.substr(0, comma));
        if (comma == std::string_view::npos) {
            return;
        }
        line.remove_prefix(comma + 1);
    }
}

class csv_file {
public:
    csv_file(std::string path, std::size_t nr_fields)
        : path_(std::move(path)), text_(read_xz(path_)), rest_(text_), nr_fields_(nr_fields)
    {
        next(); // the header
    }

    bool next()
    {
        if (rest_.empty()) {
            return false;
        }
        const auto end = rest_.find('\n');
        split(rest_.substr(0, end), fields_);
        rest_ = end == std::string_view::npos ? std::string_view{} : rest_.substr(end + 1);
        ++line_;
        if (fields_.size() != nr_fields_) {
            fail(fmt::format("{} fields instead of {}", fields_.size(), nr_fields_));
        }
        return true;
    }
    std::string_view text(std::size_t i) const { return fields_[i]; }
    std::int64_t number(std::size_t i) const
    {
        std::int64_t n = 0;
        const auto [end, error] = std::from_chars(fields_[i].data(), fields_[i].data() + fields_[i].size(), n);
        if (error != std::errc{} || end != fields_[i].data() + fields_[i].size()) {
            fail(quote(fields_[i]) + " is no number");
        }
        return n;
    }

private:
    [[noreturn]] void fail(const std::string& what) const
    {
        throw input_error({{fmt::format("{}:{}", path_, line_), "", what, "the file must be as it was recorded"}});
    }

    std::string path_;
    std::string text_;
    std::string_view rest_;
    std::size_t nr_fields_;
    std::size_t line_ = 0;
    std::vector<std::string_view> fields_;
};

class log_reader {
public:
    log_reader(const measured_case& c, sched_log& log) : case_(c), log_(log)
    {
        for (const case_tasks& t : c.tasks) {
            if (std::find(log.cgroups.begin(), log.cgroups.end(), t.cgroup) == log.cgroups.end()) {
                log.cgroups.push_back(t.cgroup);
            }
        }
        log_.threads.push_back({thread_sort::idle, "idle", 0, ~std::uint64_t{0}});
        by_pid_[0] = 0;
    }

    std::uint32_t thread(std::int64_t pid, std::string_view comm)
    {
        const auto [at, is_new] = by_pid_.try_emplace(pid, static_cast<std::uint32_t>(log_.threads.size()));
        if (is_new) {
            log_.threads.push_back(describe(comm));
        }
        return at->second;
    }

private:
    /// Workload threads are called CGROUP.N, counted over all lines of the cgroup.
    log_thread describe(std::string_view comm) const
    {
        log_thread t{thread_sort::root, std::string(comm), 0, ~std::uint64_t{0}};
        const auto dot = comm.find('.');
        if (comm.starts_with("pairlab")) {
            t.sort = thread_sort::harness;
        } else if (comm.starts_with("rt.")) {
            t.sort = thread_sort::rt;
        } else if (dot != std::string_view::npos) {
            const auto cgroup = std::find(log_.cgroups.begin(), log_.cgroups.end(), comm.substr(0, dot));
            std::uint32_t n = 0;
            const auto digits = comm.substr(dot + 1);
            const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
            if (cgroup != log_.cgroups.end() && error == std::errc{} && end == digits.data() + digits.size()) {
                t.sort = thread_sort::work;
                t.cgroup = static_cast<std::uint32_t>(cgroup - log_.cgroups.begin());
                t.cpus = mask_of(*cgroup, n);
            }
        }
        return t;
    }

    std::uint64_t mask_of(const std::string& cgroup, std::uint32_t n) const
    {
        for (const case_tasks& t : case_.tasks) {
            if (t.cgroup != cgroup) {
                continue;
            }
            if (n < t.count) {
                std::uint64_t mask = 0;
                for (const std::uint32_t cpu : t.cpus) {
                    mask |= std::uint64_t{1} << cpu;
                }
                return t.cpus.empty() ? ~std::uint64_t{0} : mask;
            }
            n -= t.count;
        }
        return ~std::uint64_t{0};
    }

    const measured_case& case_;
    sched_log& log_;
    std::map<std::int64_t, std::uint32_t> by_pid_;
};

void read_switches(const std::string& path, log_reader& threads, sched_log& log)
{
    csv_file csv(path, 8);
    std::vector<bool> seen(log.nr_cpus);
    while (csv.next()) {
        log_event e{.at_ns = csv.number(0),
                    .kind = log_event::what::swtch,
                    .path = log_path::none,
                    .runnable = csv.text(4).starts_with('R'),
                    .cpu = static_cast<std::uint16_t>(csv.number(1)),
                    .thread = threads.thread(csv.number(5), csv.text(6)),
                    .prev = threads.thread(csv.number(2), csv.text(3)),
                    .target = 0};
        if (e.cpu < log.nr_cpus && !seen[e.cpu]) {
            seen[e.cpu] = true;
            log.first[e.cpu] = e.prev;
        }
        log.events.push_back(e);
    }
}

void read_wakeups(const std::string& path, log_reader& threads, sched_log& log)
{
    csv_file csv(path, 7);
    while (csv.next()) {
        log_event e{.at_ns = csv.number(0),
                    .kind = log_event::what::waking,
                    .path = log_path::none,
                    .runnable = false,
                    .cpu = static_cast<std::uint16_t>(csv.number(1)),
                    .thread = threads.thread(csv.number(3), csv.text(4)),
                    .prev = 0,
                    .target = 0};
        if (csv.text(2) != "waking") {
            e.kind = log_event::what::wakeup;
            e.target = static_cast<std::uint16_t>(csv.number(5));
            e.path = csv.text(6) == "direct_local" ? log_path::direct
                     : csv.text(6) == "bpf_queued" ? log_path::queued
                     : csv.text(6) == "none"       ? log_path::none
                                                   : log_path::other;
        }
        log.events.push_back(e);
    }
}

} // namespace

sched_log read_recorded_log(const measured_case& c, const measured_run& run)
{
    sched_log log;
    log.nr_cpus = c.nr_cpus;
    log.window_ns = run.seen.window_ns;
    log.pairs = c.pairs;
    log.first.assign(c.nr_cpus, 0);
    log_reader threads(c, log);
    read_switches(run.path + ".switches.csv.xz", threads, log);
    read_wakeups(run.path + ".wakeups.csv.xz", threads, log);
    std::stable_sort(log.events.begin(), log.events.end(), [](const log_event& a, const log_event& b) {
        return std::pair(a.at_ns, a.kind == log_event::what::swtch) <
               std::pair(b.at_ns, b.kind == log_event::what::swtch);
    });
    return log;
}

} // namespace pairsim
