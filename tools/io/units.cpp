// SPDX-License-Identifier: GPL-2.0-only
#include "tools/io/units.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "tools/io/input_error.h"

namespace pairsim {

namespace {

struct unit {
    std::string_view name;
    std::int64_t ns;
};
// "s" is the end of the other names, so it comes last.
constexpr std::array<unit, 4> units{{{"ns", 1}, {"us", 1'000}, {"ms", 1'000'000}, {"s", 1'000'000'000}}};

constexpr const char* duration_remedy = R"(write a number and a unit, ns, us, ms or s, such as "20ms" or "1.5us")";
constexpr const char* cpu_list_remedy = R"(write CPUs and ranges of CPUs with commas between them, such as "0-3,5")";

bool is_digits(std::string_view text)
{
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// The number that @p digits say; nothing if it is above @p limit.
std::optional<std::int64_t> number_up_to(std::string_view digits, std::int64_t limit)
{
    std::int64_t value = 0;
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (result.ec != std::errc{} || value > limit) {
        return std::nullopt;
    }
    return value;
}

parse_failure too_long(std::string_view text)
{
    return {quote(text) + " is longer than the limit of " + format_duration(max_duration), "give a shorter duration"};
}

parsed<nanoseconds> scale(std::string_view text, std::string_view whole, std::string_view fraction, const unit& u)
{
    const auto count = number_up_to(whole, max_duration.count() / u.ns);
    if (!count) {
        return too_long(text);
    }
    std::int64_t ns = *count * u.ns;
    std::int64_t digit_ns = u.ns;
    for (const char digit : fraction) {
        digit_ns /= 10;
        if (digit_ns == 0 && digit != '0') {
            return parse_failure{quote(text) + " is not a whole number of nanoseconds",
                                 "round it: time is counted in whole nanoseconds"};
        }
        ns += (digit - '0') * digit_ns;
    }
    if (ns > max_duration.count()) {
        return too_long(text);
    }
    return nanoseconds{ns};
}

} // namespace

parsed<nanoseconds> parse_duration(std::string_view text)
{
    if (text == "0") {
        return nanoseconds{0};
    }
    const auto u = std::find_if(units.begin(), units.end(), [&](const unit& v) { return text.ends_with(v.name); });
    if (u == units.end()) {
        return parse_failure{quote(text) + " is no duration: it does not end with a unit", duration_remedy};
    }
    const std::string_view number = text.substr(0, text.size() - u->name.size());
    const auto point = number.find('.');
    const std::string_view whole = number.substr(0, point);
    const std::string_view fraction = point == std::string_view::npos ? "0" : number.substr(point + 1);
    if (number.starts_with('-')) {
        return parse_failure{quote(text) + " is negative", "a duration is zero or more"};
    }
    if (!is_digits(whole) || !is_digits(fraction)) {
        return parse_failure{quote(text) + " is no duration: " + quote(number) + " is no decimal number",
                             duration_remedy};
    }
    return scale(text, whole, fraction, *u);
}

std::string format_duration(nanoseconds d)
{
    const std::int64_t ns = d.count();
    const std::uint64_t magnitude = ns < 0 ? 0 - static_cast<std::uint64_t>(ns) : static_cast<std::uint64_t>(ns);
    const unit* fitting = units.data();
    for (const unit& u : units) {
        fitting = magnitude >= static_cast<std::uint64_t>(u.ns) ? &u : fitting;
    }
    const auto per_unit = static_cast<std::uint64_t>(fitting->ns);
    std::string text = fmt::format("{}{}", ns < 0 ? "-" : "", magnitude / per_unit);
    if (magnitude % per_unit != 0) {
        const std::string fraction = std::to_string(per_unit + magnitude % per_unit).substr(1); // keeps leading zeros
        text += "." + fraction.substr(0, fraction.find_last_not_of('0') + 1);
    }
    return text + std::string(fitting->name);
}

parsed<std::vector<std::uint32_t>> parse_cpu_list(std::string_view text)
{
    std::vector<bool> listed(max_cpus); // bounds the work for a text such as "0-4095,0-4095,..."
    std::size_t begin = 0;
    while (begin <= text.size()) {
        const auto end = std::min(text.find(',', begin), text.size());
        const std::string_view range = text.substr(begin, end - begin);
        const auto dash = range.find('-');
        const std::string_view from = range.substr(0, dash);
        const std::string_view to = dash == std::string_view::npos ? from : range.substr(dash + 1);
        if (!is_digits(from) || !is_digits(to)) {
            return parse_failure{quote(text) + " is no list of CPUs", cpu_list_remedy};
        }
        const auto first = number_up_to(from, max_cpus - 1);
        const auto last = number_up_to(to, max_cpus - 1);
        if (!first || !last) {
            return parse_failure{fmt::format("{} names a CPU above {}", quote(text), max_cpus - 1),
                                 fmt::format("a machine has at most {} CPUs", max_cpus)};
        }
        if (*first > *last) {
            return parse_failure{fmt::format("the range {} runs backwards", quote(range)), cpu_list_remedy};
        }
        std::fill(listed.begin() + *first, listed.begin() + *last + 1, true);
        begin = end + 1;
    }
    std::vector<std::uint32_t> cpus;
    for (std::uint32_t cpu = 0; cpu < max_cpus; ++cpu) {
        if (listed[cpu]) {
            cpus.push_back(cpu);
        }
    }
    return cpus;
}

std::string append_pointer(std::string_view pointer, std::string_view token)
{
    std::string result(pointer);
    result += '/';
    for (const char c : token) {
        if (c == '~' || c == '/') {
            result += c == '~' ? "~0" : "~1";
        } else {
            result += c;
        }
    }
    return result;
}

parsed<std::vector<std::string>> split_pointer(std::string_view pointer)
{
    constexpr const char* remedy = R"(a pointer is empty or begins with "/"; in a key, write ~1 for / and ~0 for ~)";
    std::vector<std::string> tokens;
    if (!pointer.empty() && pointer.front() != '/') {
        return parse_failure{quote(pointer) + " is no JSON pointer", remedy};
    }
    for (std::size_t i = 0; i < pointer.size(); ++i) {
        if (pointer[i] == '/') {
            tokens.emplace_back();
        } else if (pointer[i] != '~') {
            tokens.back() += pointer[i];
        } else if (i + 1 < pointer.size() && (pointer[i + 1] == '0' || pointer[i + 1] == '1')) {
            tokens.back() += pointer[++i] == '0' ? '~' : '/';
        } else {
            return parse_failure{quote(pointer) + " is no JSON pointer", remedy};
        }
    }
    return tokens;
}

} // namespace pairsim
