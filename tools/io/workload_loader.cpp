// SPDX-License-Identifier: GPL-2.0-only
//
// What a scenario makes the machine do: cgroups, tasks, higher classes, lost time, outside events.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "sim/random.h"
#include "tools/io/program_builder.h"

namespace pairsim {

namespace {

constexpr std::size_t max_tasks = 100'000;
constexpr std::size_t max_phases = 1'000'000;
constexpr std::size_t max_component_bytes = 64;

std::string at_text(sim_time t)
{
    return format_duration(t.time_since_epoch());
}

/// Nothing if @p path is a path of cgroups, else what is wrong with it.
std::optional<std::string> path_problem(std::string_view path)
{
    const auto is_bad = [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; };
    if (path == "/") {
        return "the root always exists";
    }
    if (std::any_of(path.begin(), path.end(), is_bad)) {
        return quote(path) + " has a space or a control character";
    }
    for (std::size_t begin = 0; begin <= path.size();) {
        const auto end = std::min(path.find('/', begin), path.size());
        const std::string_view component = path.substr(begin, end - begin);
        if (component.empty() || component == "." || component == ".." || component.size() > max_component_bytes) {
            return quote(path) + " is no path of a cgroup: its part " + quote(component) + " is " +
                   (component.empty()                        ? "empty"
                    : component.size() > max_component_bytes ? "too long"
                                                             : "not a name");
        }
        begin = end + 1;
    }
    return std::nullopt;
}

class workload_reader {
public:
    workload_reader(const json_cursor& root, const loading& context, std::size_t nr_cpus, std::uint64_t seed)
        : root_(root), context_(context), nr_cpus_(nr_cpus), seed_(seed)
    {
        w_.cpumasks.push_back(cpumask::all(nr_cpus));
        w_.cgroups.push_back({"/", root_cgroup, {}, never});
        cgroup_ids_["/"] = root_cgroup;
    }

    workload read()
    {
        cgroups_complete_ = !root_.get("cgroups") || root_.get("cgroups")->value().is_array();
        tasks_complete_ = !root_.get("tasks") || root_.get("tasks")->value().is_array();
        for (const json_cursor& at : list("cgroups")) {
            read_cgroup(at);
        }
        for (const json_cursor& at : list("tasks")) {
            declare_tasks(at); // all names, before phases refer to them
        }
        for (const json_cursor& at : context_.background) {
            declare_tasks(at);
        }
        for (const declared& d : declared_) {
            read_tasks(d);
        }
        for (const json_cursor& at : list("outside")) {
            read_outside(at);
        }
        std::ranges::stable_sort(w_.outside, {}, &outside_event::at); // one after the other, however they are listed
        for (const declared& d : declared_) {
            check_lives(d);
        }
        channels_.report_unwoken();
        w_.nr_channels = static_cast<std::uint32_t>(channels_.ids.size());
        for (const json_cursor& at : list("higher_class")) {
            read_higher(at);
        }
        const auto faults = root_.get("faults");
        const auto lost_time = faults ? faults->get("lost_time") : std::nullopt;
        for (const json_cursor& at : lost_time ? lost_time->items() : std::vector<json_cursor>{}) {
            if (const auto source = read_arrivals<lost_time_source>(at)) {
                w_.lost_time.push_back(*source);
            }
        }
        if (context_.host) {
            read_host(*context_.host);
        }
        return std::move(w_);
    }

private:
    /// An entry of /tasks: the tasks [first, first + count) of the workload.
    struct declared {
        json_cursor at;
        std::size_t first;
        std::uint32_t count;
    };
    /// What check_lives() must know of each task.
    struct life {
        nanoseconds shortest{};
        bool endless = false;
        bool moved = false;
    };

    std::vector<json_cursor> list(std::string_view key) const
    {
        const auto at = root_.get(key);
        return at ? at->items() : std::vector<json_cursor>{};
    }

    // --- cgroups

    void read_cgroup(const json_cursor& at)
    {
        const auto name_at = at.value().is_string() ? at : at.get("name");
        const auto name = name_at ? name_at->text() : std::nullopt;
        if (!name) {
            cgroups_complete_ = false;
            return;
        }
        if (const auto wrong = path_problem(*name)) {
            name_at->fail(*wrong, R"(write names with slashes between them, such as "a" or "a/b"; leave the root out)");
            return;
        }
        cgroup_spec spec{*name, find_parent(*name, *name_at), {}, never};
        read_into(spec.create_at, at, "create_at");
        read_into(spec.remove_at, at, "remove_at");
        check_times(spec, at);
        const cgroup_id id{static_cast<std::uint32_t>(w_.cgroups.size())};
        if (!cgroup_ids_.emplace(*name, id).second) {
            name_at->fail("the cgroup " + quote(*name) + " is declared twice", "remove one of the two, or rename it");
            return;
        }
        w_.cgroups.push_back(std::move(spec));
    }

    cgroup_id find_parent(const std::string& path, const json_cursor& at) const
    {
        const auto slash = path.rfind('/');
        if (slash == std::string::npos) {
            return root_cgroup;
        }
        const std::string parent = path.substr(0, slash);
        const auto found = cgroup_ids_.find(parent);
        if (found == cgroup_ids_.end()) {
            at.fail("the parent of " + quote(path) + " is missing", "declare " + quote(parent) + " before it");
            return root_cgroup;
        }
        return found->second;
    }

    void check_times(const cgroup_spec& spec, const json_cursor& at) const
    {
        const cgroup_spec& parent = w_.cgroups[spec.parent.value];
        const auto remove_at = at.get("remove_at");
        const json_cursor create_at = at.get("create_at").value_or(at);
        if (remove_at && spec.remove_at <= spec.create_at) {
            remove_at->fail(fmt::format("{} is removed at {}, but created at {}", quote(spec.name),
                                        at_text(spec.remove_at), at_text(spec.create_at)),
                            "remove it later");
        }
        if (spec.create_at < parent.create_at) {
            create_at.fail(fmt::format("{} is created before its parent {}, which is created at {}", quote(spec.name),
                                       quote(parent.name), at_text(parent.create_at)),
                           "create it later");
        }
        if (spec.remove_at > parent.remove_at) {
            remove_at.value_or(at).fail(fmt::format("{} outlives its parent {}, which is removed at {}",
                                                    quote(spec.name), quote(parent.name), at_text(parent.remove_at)),
                                        R"(give a "remove_at" that is not after it)");
        }
    }

    std::optional<cgroup_id> find_cgroup(const json_cursor& at) const
    {
        const auto name = at.text();
        if (!name) {
            return std::nullopt;
        }
        if (const auto found = cgroup_ids_.find(*name); found != cgroup_ids_.end()) {
            return found->second;
        }
        if (cgroups_complete_) {
            std::vector<std::string> known;
            for (const auto& [path, id] : cgroup_ids_) {
                known.push_back(path);
            }
            at.fail("unknown cgroup " + quote(*name),
                    "known cgroups: " + quote_all(known) + "; declare it under /cgroups, or correct the name");
        }
        return std::nullopt;
    }

    // --- tasks

    void declare_tasks(const json_cursor& at)
    {
        const auto name_at = at.get("name");
        const auto name = name_at ? read_line(*name_at) : std::nullopt;
        std::uint32_t count = 1;
        read_into(count, at, "count", 1, static_cast<std::uint32_t>(max_tasks));
        const bool per_cpu = is_per_cpu(at);
        if (per_cpu) {
            count = static_cast<std::uint32_t>(nr_cpus_);
        }
        if (w_.tasks.size() + count > max_tasks) {
            at.get("count").value_or(at).fail(fmt::format("more than {} tasks", max_tasks), "give fewer tasks");
            tasks_complete_ = channels_.complete = false;
            return;
        }
        declared_.push_back({at, w_.tasks.size(), count});
        tasks_complete_ = tasks_complete_ && name && !(at.get("count") && at.get("count")->failed());
        for (std::uint32_t n = 0; n < count; ++n) {
            task_spec task;
            task.name = name.value_or("") + (per_cpu ? fmt::format("/{}", n) : count > 1 ? fmt::format(".{}", n) : "");
            const pid id{static_cast<std::uint32_t>(w_.tasks.size()) + 1};
            if (name && !pids_.emplace(task.name, id).second) {
                name_at->fail("there are two tasks " + quote(task.name), "rename one of them");
            }
            w_.tasks.push_back(std::move(task));
        }
        lives_.resize(w_.tasks.size());
    }

    std::optional<pid> find_task(const json_cursor& at)
    {
        const auto name = at.text();
        const auto found = pids_.find(name.value_or(""));
        if (name && found == pids_.end() && tasks_complete_) {
            std::vector<std::string> known;
            for (const task_spec& task : w_.tasks) {
                known.push_back(task.name);
            }
            const bool several = pids_.contains(*name + ".0");
            at.fail("unknown task " + quote(*name), several
                                                        ? "there are several: name one, such as " + quote(*name + ".0")
                                                        : "known tasks: " + quote_all(known));
        }
        return name && found != pids_.end() ? std::optional(found->second) : std::nullopt;
    }

    std::optional<pid> find_moved_task(const json_cursor& at)
    {
        const auto task = find_task(at);
        if (task) {
            lives_[task->value - 1].moved = true;
        }
        return task;
    }

    std::optional<std::uint32_t> find_mask(const json_cursor& at)
    {
        const auto cpus = read_cpus(at, nr_cpus_);
        if (cpus.empty() && at.value().is_array() && at.value().empty()) {
            at.fail("no CPU is allowed", "list one at least");
        }
        if (nr_cpus_ == 0 || cpus.empty() || at.failed()) {
            return std::nullopt;
        }
        cpumask mask(nr_cpus_);
        for (const cpu_id cpu : cpus) {
            mask.set(cpu);
        }
        return mask_id(std::move(mask));
    }

    std::uint32_t mask_id(cpumask mask)
    {
        const std::vector<std::uint64_t> bits(mask.words().begin(), mask.words().end());
        const auto next = static_cast<std::uint32_t>(w_.cpumasks.size());
        const auto [found, added] = mask_ids_.emplace(bits, next);
        if (added) {
            w_.cpumasks.push_back(std::move(mask));
        }
        return found->second;
    }

    void read_tasks(const declared& d)
    {
        task_spec common;
        if (const auto cgroup = d.at.get("cgroup")) {
            common.cgroup = find_cgroup(*cgroup).value_or(root_cgroup);
        }
        if (const auto cpus = d.at.get("cpus")) {
            common.affinity = find_mask(*cpus).value_or(0);
        }
        program made;
        if (const auto phases = d.at.get("phases")) {
            made = build_program(*phases,
                                 {[this](const json_cursor& at) { return find_cgroup(at); },
                                  [this](const json_cursor& at) { return find_moved_task(at); },
                                  [this](const json_cursor& at) { return find_mask(at); }},
                                 channels_);
        } else {
            channels_.complete = false;
        }
        nr_phases_ += made.code.size() * d.count;
        if (nr_phases_ > max_phases) {
            d.at.fail(fmt::format("more than {} phases in all tasks together", max_phases),
                      "give fewer tasks or phases");
            return;
        }
        for (std::size_t i = d.first; i < d.first + d.count; ++i) {
            task_spec& task = w_.tasks[i];
            task.cgroup = common.cgroup;
            task.affinity = common.affinity;
            task.program = made.code;
            lives_[i] = {made.shortest, made.endless, lives_[i].moved || made.moves_itself};
        }
        read_starts(d);
        read_fork_cpus(d);
        if (is_per_cpu(d.at)) {
            pin_each(d);
        }
    }

    /// A background task that is pinned, one to each CPU, as many kernel threads are.
    static bool is_per_cpu(const json_cursor& at)
    {
        bool per_cpu = false;
        read_into(per_cpu, at, "per_cpu");
        return per_cpu;
    }

    void pin_each(const declared& d)
    {
        for (std::uint16_t cpu = 0; cpu < nr_cpus_; ++cpu) {
            cpumask mask(nr_cpus_);
            mask.set(cpu_id{cpu});
            w_.tasks[d.first + cpu].affinity = mask_id(std::move(mask));
            w_.tasks[d.first + cpu].fork_cpu = cpu_id{cpu};
            w_.tasks[d.first + cpu].draws_like = pid{static_cast<std::uint32_t>(d.first) + 1}; // woken together
        }
    }

    /// The elements of an array that has one for each task of @p d.
    static std::vector<json_cursor> one_each(const json_cursor& at, const declared& d)
    {
        auto elements = at.items();
        if (elements.size() != d.count) {
            at.fail(fmt::format("{} elements for {} tasks", elements.size(), d.count), "give one for each task");
            elements.clear();
        }
        return elements;
    }

    void read_starts(const declared& d)
    {
        const auto at = d.at.get("start");
        if (!at) {
            return;
        }
        if (at->value().is_array()) {
            std::size_t i = d.first;
            for (const json_cursor& element : one_each(*at, d)) {
                w_.tasks[i++].start = sim_time{element.duration().value_or(nanoseconds{0})};
            }
            return;
        }
        const auto step = read_step(*at);
        if (step && d.count > 1 && *step > max_duration / (d.count - 1)) {
            at->fail("the last task starts after the limit of " + format_duration(max_duration), "give a shorter step");
            return;
        }
        const auto dist = at->get("step") ? std::nullopt : read_distribution(*at);
        for (std::uint32_t n = 0; n < d.count; ++n) {
            sim_time& start = w_.tasks[d.first + n].start;
            const pid task{static_cast<std::uint32_t>(d.first) + n + 1};
            if (step) {
                start = sim_time{*step * n};
            } else if (dist) {
                start = sim_time{sample(*dist, random_draw(seed_, random_purpose::task_start, task.value, 0))};
            }
        }
    }

    void read_fork_cpus(const declared& d)
    {
        const auto at = d.at.get("fork_cpu");
        if (!at) {
            return;
        }
        const bool each = at->value().is_array();
        const auto elements = each ? one_each(*at, d) : std::vector<json_cursor>{};
        const auto common = each ? cpu_id{0} : read_cpu(*at, nr_cpus_).value_or(cpu_id{0});
        for (std::size_t n = 0; n < d.count; ++n) {
            w_.tasks[d.first + n].fork_cpu =
                n < elements.size() ? read_cpu(elements[n], nr_cpus_).value_or(cpu_id{0}) : common;
        }
    }

    /// A task must find its cgroup when it starts, and must not be in it when it is removed.
    void check_lives(const declared& d) const
    {
        for (std::size_t i = d.first; i < d.first + d.count; ++i) {
            const task_spec& task = w_.tasks[i];
            const cgroup_spec& cgroup = w_.cgroups[task.cgroup.value];
            const auto& [shortest_life, endless, moved] = lives_[i];
            const json_cursor start_at = d.at.get("start").value_or(d.at);
            if (task.start < cgroup.create_at || task.start >= cgroup.remove_at) {
                const bool early = task.start < cgroup.create_at;
                start_at.fail(fmt::format("task {} starts at {}, {} its cgroup {} is {} at {}", quote(task.name),
                                          at_text(task.start), early ? "before" : "but", quote(cgroup.name),
                                          early ? "created" : "removed",
                                          at_text(early ? cgroup.create_at : cgroup.remove_at)),
                              early ? "start it later, or create the cgroup earlier"
                                    : "start it earlier, or remove the cgroup later");
            } else if (!moved && cgroup.remove_at != never &&
                       (endless || task.start + shortest_life > cgroup.remove_at)) {
                d.at.get("cgroup").value_or(d.at).fail(
                    fmt::format("task {} still lives in {} when this cgroup is removed at {}", quote(task.name),
                                quote(cgroup.name), at_text(cgroup.remove_at)),
                    "let it end or move before, or remove the cgroup later");
            }
        }
    }

    // --- what comes from elsewhere

    void read_outside(const json_cursor& at)
    {
        outside_event event;
        read_into(event.at, at, "at");
        if (const auto cpu = at.get("cpu")) {
            event.cpu = read_cpu(*cpu, nr_cpus_).value_or(cpu_id{0});
        }
        const auto move = at.get("move");
        const auto affinity = at.get("set_affinity");
        const auto action = move ? move : affinity;
        const auto task_at = action ? action->get("task") : std::nullopt;
        const auto to_at = action ? action->get(move ? "to" : "cpus") : std::nullopt;
        if (!task_at || !to_at) {
            return;
        }
        const auto task = move ? find_moved_task(*task_at) : find_task(*task_at);
        const auto to = move ? find_cgroup(*to_at) : std::nullopt;
        const auto mask = move ? std::nullopt : find_mask(*to_at);
        if (!task || (move && !to) || (!move && !mask)) {
            return;
        }
        event.kind = move ? phase::op::move : phase::op::set_affinity;
        event.target = task->value;
        event.arg = move ? to->value : *mask;
        check_outside(event, *task_at, *to_at);
        w_.outside.push_back(event);
    }

    void check_outside(const outside_event& event, const json_cursor& task_at, const json_cursor& to_at) const
    {
        const task_spec& task = w_.tasks[event.target - 1];
        if (event.at < task.start) {
            task_at.fail(fmt::format("task {} does not exist at {}: it starts at {}", quote(task.name),
                                     at_text(event.at), at_text(task.start)),
                         "let this happen later");
        }
        if (event.kind != phase::op::move) {
            return;
        }
        const cgroup_spec& cgroup = w_.cgroups[event.arg];
        if (event.at < cgroup.create_at || event.at >= cgroup.remove_at) {
            to_at.fail(fmt::format("cgroup {} does not exist at {}", quote(cgroup.name), at_text(event.at)),
                       "let this happen while it exists");
        }
    }

    /// A virtual machine's host takes each CPU away at random times that add up to a share of the time.
    void read_host(const json_cursor& at)
    {
        duration_dist stolen;
        read_into(stolen, at, "stolen");
        const auto share_at = at.get("share");
        if (!share_at || at.failed() || nr_cpus_ == 0) {
            return;
        }
        const auto shares = share_at->items();
        if (share_at->value().is_array() && shares.size() != nr_cpus_) {
            share_at->fail(fmt::format("{} shares for {} CPUs", shares.size(), nr_cpus_), "give one for each CPU");
            return;
        }
        const auto mean = static_cast<double>(mean_of(stolen).count());
        for (std::uint16_t cpu = 0; cpu < nr_cpus_; ++cpu) {
            const double share = (shares.empty() ? *share_at : shares[cpu]).number().value_or(0);
            if (share <= 0) {
                continue;
            }
            if (mean < 1) {
                share_at->fail("a share of the time, but nothing is stolen", R"(give "stolen" a length above zero)");
                return;
            }
            const nanoseconds between{static_cast<std::int64_t>(mean / share)};
            const auto first = random_draw(seed_, random_purpose::lost_interval, cpu, ~std::uint64_t{0});
            lost_time_source source;
            source.cpu = cpu_id{cpu};
            source.first = sim_time{sample(duration_dist::uniform({}, between), first)};
            source.length = stolen;
            source.interval = duration_dist::exponential(between);
            source.count = ~std::uint64_t{0};
            source.only_if_all_busy = true;
            w_.lost_time.push_back(std::move(source));
        }
    }

    /// The keys that higher classes and lost time share.
    template <class Source>
    std::optional<Source> read_arrivals(const json_cursor& at) const
    {
        Source source{};
        const auto cpu_at = at.get("cpu");
        const auto cpu = cpu_at ? read_cpu(*cpu_at, nr_cpus_) : std::nullopt;
        const auto length_at = at.get("length");
        const auto interval_at = at.get("interval");
        const auto count_at = at.get("count");
        read_into(source.first, at, "first");
        read_into(source.length, at, "length");
        read_into(source.interval, at, "interval");
        constexpr std::uint64_t no_end = std::numeric_limits<std::int64_t>::max();
        source.count = interval_at ? no_end : 1;
        if (count_at) {
            source.count = count_at->integer(1, no_end).value_or(1);
        }
        if (length_at && !length_at->failed() && longest(source.length).count() == 0) {
            length_at->fail("the length is zero", "give a length above zero");
        }
        if (interval_at && !interval_at->failed() && longest(source.interval).count() == 0) {
            interval_at->fail("the interval is zero", "give an interval above zero");
        }
        if (count_at && source.count > 1 && !interval_at) {
            count_at->fail(R"(a count above 1 without an interval)", R"(add "interval")");
        }
        if (!cpu || !length_at || at.failed()) {
            return std::nullopt;
        }
        source.cpu = *cpu;
        return source;
    }

    void read_higher(const json_cursor& at)
    {
        const auto class_at = at.get("class");
        const auto name = class_at ? class_at->text().value_or("rt") : "rt";
        sched_class cls = name == "dl" ? sched_class::dl : name == "stop" ? sched_class::stop : sched_class::rt;
        const auto times = at.get("times");
        if (!times) {
            if (auto source = read_arrivals<higher_source>(at)) {
                source->cls = cls;
                w_.higher.push_back(std::move(*source));
            }
            return;
        }
        const auto cpu_at = at.get("cpu");
        const auto cpu = cpu_at ? read_cpu(*cpu_at, nr_cpus_) : std::nullopt;
        for (const json_cursor& element : times->items()) {
            higher_source source;
            source.cls = cls;
            source.cpu = cpu.value_or(cpu_id{0});
            read_into(source.first, element, "at");
            read_into(source.length, element, "length");
            if (element.get("length") && !element.failed() && longest(source.length).count() == 0) {
                element.get("length")->fail("the length is zero", "give a length above zero");
            }
            w_.higher.push_back(std::move(source));
        }
    }

    const json_cursor root_;
    const loading& context_;
    std::size_t nr_cpus_;
    std::uint64_t seed_;
    workload w_;
    std::map<std::string, cgroup_id> cgroup_ids_;
    std::map<std::string, pid> pids_;
    std::map<std::vector<std::uint64_t>, std::uint32_t> mask_ids_;
    std::vector<declared> declared_;
    std::vector<life> lives_; ///< of each task
    channel_table channels_;
    std::size_t nr_phases_ = 0;
    bool cgroups_complete_ = true; ///< no name is unknown because its entry has a problem
    bool tasks_complete_ = true;
};

} // namespace

workload read_workload(const json_cursor& root, const loading& context, std::size_t nr_cpus, std::uint64_t seed)
{
    return workload_reader(root, context, nr_cpus, seed).read();
}

} // namespace pairsim
