// SPDX-License-Identifier: GPL-2.0-only
//
// The lines of `spec_lines`: the small language in which the measuring program is told what to run.
#include <charconv>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "tools/io/input_error.h"
#include "tools/io/units.h"
#include "tools/validate/measured_case.h"

namespace pairsim {
namespace {

std::vector<std::string_view> words_of(std::string_view text, char separator)
{
    std::vector<std::string_view> words;
    while (!text.empty()) {
        const auto end = text.find(separator);
        if (end != 0) {
            words.push_back(text.substr(0, end));
        }
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    }
    return words;
}

std::optional<std::int64_t> number(std::string_view text)
{
    std::int64_t n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    const bool good = error == std::errc{} && end == text.data() + text.size() && n >= 0 && n <= 1'000'000'000'000;
    return good ? std::optional(n) : std::nullopt;
}

std::optional<std::vector<case_phase>> phases_of(std::string_view text)
{
    using op = case_phase::op;
    std::vector<case_phase> phases;
    for (const std::string_view word : words_of(text, ',')) {
        if (word == "f") {
            phases.push_back({op::forever, {}});
        } else if (word == "y") {
            phases.push_back({op::yield, {}});
        } else {
            const auto length = number(word.substr(1));
            if ((word[0] != 's' && word[0] != 'z') || !length) {
                return std::nullopt;
            }
            phases.push_back({word[0] == 's' ? op::run : op::sleep, std::chrono::microseconds{*length}});
        }
    }
    return phases.empty() ? std::nullopt : std::optional(phases);
}

std::string apply_task(measured_case& c, const std::vector<std::string_view>& words)
{
    const auto count = words.size() > 3 ? number(words[2]) : std::nullopt;
    if (!count || *count == 0 || *count > 10'000) {
        return "a task line is: task CGROUP N [cpus=LIST] ph=PHASES";
    }
    case_tasks t{std::string(words[1]), static_cast<std::uint32_t>(*count), {}, {}};
    for (std::size_t i = 3; i < words.size(); ++i) {
        if (words[i].starts_with("cpus=")) {
            const auto list = parse_cpu_list(words[i].substr(5));
            if (!std::holds_alternative<std::vector<std::uint32_t>>(list)) {
                return "unknown CPU list " + quote(words[i]);
            }
            t.cpus = std::get<std::vector<std::uint32_t>>(list);
        } else if (words[i].starts_with("ph=")) {
            const auto phases = phases_of(words[i].substr(3));
            if (!phases) {
                return "unknown phases " + quote(words[i]) + ": they are sUS, zUS, y and f";
            }
            t.phases = *phases;
        } else {
            return "unknown word " + quote(words[i]);
        }
    }
    if (t.phases.empty()) {
        return "a task without phases";
    }
    c.tasks.push_back(std::move(t));
    return {};
}

std::string apply_rt(measured_case& c, const std::vector<std::string_view>& words)
{
    case_rt rt;
    for (std::size_t i = 1; i < words.size(); ++i) {
        const auto equals = words[i].find('=');
        const auto key = words[i].substr(0, equals);
        const auto value = equals == std::string_view::npos ? std::nullopt : number(words[i].substr(equals + 1));
        if (!value) {
            return "unknown word " + quote(words[i]);
        }
        const nanoseconds us = std::chrono::microseconds{*value};
        if (key == "cpu") {
            rt.cpu = static_cast<std::uint32_t>(*value);
        } else if (key == "period") {
            rt.period = us;
        } else if (key == "run") {
            rt.run = us;
        } else if (key == "offset") {
            rt.offset = us;
        } else {
            return "unknown word " + quote(words[i]);
        }
    }
    c.rt.push_back(rt);
    return rt.period > nanoseconds{0} && rt.run > nanoseconds{0} ? "" : "an rt line needs a period and a run";
}

} // namespace

std::string apply_spec_line(measured_case& c, std::string_view text)
{
    const auto words = words_of(text, ' ');
    if (words.empty() || words[0].starts_with('#')) {
        return {};
    }
    if (words[0] == "task") {
        return apply_task(c, words);
    }
    if (words[0] == "rt") {
        return apply_rt(c, words);
    }
    if (words.size() != 2) {
        return "unknown line " + quote(text);
    }
    if (words[0] == "variant") {
        c.variant = std::string(words[1]);
        return {};
    }
    const auto value = number(words[1]);
    if (!value) {
        return "no number in " + quote(text);
    }
    if (words[0] == "dur_ms") {
        c.window = std::chrono::milliseconds{*value};
    } else if (words[0] == "batch_ns") {
        c.batch = nanoseconds{*value};
    } else if (words[0] == "stride") {
        c.stride = static_cast<std::uint32_t>(*value);
    } else if (words[0] == "ctxfix") {
        c.big_ctx_map = *value != 0;
    } else {
        return "unknown line " + quote(text);
    }
    return {};
}

} // namespace pairsim
