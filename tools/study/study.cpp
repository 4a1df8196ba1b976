// SPDX-License-Identifier: GPL-2.0-only
#include "tools/study/study.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <xxhash.h>

#include "pairsim_version.h"
#include "tools/io/input_error.h"

namespace pairsim {
namespace {

std::string hash_hex(std::string_view bytes)
{
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data(), bytes.size()));
    std::string hex;
    for (const unsigned char byte : canonical.digest) {
        hex += fmt::format("{:02x}", byte);
    }
    return hex;
}

/// @p text as one word of a POSIX shell.
std::string shell_word(const std::string& text)
{
    const auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("_-./=:,+").find(c) != std::string_view::npos;
    };
    if (!text.empty() && std::ranges::all_of(text, plain)) {
        return text;
    }
    std::string word = "'";
    for (const char c : text) {
        word += c == '\'' ? std::string("'\\''") : std::string(1, c);
    }
    return word + "'";
}

/// As `--set` reads it: a string that is no JSON needs no quotes.
std::string setting_text(const setting& s)
{
    if (s.value.is_string()) {
        const auto& text = s.value.get_ref<const std::string&>();
        if (!json::accept(text)) {
            return s.pointer + "=" + text;
        }
    }
    return s.pointer + "=" + s.value.dump();
}

} // namespace

std::optional<std::size_t> study::factor_index(const std::string& wanted) const
{
    const auto found = std::ranges::find(factors, wanted);
    return found == factors.end() ? std::nullopt : std::optional(static_cast<std::size_t>(found - factors.begin()));
}

std::optional<std::size_t> study::metric_index(const std::string& wanted) const
{
    const auto found = std::ranges::find(metrics, wanted, &metric::name);
    return found == metrics.end() ? std::nullopt : std::optional(static_cast<std::size_t>(found - metrics.begin()));
}

json document_of(const study& s, const study_point& point, std::uint32_t replication)
{
    json document = s.base;
    apply_settings(document, point.settings);
    document["seed"] = s.seed_of(replication);
    return document;
}

scenario scenario_of(const study& s, const study_point& point, std::uint32_t replication)
{
    return read_scenario(document_of(s, point, replication), s.base_path);
}

std::string run_id(const study_point& point, std::uint64_t seed)
{
    return hash_hex(fmt::format("{} {}", point.id, seed));
}

/// Names and words for people change nothing, and the seed is the run's.
std::string point_id(const std::vector<json>& sources, const std::vector<metric>& metrics)
{
    std::string all = fmt::format("pairsim {}\n", version);
    for (std::size_t i = 0; i < sources.size(); ++i) {
        json source = sources[i];
        for (const char* key : {"name", "description", "expect", "seed"}) {
            if (i == 0) {
                source.erase(key);
            }
        }
        all += source.dump() + "\n";
    }
    for (const metric& m : metrics) {
        all += fmt::format("{} {}\n", m.name, m.pointer);
    }
    return hash_hex(all);
}

std::string describe(const study& s, const study_point& point)
{
    std::string text;
    for (std::size_t i = 0; i < s.factors.size(); ++i) {
        text += fmt::format("{}{}={}", i == 0 ? "" : " ", s.factors[i], point.labels[i]);
    }
    return text;
}

std::optional<std::size_t> baseline_of(const study& s, const study_point& point)
{
    if (s.baseline.empty()) {
        return std::nullopt;
    }
    std::vector<std::string> wanted = point.labels;
    for (const auto& [factor, label] : s.baseline) {
        wanted[*s.factor_index(factor)] = label;
    }
    const auto found = std::ranges::find(s.points, wanted, &study_point::labels);
    return found == s.points.end() ? std::nullopt : std::optional(static_cast<std::size_t>(found - s.points.begin()));
}

std::string reproduce_command(const study& s, const study_point& point, std::uint32_t replication)
{
    if (s.base_in_place) {
        const auto index = std::ranges::find(s.points, point.labels, &study_point::labels) - s.points.begin();
        return fmt::format("pairsim study scenario {} --point {} --replication {} | pairsim run -", shell_word(s.file),
                           index + 1, replication + 1);
    }
    std::string command = fmt::format("pairsim run {} --seed {}", shell_word(s.base_path), s.seed_of(replication));
    for (const setting& one : point.settings) {
        command += " --set " + shell_word(setting_text(one));
    }
    return command;
}

} // namespace pairsim
