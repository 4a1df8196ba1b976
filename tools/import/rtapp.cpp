// SPDX-License-Identifier: GPL-2.0-only
//
// Source of the meaning: rt-app's tutorial and its parser. A key that begins with an event's word is that event.
#include "tools/import/rtapp.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "tools/io/input_error.h"
#include "tools/io/scenario_loader.h"
#include "tools/io/units.h"

namespace pairsim {
namespace {

bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/// @p text with what json-c accepts and JSON does not have blanked, so that places stay the same: C comments, and a
/// comma after the last member.
std::string as_strict_json(std::string text)
{
    bool in_string = false;
    std::size_t comma = std::string::npos; ///< of the last one, if only blanks have followed
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (in_string) {
            i += text[i] == '\\' ? 1 : 0;
            in_string = i >= text.size() || text[i] != '"';
        } else if (text[i] == '"') {
            in_string = true;
        } else if (text.compare(i, 2, "/*") == 0) {
            const std::size_t end = text.find("*/", i + 2);
            const std::size_t stop = end == std::string::npos ? text.size() : end + 2;
            std::replace_if(
                text.begin() + static_cast<std::ptrdiff_t>(i), text.begin() + static_cast<std::ptrdiff_t>(stop),
                [](char c) { return c != '\n'; }, ' ');
            i = stop - 1;
        } else if (text[i] == ',') {
            comma = i;
            continue;
        } else if ((text[i] == '}' || text[i] == ']') && comma != std::string::npos) {
            text[comma] = ' ';
        }
        if (!is_blank(text[i])) {
            comma = std::string::npos;
        }
    }
    return text;
}

struct event_word {
    const char* word;
    const char* why_not; ///< nullptr: a scenario has it
};

/// In rt-app's order of looking: longer words first where one begins another.
constexpr event_word events[] = {
    {"runtime", nullptr},
    {"run", nullptr},
    {"sleep", nullptr},
    {"yield", nullptr},
    {"timer", nullptr},
    {"suspend", "a scenario's channels keep tokens, rt-app's resume does not"},
    {"resume", "a scenario's channels keep tokens, rt-app's resume does not"},
    {"lock", "a scenario has no mutexes"},
    {"unlock", "a scenario has no mutexes"},
    {"signal", "a scenario has no condition variables"},
    {"broad", "a scenario has no condition variables"},
    {"wait", "a scenario has no condition variables"},
    {"sync", "a scenario has no condition variables"},
    {"barrier", "a scenario has no barriers"},
    {"sem_post", "a scenario has no semaphores"},
    {"sem_wait", "a scenario has no semaphores"},
    {"fork", "a scenario's tasks start at times"},
    {"memrun", "a scenario has no memory traffic"},
    {"mem", "a scenario has no memory traffic"},
    {"iorun", "a scenario has no input and output"},
};

constexpr const char* task_keys[] = {"instance", "delay",     "loop",          "phases",   "cpus",    "policy",
                                     "priority", "taskgroup", "nodes_membind", "util_min", "util_max"};

const event_word* event_of(const std::string& key)
{
    for (const char* known : task_keys) {
        if (key == known) {
            return nullptr;
        }
    }
    for (const auto& e : events) {
        if (key.starts_with(e.word)) {
            return &e;
        }
    }
    return nullptr;
}

class importer {
public:
    importer(std::string where, const import_options& options) : where_(std::move(where)), options_(options) {}

    imported import(const json& document)
    {
        read_global(document.contains("global") ? document["global"] : json::object());
        if (!document.contains("tasks") || !document["tasks"].is_object() || document["tasks"].empty()) {
            fail("/tasks", "there are no tasks", "a workload has an object \"tasks\"");
        } else {
            for (const auto& [name, task] : document["tasks"].items()) {
                read_task(name, task, append_pointer("/tasks", name));
            }
        }
        for (const auto& [key, value] : document.items()) {
            if (key != "tasks" && key != "global" && key != "resources") {
                warn("/" + key, "is left out");
            }
        }
        if (!duration_) {
            fail("/global/duration", "the workload ends only with its tasks", "say how long to simulate: --duration");
        }
        problems_.throw_if_any();
        return finish();
    }

private:
    void fail(const std::string& pointer, std::string what, std::string remedy)
    {
        problems_.add({where_, pointer, std::move(what), std::move(remedy)});
    }
    void warn(const std::string& pointer, const std::string& what)
    {
        result_.warnings.push_back(fmt::format("{}: {}: {}", where_, pointer, what));
    }

    std::optional<std::int64_t> whole(const json& value, const std::string& pointer, std::int64_t low, const char* unit)
    {
        constexpr std::int64_t high = 1'000'000'000'000; // microseconds: 11 days
        if (!value.is_number_integer() || value.get<std::int64_t>() < low || value.get<std::int64_t>() > high) {
            fail(pointer, fmt::format("{} is no whole number of {} from {} to {}", value.dump(), unit, low, high),
                 "rt-app refuses it too, or hangs");
            return std::nullopt;
        }
        return value.get<std::int64_t>();
    }

    void read_global(const json& global)
    {
        duration_ = options_.duration;
        for (const auto& [key, value] : global.items()) {
            const std::string at = append_pointer("/global", key);
            if (key == "duration" && !duration_) {
                const auto seconds = whole(value, at, -1, "seconds");
                if (seconds && *seconds > 0) {
                    duration_ = fmt::format("{}s", *seconds);
                }
            } else if (key == "default_policy") {
                read_policy(value, at);
            } else if (key != "duration") {
                warn(at, "is left out");
            }
        }
    }

    void read_policy(const json& value, const std::string& at)
    {
        if (value != "SCHED_OTHER" && value != "SCHED_BATCH" && value != "SCHED_IDLE") {
            fail(at, fmt::format("policy {}", value.dump()),
                 "only tasks of sched_ext can be imported; write work of higher classes under higher_class");
        }
    }

    /// A list of CPUs, or nothing: all.
    json read_cpus(const json& value, const std::string& at)
    {
        json cpus = json::array();
        const json list = value.is_number_integer() ? json::array({value}) : value;
        for (const json& cpu : list.is_array() ? list : json::array()) {
            if (!cpu.is_number_unsigned() || cpu.get<std::uint64_t>() >= max_cpus) {
                break;
            }
            max_cpu_ = std::max(max_cpu_, cpu.get<std::uint32_t>());
            cpus.push_back(cpu);
        }
        if (!list.is_array() || cpus.size() != list.size() || cpus.empty()) {
            fail(at, "is no list of CPUs", "write numbers, as in [0, 1]");
        }
        return cpus;
    }

    std::string read_group(const json& value, const std::string& at)
    {
        const std::string path = value.is_string() ? value.get<std::string>() : "";
        if (!path.starts_with('/') || path.find(' ') != std::string::npos || path.ends_with("/")) {
            if (path != "/") {
                fail(at, fmt::format("{} is no path of a cgroup", value.dump()), "write a path that begins with /");
            }
            return "/";
        }
        for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) { // parents before children
            groups_.insert(path.substr(1, slash == std::string::npos ? slash : slash - 1));
            if (slash == std::string::npos) {
                return path.substr(1);
            }
        }
    }

    /// The keys that tasks and phases share. Adds to @p phases what changes when a phase begins.
    void read_common(const std::string& key, const json& value, const std::string& at)
    {
        if (key == "policy") {
            read_policy(value, at);
        } else if (key == "priority") {
            if (value != 0) {
                warn(at, "is left out: scx_pair does not look at nice values");
            }
        } else if (key == "nodes_membind" || key == "util_min" || key == "util_max") {
            warn(at, "is left out");
        } else if (key != "cpus" && key != "taskgroup" && key != "loop" && key != "phases" && key != "instance" &&
                   key != "delay") {
            fail(at, "unknown key " + quote(key), "rt-app ignores it silently; correct or delete it");
        }
    }

    void read_event(const event_word& e, const json& value, const std::string& at, json& phases)
    {
        if (e.why_not != nullptr) {
            return fail(at, fmt::format("the event \"{}\" cannot be expressed", e.word), e.why_not);
        }
        const std::string word = e.word;
        if (word == "timer") {
            return read_timer(value, at, phases);
        }
        if (word == "yield") {
            phases.push_back({{"yield", true}});
            return;
        }
        const auto us = whole(value, at, 0, "microseconds");
        if (us && *us != 0) {
            phases.push_back({{word == "sleep" ? "sleep" : "run", fmt::format("{}us", *us)}});
        }
    }

    /// A task of a scenario has one timer and shares it with no other.
    void read_timer(const json& value, const std::string& at, json& phases)
    {
        if (!value.is_object() || !value.contains("ref") || !value["ref"].is_string() || !value.contains("period")) {
            return fail(at, "is no timer", R"(write {"ref": NAME, "period": MICROSECONDS})");
        }
        const auto ref = value["ref"].get<std::string>();
        const json mode = value.value("mode", json("relative"));
        if (mode != "relative" && mode != "absolute") {
            fail(at + "/mode",
                 fmt::format("{} is no mode of a timer", mode.dump(-1, ' ', false, json::error_handler_t::replace)),
                 R"(write "relative" or "absolute")");
        }
        if (!timer_.empty() && timer_ != ref) {
            fail(at + "/ref", fmt::format("a second timer, besides {}", quote(timer_)), "use one timer in a task");
        }
        const bool own = ref.starts_with("unique");
        if (!own && (threads_ > 1 || timers_.emplace(ref, task_).first->second != task_)) {
            fail(at + "/ref", fmt::format("several threads share the timer {}", quote(ref)),
                 "a scenario's tasks have a timer each: begin its name with \"unique\"");
        }
        timer_ = ref;
        if (const auto us = whole(value["period"], append_pointer(at, "period"), 1, "microseconds")) {
            phases.push_back({{"timer", fmt::format("{}us", *us)}});
            if (mode == "absolute") {
                phases.back()["catch_up"] = true;
            }
        }
    }

    /// The events of a task without phases, or of one phase.
    json read_body(const json& body, const std::string& at)
    {
        json phases = json::array();
        for (const auto& [key, value] : body.items()) {
            const std::string here = append_pointer(at, key);
            if (const event_word* const e = event_of(key)) {
                read_event(*e, value, here, phases);
            } else {
                read_common(key, value, here);
            }
        }
        if (phases.empty() && !problems_.has_under(where_, at)) {
            fail(at, "there is no event", "add a run or a sleep");
        }
        return phases;
    }

    static json repeated(json phases, std::int64_t times)
    {
        if (times == 1) {
            return phases;
        }
        json repeat =
            times < 0 ? json{{"phases", std::move(phases)}} : json{{"times", times}, {"phases", std::move(phases)}};
        return json::array({{{"repeat", std::move(repeat)}}});
    }

    std::int64_t loop_of(const json& of, const std::string& at, std::int64_t by_default)
    {
        const auto times = of.contains("loop") ? whole(of["loop"], at + "/loop", -1, "times") : by_default;
        if (times == 0) {
            fail(at + "/loop", "0 times", "leave it out, or write how often");
        }
        return times.value_or(1);
    }

    json read_phases(const json& task, const std::string& at)
    {
        json all = json::array();
        const bool any_cpus = std::ranges::any_of(task["phases"], [](const json& p) { return p.contains("cpus"); });
        for (const auto& [name, phase] : task["phases"].items()) {
            const std::string here = append_pointer(at + "/phases", name);
            if (!phase.is_object()) {
                fail(here, "is no object", "a phase holds events");
                continue;
            }
            json body = json::array();
            if (phase.contains("cpus")) {
                body.push_back({{"set_affinity", read_cpus(phase["cpus"], here + "/cpus")}});
            } else if (any_cpus && task.contains("cpus")) {
                body.push_back({{"set_affinity", read_cpus(task["cpus"], at + "/cpus")}});
            } else if (any_cpus) {
                body.push_back({{"set_affinity", "ALL"}}); // once the number of CPUs is known
            }
            if (phase.contains("taskgroup")) {
                body.push_back({{"move", read_group(phase["taskgroup"], here + "/taskgroup")}});
            }
            const json events_here = repeated(read_body(phase, here), loop_of(phase, here, 1));
            for (const json& one : body) {
                all.push_back(one);
            }
            for (const json& one : events_here) {
                all.push_back(one);
            }
        }
        return all;
    }

    void read_task(const std::string& name, const json& task, const std::string& at)
    {
        if (!task.is_object()) {
            return fail(at, "is no object", "a task holds events or phases");
        }
        const bool has_phases = task.contains("phases") && task["phases"].is_object();
        json out = {{"name", name}};
        out["cgroup"] = task.contains("taskgroup") ? read_group(task["taskgroup"], at + "/taskgroup") : "/";
        const auto instances = task.contains("instance") ? whole(task["instance"], at + "/instance", 0, "threads") : 1;
        if (instances == 0) {
            return fail(at + "/instance", "a task that only a fork starts", "a scenario's tasks start at times");
        }
        if (instances.value_or(1) > 1) {
            out["count"] = *instances;
        }
        const auto delay = task.contains("delay") ? whole(task["delay"], at + "/delay", 0, "microseconds") : 0;
        if (delay.value_or(0) > 0) {
            out["start"] = fmt::format("{}us", *delay);
        }
        if (task.contains("cpus")) {
            out["cpus"] = read_cpus(task["cpus"], at + "/cpus");
        }
        task_ = name;
        threads_ = instances.value_or(1);
        timer_.clear();
        json phases = json::array();
        if (has_phases) {
            for (const auto& [key, value] : task.items()) {
                if (event_of(key) == nullptr) {
                    read_common(key, value, append_pointer(at, key));
                } else {
                    fail(append_pointer(at, key), "an event beside phases", "put it into a phase");
                }
            }
            phases = read_phases(task, at);
        } else {
            phases = read_body(task, at);
        }
        out["phases"] = repeated(std::move(phases), loop_of(task, at, -1));
        tasks_.push_back(std::move(out));
    }

    static void replace_all_cpus(json& value, std::uint32_t cpus)
    {
        if (value.is_object() && value.contains("set_affinity") && value["set_affinity"] == "ALL") {
            value["set_affinity"] = fmt::format("0-{}", cpus - 1);
        } else if (value.is_structured()) {
            for (json& inner : value) {
                replace_all_cpus(inner, cpus);
            }
        }
    }

    imported finish()
    {
        const std::uint32_t cpus = options_.cpus.value_or(std::max(2U, (max_cpu_ + 2) / 2 * 2));
        replace_all_cpus(tasks_, cpus);
        json groups = json::array();
        for (const auto& group : groups_) {
            groups.push_back(group);
        }
        result_.scenario = {{"schema", "pairsim.scenario/1"},
                            {"name", options_.name},
                            {"description", "An rt-app workload; machine and scheduler are the defaults."},
                            {"duration", *duration_},
                            {"machine", {{"cpus", cpus}}},
                            {"cgroups", std::move(groups)},
                            {"tasks", tasks_}};
        if (result_.scenario["cgroups"].empty()) {
            result_.scenario.erase("cgroups");
        }
        static_cast<void>(read_scenario(result_.scenario, where_ + " (imported)")); // it must be a valid scenario
        return std::move(result_);
    }

    std::string where_;
    const import_options& options_;
    problem_list problems_;
    imported result_;
    std::optional<std::string> duration_;
    std::uint32_t max_cpu_ = 0;
    std::set<std::string> groups_; ///< parents come before children
    json tasks_ = json::array();
    std::map<std::string, std::string> timers_; ///< those that are not each thread's own, and whose they are
    // of the task that is being read:
    std::string task_;
    std::int64_t threads_ = 1;
    std::string timer_; ///< its timer's name, if one has been seen
};

} // namespace

imported import_rtapp(const std::string& path, const import_options& options)
{
    return import_rtapp_text(read_text(path), display_name(path), options);
}

imported import_rtapp_text(const std::string& text, const std::string& where, const import_options& options)
{
    const json document = parse_json(as_strict_json(text), where);
    if (!document.is_object()) {
        throw input_error({{where, "", "is no object", "a workload has an object \"tasks\""}});
    }
    return importer(where, options).import(document);
}

} // namespace pairsim
