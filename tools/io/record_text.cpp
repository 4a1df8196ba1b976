// SPDX-License-Identifier: GPL-2.0-only
#include "tools/io/record_text.h"

#include <cstring>
#include <limits>
#include <unordered_map>

#include <fmt/format.h>

#include "tools/io/jsonl.h"

namespace pairsim {

const kind_text& text_of(record_kind kind)
{
    // Names for fields that a kind does not name, should they hold something after all: no value gets lost.
    static constexpr std::string_view spare_names[] = {"_task", "_a", "_b", "_value"};
    static const auto texts = [] {
        std::array<kind_text, nr_record_kinds> all;
        for (std::size_t i = 0; i < nr_record_kinds; ++i) {
            const auto of = static_cast<record_kind>(i);
            all[i].kind = fmt::format(R"(,"kind":"{}")", kind_name(of));
            all[i].has_reason = !reason_name(of, 0).empty();
            const auto names = field_names(of);
            for (std::size_t f = 0; f < 4; ++f) {
                all[i].always[f] = !names[f].empty();
                const std::string_view name = all[i].always[f] ? names[f] : spare_names[f];
                all[i].names[f] = name;
                all[i].keys[f] = fmt::format(R"(,"{}":)", name);
                all[i].event_keys[f] = fmt::format("{}=", name);
            }
        }
        return all;
    }();
    return texts[static_cast<std::size_t>(kind)];
}

bool kind_from(std::string_view name, record_kind& kind)
{
    static const auto kinds = [] {
        std::unordered_map<std::string_view, record_kind> all; // only looked up in
        for (std::size_t i = 0; i < nr_record_kinds; ++i) {
            all.emplace(kind_name(static_cast<record_kind>(i)), static_cast<record_kind>(i));
        }
        return all;
    }();
    const auto found = kinds.find(name);
    if (found == kinds.end()) {
        return false;
    }
    kind = found->second;
    return true;
}

// ---- limits -------------------------------------------------------------------------------------------------------

record_limits::record_limits(const trace_header& header) : cpus_(header.cpus)
{
    for (std::size_t i = 0; i < nr_record_kinds; ++i) {
        for (std::size_t f = 0; f < 4; ++f) {
            fields_[i][f] = range_of(header, static_cast<record_kind>(i), f);
        }
    }
}

record_limits::range record_limits::range_of(const trace_header& header, record_kind kind, std::size_t field)
{
    const std::string_view name = field_names(kind)[field];
    const auto up_to = [](std::int64_t last) { return range{.high = last}; };
    const bool move = kind == record_kind::task_move;
    const auto nr_cgroups = static_cast<std::int64_t>(header.cgroups.size());
    const auto nr_tasks = static_cast<std::int64_t>(header.tasks.size());
    if (field == 3) {
        return {.low = std::numeric_limits<std::int64_t>::min(), .high = std::numeric_limits<std::int64_t>::max()};
    }
    if (name == "target" || name == "pair" || (name == "from" && !move)) {
        return up_to(std::int64_t{header.cpus} - 1);
    }
    if (name == "cgroup" || ((name == "from" || name == "to") && move)) {
        return {.high = nr_cgroups - 1, .special = field == 0 ? std::int64_t{no_cgroup.value} : max32 + 1};
    }
    if (name == "task" || name == "waker") {
        return up_to(nr_tasks);
    }
    if (name == "next" || name == "prev" || name == "current") {
        return {.high = nr_tasks, .special = higher_pid(sched_class::idle).value};
    }
    return name == "prev_state" ? up_to(2) : range{};
}

bool record_limits::allows_cpu(record_kind kind, std::uint16_t cpu) const
{
    const bool may_lack_one = kind == record_kind::cgroup_init || kind == record_kind::cgroup_exit ||
                              kind == record_kind::scx_error || kind == record_kind::scx_exit ||
                              kind == record_kind::task_new || kind == record_kind::task_exit;
    return cpu < cpus_ || (cpu_id{cpu} == no_cpu && may_lack_one);
}

bool record_limits::allows(const trace_record& r) const
{
    return allows_cpu(r.kind, r.cpu.value) && allows_field(r.kind, 0, r.task.value) && allows_field(r.kind, 1, r.a) &&
           allows_field(r.kind, 2, r.b);
}

// ---- the scanner --------------------------------------------------------------------------------------------------

namespace {

bool take(std::string_view& s, std::string_view text)
{
    if (s.size() < text.size() || std::memcmp(s.data(), text.data(), text.size()) != 0) {
        return false;
    }
    s.remove_prefix(text.size());
    return true;
}

/// A number from 0 to @p high as to_chars() writes it.
bool take_digits(std::string_view& s, std::uint64_t high, std::uint64_t& value)
{
    std::size_t n = 0;
    std::uint64_t v = 0;
    for (; n < s.size() && n < 19 && s[n] >= '0' && s[n] <= '9'; ++n) {
        v = v * 10 + static_cast<std::uint64_t>(s[n] - '0');
    }
    const bool canonical = n == 1 || (n > 1 && s[0] != '0');
    value = v;
    s.remove_prefix(n);
    return canonical && v <= high;
}

/// The same with a sign; -0 is no number that anybody writes, and one with 20 characters is not looked at.
bool take_signed(std::string_view& s, std::int64_t& value)
{
    const bool negative = take(s, "-");
    std::uint64_t v = 0;
    if (!take_digits(s, std::numeric_limits<std::int64_t>::max(), v) || (negative && v == 0)) {
        return false;
    }
    value = negative ? -static_cast<std::int64_t>(v) : static_cast<std::int64_t>(v);
    return true;
}

/// A reason's word up to @p end, or the number of one without a word.
bool take_reason(std::string_view& s, record_kind kind, char end, std::uint8_t& reason)
{
    if (std::uint64_t number = 0; !s.empty() && s.front() >= '0' && s.front() <= '9') {
        if (!take_digits(s, 255, number)) {
            return false;
        }
        reason = static_cast<std::uint8_t>(number);
        return reason_name(kind, reason).empty();
    }
    const std::string_view word = s.substr(0, s.find(end));
    for (unsigned i = 0;; ++i) { // a kind's words have the lowest numbers
        const std::string_view candidate = reason_name(kind, static_cast<std::uint8_t>(i));
        if (candidate.empty()) {
            return false;
        }
        if (candidate == word) {
            reason = static_cast<std::uint8_t>(i);
            s.remove_prefix(word.size());
            return true;
        }
    }
}

bool take_value(std::string_view& s, bool always, std::size_t field, std::int64_t& value)
{
    std::uint64_t v = 0;
    if (field == 3) {
        return take_signed(s, value) && (always || value != 0);
    }
    if (!take_digits(s, std::numeric_limits<std::uint32_t>::max(), v)) {
        return false;
    }
    value = static_cast<std::int64_t>(v);
    return always || v != 0;
}

/// The four fields, each after its key; @p behind stands after each, if it is not the last.
bool take_fields(std::string_view& s, const kind_text& text, const std::array<std::string, 4>& keys,
                 std::string_view behind, trace_record& r)
{
    std::array<std::int64_t, 4> fields{};
    for (std::size_t f = 0; f < 4; ++f) {
        const bool there = take(s, keys[f]);
        if (there ? !take_value(s, text.always[f], f, fields[f]) : text.always[f]) {
            return false;
        }
        if (there) {
            take(s, behind);
        }
    }
    r.task = pid{static_cast<std::uint32_t>(fields[0])};
    r.a = static_cast<std::uint32_t>(fields[1]);
    r.b = static_cast<std::uint32_t>(fields[2]);
    r.value = fields[3];
    return true;
}

/// `"word"`, or a number.
bool take_json_reason(std::string_view& s, record_kind kind, std::uint8_t& reason)
{
    const bool quoted = take(s, "\"");
    const bool is_number = !s.empty() && s.front() >= '0' && s.front() <= '9';
    return quoted != is_number && take_reason(s, kind, '"', reason) && (!quoted || take(s, "\""));
}

} // namespace

bool scan_record(std::string_view s, trace_record& r)
{
    std::uint64_t at = 0;
    std::uint64_t cpu = 0;
    if (!take(s, R"({"at_ns":)") || !take_digits(s, std::numeric_limits<std::int64_t>::max(), at) ||
        !take(s, R"(,"cpu":)") || !take_digits(s, no_cpu.value, cpu) || !take(s, R"(,"kind":")")) {
        return false;
    }
    const std::string_view name = s.substr(0, s.find('"'));
    s.remove_prefix(name.size());
    if (!take(s, "\"") || !kind_from(name, r.kind)) {
        return false;
    }
    const kind_text& text = text_of(r.kind);
    r.reason = 0;
    if (take(s, R"(,"reason":)")) {
        if (!take_json_reason(s, r.kind, r.reason) || (!text.has_reason && r.reason == 0)) {
            return false;
        }
    } else if (text.has_reason) {
        return false;
    }
    r.at = at_ns(static_cast<std::int64_t>(at));
    r.cpu = cpu_id{static_cast<std::uint16_t>(cpu)};
    return take_fields(s, text, text.keys, "", r) && s == "}";
}

bool scan_event(std::string_view kind, std::string_view s, trace_record& r)
{
    if (!kind_from(kind, r.kind)) {
        return false;
    }
    const kind_text& text = text_of(r.kind);
    std::uint64_t cpu = 0;
    if (take(s, "cpu=")) {
        if (!take_digits(s, no_cpu.value, cpu)) {
            return false;
        }
        r.cpu = cpu_id{static_cast<std::uint16_t>(cpu)};
        take(s, " ");
    }
    r.reason = 0;
    if (take(s, "reason=")) {
        if (!take_reason(s, r.kind, ' ', r.reason)) {
            return false;
        }
        take(s, " ");
    } else if (text.has_reason) {
        return false;
    }
    return take_fields(s, text, text.event_keys, " ", r) && s.empty();
}

} // namespace pairsim
