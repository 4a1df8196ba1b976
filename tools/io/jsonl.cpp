// SPDX-License-Identifier: GPL-2.0-only
#include "tools/io/jsonl.h"

#include <algorithm>
#include <limits>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "sim/check.h"
#include "tools/io/input_error.h"
#include "tools/io/strict_json.h"
#include "tools/io/trace_config.h"

namespace pairsim {
namespace {

constexpr std::string_view schema_name = "pairsim.trace/1";

} // namespace

trace_header header_of(const scenario& what, const pair_map& pairs, const std::string& version)
{
    trace_header h;
    h.version = version;
    h.scenario = what.name;
    h.cpus = static_cast<std::uint32_t>(what.machine.nr_cpus());
    for (const auto& c : what.work.cgroups) {
        h.cgroups.push_back(c.name);
    }
    for (const auto& t : what.work.tasks) {
        h.tasks.push_back({t.name, t.cgroup});
    }
    h.pairs = pairs.pairs;
    h.config = config_of(what, pairs);
    return h;
}

json header_json(const trace_header& header)
{
    json tasks = json::array();
    for (std::size_t i = 0; i < header.tasks.size(); ++i) {
        tasks.push_back({{"pid", i + 1}, {"name", header.tasks[i].name}, {"cgroup", header.tasks[i].cgroup.value}});
    }
    json pairs = json::array();
    for (const auto& p : header.pairs) {
        pairs.push_back(json::array({p.first.value, p.second.value}));
    }
    json h;
    h["schema"] = schema_name;
    h["version"] = header.version;
    h["scenario"] = header.scenario;
    h["cpus"] = header.cpus;
    h["pairs"] = std::move(pairs);
    h["cgroups"] = header.cgroups;
    h["tasks"] = std::move(tasks);
    if (!header.config.is_null()) {
        h["config"] = header.config;
    }
    return h;
}

void append_header(std::string& out, const trace_header& header)
{
    out += header_json(header).dump();
    out += '\n';
}

void append_record(std::string& out, const trace_record& r)
{
    const kind_text& text = text_of(r.kind);
    line_buffer line;
    line.put(R"({"at_ns":)");
    line.put_number(to_ns(r.at));
    line.put(R"(,"cpu":)");
    line.put_number(r.cpu.value);
    line.put(text.kind);
    if (text.has_reason || r.reason != 0) {
        const std::string_view word = reason_name(r.kind, r.reason);
        line.put(R"(,"reason":)");
        if (word.empty()) {
            line.put_number(static_cast<unsigned>(r.reason));
        } else {
            line.put("\"");
            line.put(word);
            line.put("\"");
        }
    }
    const auto fields = fields_of(r);
    for (std::size_t f = 0; f < 4; ++f) {
        if (text.always[f] || fields[f] != 0) {
            line.put(text.keys[f]);
            line.put_number(fields[f]);
        }
    }
    line.put("}\n");
    out += line.text();
}

// ---- the writer ---------------------------------------------------------------------------------------------------

jsonl_writer::jsonl_writer(std::string path, const trace_header& header) : file_(std::move(path))
{
    append_header(file_.text(), header);
}

void jsonl_writer::on_records(std::span<const trace_record> records)
{
    for (const auto& r : records) {
        append_record(file_.text(), r);
        file_.flush_if_large();
    }
}

// ---- the reader ---------------------------------------------------------------------------------------------------

namespace {

/// What is wrong with a value; `pointer` says where it is.
struct bad_value {
    std::string pointer;
    std::string what;
    std::string remedy;
};

/// @p value in a message; ftrace text may hold bytes that are no UTF-8.
std::string shown(const json& value)
{
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::int64_t integer_at(const json& object, const std::string& key, std::int64_t low, std::int64_t high)
{
    const auto found = object.find(key);
    if (found == object.end()) {
        throw bad_value{"", fmt::format("the key \"{}\" is missing", key), "add it, or write the trace again"};
    }
    const bool fits = found->is_number_unsigned() ? found->get<std::uint64_t>() <= static_cast<std::uint64_t>(high)
                                                  : found->is_number_integer() && found->get<std::int64_t>() <= high;
    if (!fits || (found->is_number_integer() && !found->is_number_unsigned() && found->get<std::int64_t>() < low) ||
        (found->is_number_unsigned() && low > 0 && found->get<std::uint64_t>() < static_cast<std::uint64_t>(low))) {
        throw bad_value{"/" + key, fmt::format("{} is no whole number from {} to {}", shown(*found), low, high),
                        "correct the number, or the header that it refers to"};
    }
    return found->get<std::int64_t>();
}

std::string string_at(const json& object, const std::string& key)
{
    const auto found = object.find(key);
    if (found == object.end() || !found->is_string()) {
        throw bad_value{"/" + key, "is missing, or no string", "add it, or write the trace again"};
    }
    return found->get<std::string>();
}

const json& array_at(const json& object, const std::string& key)
{
    const auto found = object.find(key);
    if (found == object.end() || !found->is_array()) {
        throw bad_value{"/" + key, "is missing, or no array", "add it, or write the trace again"};
    }
    return *found;
}

record_kind kind_at(const json& object)
{
    const std::string name = string_at(object, "kind");
    record_kind kind{};
    if (!kind_from(name, kind)) {
        throw bad_value{"/kind", "unknown kind " + quote(name),
                        "the kinds are those of docs/reference/trace-format.md"};
    }
    return kind;
}

std::uint8_t reason_at(const json& object, record_kind kind)
{
    const auto found = object.find("reason");
    if (found == object.end()) {
        if (!reason_name(kind, 0).empty()) {
            throw bad_value{"", "the key \"reason\" is missing", "add it, or write the trace again"};
        }
        return 0;
    }
    if (found->is_string()) {
        for (unsigned reason = 0; reason < 256; ++reason) {
            const auto word = reason_name(kind, static_cast<std::uint8_t>(reason));
            if (!word.empty() && word == found->get<std::string>()) {
                return static_cast<std::uint8_t>(reason);
            }
        }
        throw bad_value{"/reason", "unknown reason " + shown(*found), "see docs/reference/trace-format.md"};
    }
    return static_cast<std::uint8_t>(integer_at(object, "reason", 0, 255));
}

std::int64_t field_at(const record_limits& limits, const json& object, record_kind kind, std::size_t field)
{
    const kind_text& text = text_of(kind);
    const std::string& name = text.names[field];
    if (!text.always[field] && !object.contains(name)) {
        return 0;
    }
    constexpr std::int64_t max32 = std::numeric_limits<std::uint32_t>::max();
    const std::int64_t low = field == 3 ? std::numeric_limits<std::int64_t>::min() : 0;
    const std::int64_t high = field == 3 ? std::numeric_limits<std::int64_t>::max() : max32;
    const std::int64_t value = integer_at(object, name, low, high);
    if (!limits.allows_field(kind, field, value)) {
        throw bad_value{"/" + name, fmt::format("{} is not in the header", value), "correct the number, or the header"};
    }
    return value;
}

/// Complains about a key that no field of the kind has.
void check_keys(const json& object, record_kind kind)
{
    const auto& names = text_of(kind).names;
    for (const auto& item : object.items()) {
        const std::string& key = item.key();
        bool known = key == "at_ns" || key == "cpu" || key == "kind" || key == "reason";
        known = known || std::ranges::find(names, key) != names.end();
        if (!known) {
            throw bad_value{"/" + key, "unknown key", "see docs/reference/trace-format.md"};
        }
    }
}

} // namespace

namespace {

[[noreturn]] void fail(const std::string& place, const bad_value& bad)
{
    throw input_error({{place, bad.pointer, bad.what, bad.remedy}});
}

trace_header header_from(const json& h)
{
    if (!h.is_object() || !h.contains("schema") || h["schema"] != schema_name) {
        throw bad_value{"", fmt::format("is no header of \"{}\"", schema_name), "write the trace with --trace FILE"};
    }
    trace_header header;
    header.version = string_at(h, "version");
    header.scenario = string_at(h, "scenario");
    header.cpus = static_cast<std::uint32_t>(integer_at(h, "cpus", 1, 4096));
    for (const auto& name : array_at(h, "cgroups")) {
        if (!name.is_string()) {
            throw bad_value{"/cgroups", "holds something else than names", "write the trace again"};
        }
        header.cgroups.push_back(name.get<std::string>());
    }
    const auto last_cgroup = static_cast<std::int64_t>(header.cgroups.size()) - 1;
    for (const auto& task : array_at(h, "tasks")) {
        const auto pid_here = static_cast<std::int64_t>(header.tasks.size()) + 1;
        static_cast<void>(integer_at(task, "pid", pid_here, pid_here));
        header.tasks.push_back({string_at(task, "name"),
                                cgroup_id{static_cast<std::uint32_t>(integer_at(task, "cgroup", 0, last_cgroup))}});
    }
    std::vector<bool> taken(header.cpus);
    for (const auto& pair : array_at(h, "pairs")) {
        const auto cpu_at = [&](std::size_t i) {
            const bool good = pair.is_array() && pair.size() == 2 && pair[i].is_number_unsigned() &&
                              pair[i].get<std::uint64_t>() < header.cpus && !taken[pair[i].get<std::size_t>()];
            if (!good) {
                throw bad_value{"/pairs", "holds something else than pairs of CPUs, each CPU once", "correct it"};
            }
            taken[pair[i].get<std::size_t>()] = true;
            return cpu_id{pair[i].get<std::uint16_t>()};
        };
        const cpu_id first = cpu_at(0);
        header.pairs.push_back({first, cpu_at(1)});
    }
    if (const auto config = h.find("config"); config != h.end()) {
        if (const std::string wrong = problem_of_config(*config, header.cpus); !wrong.empty()) {
            throw bad_value{"/config", wrong, "write the trace again"};
        }
        header.config = *config;
    }
    return header;
}

trace_record record_from(const record_limits& limits, const json& object, sim_time not_before)
{
    if (!object.is_object()) {
        throw bad_value{"", "is no object", "each line is one record"};
    }
    trace_record r;
    const auto max64 = std::numeric_limits<std::int64_t>::max();
    r.kind = kind_at(object);
    check_keys(object, r.kind);
    r.at = at_ns(integer_at(object, "at_ns", 0, max64));
    if (r.at < not_before) {
        throw bad_value{"/at_ns", fmt::format("the time goes back, from {} to {}", to_ns(not_before), to_ns(r.at)),
                        "records are in the order of their times: write the trace again"};
    }
    const auto cpu = static_cast<std::uint16_t>(integer_at(object, "cpu", 0, no_cpu.value));
    if (!limits.allows_cpu(r.kind, cpu)) {
        throw bad_value{"/cpu", fmt::format("the header has {} CPUs", limits.cpus()), "correct one of them"};
    }
    r.cpu = cpu_id{cpu};
    r.reason = reason_at(object, r.kind);
    r.task = pid{static_cast<std::uint32_t>(field_at(limits, object, r.kind, 0))};
    r.a = static_cast<std::uint32_t>(field_at(limits, object, r.kind, 1));
    r.b = static_cast<std::uint32_t>(field_at(limits, object, r.kind, 2));
    r.value = field_at(limits, object, r.kind, 3);
    return r;
}

} // namespace

trace_header parse_header(const json& h, const std::string& place)
{
    try {
        return header_from(h);
    } catch (const bad_value& bad) {
        fail(place, bad);
    }
}

trace_record parse_record(const record_limits& limits, const json& object, sim_time not_before,
                          const std::string& place)
{
    try {
        return record_from(limits, object, not_before);
    } catch (const bad_value& bad) {
        fail(place, bad);
    }
}

namespace {

trace_header read_header(line_source& lines)
{
    std::string line;
    if (!lines.next_up_to(line, max_json_bytes)) {
        throw input_error({{lines.where() + ":1", "", "the trace is empty", "a trace begins with a header"}});
    }
    return parse_header(parse_json(line, lines.place()), lines.place());
}

} // namespace

jsonl_reader::jsonl_reader(line_source& lines) : lines_(lines), header_(read_header(lines)), limits_(header_) {}

bool jsonl_reader::next(trace_record& r)
{
    std::string_view line;
    if (!lines_.next(line)) {
        return false;
    }
    if (!scan_record(line, r) || !limits_.allows(r) || r.at < last_at_) { // then the slow way, which says what is wrong
        lines_.refuse_too_long();
        r = parse_record(limits_, parse_json(line, lines_.place()), last_at_, lines_.place());
    }
    last_at_ = r.at;
    return true;
}

} // namespace pairsim
