// SPDX-License-Identifier: GPL-2.0-only
#include "tools/study/study_loader.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "tools/io/embedded.h"
#include "tools/io/input_error.h"
#include "tools/io/json_cursor.h"
#include "tools/io/schema_check.h"

namespace pairsim {

namespace {

constexpr std::size_t max_points = 100'000;
constexpr std::size_t max_runs = 10'000'000;
constexpr std::size_t max_bad_points = 50; ///< the rest would say the same

std::string label_of(const json& value)
{
    constexpr std::size_t max_label = 64;
    std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    if (text.size() > max_label) {
        text = text.substr(0, max_label - 3) + "...";
    }
    return text;
}

/// @p value with three significant digits.
std::int64_t rounded(double value)
{
    const double unit = std::pow(10.0, std::max(0.0, std::floor(std::log10(value)) - 2));
    return static_cast<std::int64_t>(std::llround(value / unit) * std::llround(unit));
}

struct range_end {
    std::int64_t value = 0;
    bool is_duration = false;
};

parsed<range_end> range_end_of(const json& value)
{
    if (value.is_number_integer()) {
        return range_end{value.get<std::int64_t>(), false};
    }
    const auto duration = parse_duration(value.is_string() ? value.get<std::string>() : value.dump());
    if (const auto* failure = std::get_if<parse_failure>(&duration)) {
        return *failure;
    }
    return range_end{std::get<nanoseconds>(duration).count(), true};
}

class study_reader {
public:
    study_reader(const input_document& document, problem_list& problems)
        : root_(document), problems_(problems), folder_(std::filesystem::path(document.where).parent_path())
    {
        s_.file = document.where;
    }

    study read()
    {
        s_.name = text("name");
        s_.description = text("description");
        read_base();
        read_common_settings();
        read_numbers();
        if (const auto factors = root_.get("factors")) {
            read_factors(*factors);
        }
        read_metrics();
        read_until();
        read_baseline();
        read_recommend();
        if (problems_.empty()) {
            make_points();
        }
        return std::move(s_);
    }

private:
    std::string text(std::string_view key) const
    {
        const auto at = root_.get(key);
        return at ? at->text().value_or("") : "";
    }

    void read_base()
    {
        const auto at = root_.get("scenario");
        if (!at) {
            return;
        }
        if (at->value().is_object()) {
            s_.base = at->value();
            s_.base_path = s_.file;
            s_.base_in_place = true;
            for (const auto& [key, implied] : {std::pair("schema", std::string("pairsim.scenario/1")),
                                               std::pair("name", s_.name), std::pair("description", s_.description)}) {
                if (!s_.base.contains(key)) {
                    s_.base[key] = implied;
                }
            }
            return;
        }
        const std::string name = at->text().value_or("");
        s_.base_path = (folder_ / name).lexically_normal().string();
        if (!std::filesystem::exists(s_.base_path)) {
            at->fail("scenario file " + quote(s_.base_path) + " does not exist",
                     "correct the name; it is relative to the folder of the study");
            return;
        }
        try {
            s_.base = read_json(s_.base_path);
        } catch (const input_error& error) {
            for (const problem& p : error.problems()) {
                problems_.add(p);
            }
        }
    }

    void add_common(const json_cursor& at, std::string pointer, json value)
    {
        const auto tokens = at.accept(split_pointer(pointer));
        if (tokens && tokens->empty()) {
            at.fail("an empty pointer replaces the whole scenario", "point at a value inside of it");
        } else if (tokens) {
            common_.push_back({std::move(pointer), std::move(value)});
            common_at_.push_back(at.pointer());
        }
    }

    void read_common_settings()
    {
        const auto set = root_.get("set");
        for (const auto& [pointer, member] : set ? set->members() : decltype(set->members()){}) {
            add_common(member, pointer, member.value());
        }
        if (const auto warmup = root_.get("warmup"); warmup && warmup->duration()) {
            add_common(*warmup, "/warmup", warmup->value());
        }
    }

    void read_numbers()
    {
        constexpr std::uint32_t default_replications = 10;
        constexpr std::uint32_t first_replications = 5;
        s_.first_seed = s_.base.is_object() && s_.base.contains("seed") && s_.base["seed"].is_number_unsigned()
                            ? s_.base["seed"].get<std::uint64_t>()
                            : 1;
        if (const auto seed = root_.get("seed")) {
            s_.first_seed = seed->integer().value_or(1);
        }
        s_.replications = root_.get("until") ? first_replications : default_replications;
        if (const auto at = root_.get("replications")) {
            s_.replications = static_cast<std::uint32_t>(at->integer(1, 100'000).value_or(1));
        }
        if (const auto at = root_.get("confidence")) {
            s_.confidence = at->number().value_or(s_.confidence);
        }
    }

    std::vector<json> values_of(const json_cursor& factor) const
    {
        const auto values = factor.get("values");
        const auto range = factor.get("range");
        if (values.has_value() == range.has_value()) {
            factor.fail(values ? R"("values" and "range" exclude each other)" : "the factor has no values",
                        R"(give one of "values" and "range")");
            return {};
        }
        if (values) {
            return {values->value().begin(), values->value().end()};
        }
        const auto from = range->get("from");
        const auto to = range->get("to");
        const auto points = range->get("points");
        const auto scale = range->get("scale");
        if (!from || !to || !points || range->failed()) {
            return {};
        }
        return range
            ->accept(range_values(from->value(), to->value(), points->integer(2, 10'000).value_or(2),
                                  scale && scale->value() == "log"))
            .value_or(std::vector<json>{});
    }

    /// Adds one factor to @p axis. All factors of an axis have the same number of values.
    void read_factor(const json_cursor& at, study_axis& axis, bool is_first)
    {
        const auto pointer_at = at.get("pointer");
        const std::string pointer = pointer_at ? pointer_at->text().value_or("") : "";
        const auto tokens = pointer_at ? pointer_at->accept(split_pointer(pointer)) : std::nullopt;
        if (!tokens) {
            return;
        }
        const auto name_at = at.get("name");
        const std::string name = name_at           ? name_at->text().value_or("")
                                 : tokens->empty() ? std::string()
                                                   : tokens->back();
        if (name.empty()) {
            at.fail("the factor has no name", R"(add "name", or point inside of the scenario)");
        } else if (s_.factor_index(name)) {
            at.fail("two factors are named " + quote(name), R"(give one of them another "name")");
        } else if (pointer == "/seed") {
            pointer_at->fail("the seed is no factor", R"(repeat points with "replications" and "seed")");
        }
        const std::vector<json> values = values_of(at);
        const auto labels = at.get("labels");
        if (labels && labels->value().size() != values.size() && !values.empty()) {
            labels->fail(fmt::format("{} labels for {} values", labels->value().size(), values.size()),
                         "give one for each value");
        }
        if (is_first) {
            axis.levels.resize(values.size());
        } else if (values.size() != axis.levels.size()) {
            at.fail(fmt::format("{} values, but the first factor of the zip has {}", values.size(), axis.levels.size()),
                    "zipped factors vary together: give each the same number");
        }
        axis.factors.push_back(name);
        s_.factors.push_back(name);
        add_values(at, axis, values, labels, pointer);
    }

    static void add_values(const json_cursor& at, study_axis& axis, const std::vector<json>& values,
                           const std::optional<json_cursor>& labels, const std::string& pointer)
    {
        for (std::size_t i = 0; i < values.size() && i < axis.levels.size(); ++i) {
            const bool labelled = labels && i < labels->value().size() && labels->value()[i].is_string();
            std::string label = labelled ? labels->value()[i].get<std::string>() : label_of(values[i]);
            axis_level& level = axis.levels[i];
            level.labels.push_back(std::move(label));
            level.settings.push_back({pointer, values[i]});
            if (level.at.empty()) {
                level.at = at.get("values") ? fmt::format("{}/values/{}", at.pointer(), i) : at.pointer() + "/range";
            }
        }
    }

    void read_factors(const json_cursor& factors)
    {
        for (const json_cursor& at : factors.items()) {
            study_axis axis;
            if (const auto zip = at.get("zip")) {
                bool is_first = true;
                for (const json_cursor& one : zip->items()) {
                    read_factor(one, axis, is_first);
                    is_first = false;
                }
            } else {
                read_factor(at, axis, true);
            }
            check_different(at, axis);
            s_.axes.push_back(std::move(axis));
        }
    }

    /// Labels tell points apart.
    static void check_different(const json_cursor& at, const study_axis& axis)
    {
        std::set<std::vector<std::string>> seen;
        for (const axis_level& level : axis.levels) {
            if (!seen.insert(level.labels).second) {
                at.fail("the value " + quote(fmt::format("{}", fmt::join(level.labels, ", "))) + " occurs twice",
                        R"(remove one, or give different "labels")");
                return;
            }
        }
    }

    void read_metrics()
    {
        const auto known = standard_metrics();
        const auto list = root_.get("metrics");
        if (!list) {
            s_.metrics.assign(known.begin(), known.end());
        }
        for (const json_cursor& at : list ? list->items() : std::vector<json_cursor>{}) {
            metric m;
            if (at.value().is_string()) {
                const std::string name = at.text().value_or("");
                const auto found = std::ranges::find(known, name, &metric::name);
                if (found == known.end()) {
                    std::vector<std::string> names;
                    std::ranges::transform(known, std::back_inserter(names), &metric::name);
                    const std::string near = closest_name(name, names);
                    at.fail("unknown metric " + quote(name),
                            near.empty() ? R"(known ones: docs/reference/study-format.md; or give "name" and "pointer")"
                                         : "did you mean " + quote(near) + "?");
                    continue;
                }
                m = *found;
            } else {
                m = own_metric(at);
            }
            if (s_.metric_index(m.name)) {
                at.fail("the metric " + quote(m.name) + " occurs twice", "remove one");
            }
            s_.metrics.push_back(std::move(m));
        }
    }

    static metric own_metric(const json_cursor& at)
    {
        const auto member = [&](std::string_view key) {
            const auto found = at.get(key);
            return found ? found->text().value_or("") : "";
        };
        metric m{.name = member("name"), .unit = member("unit"), .pointer = member("pointer")};
        if (const auto pointer = at.get("pointer"); pointer && pointer->accept(split_pointer(m.pointer))) {
            if (m.pointer.empty()) {
                pointer->fail("an empty pointer is the whole report", "point at a number inside of it");
            }
        }
        const std::string direction = member("better");
        m.direction = direction == "higher" ? better::higher : direction == "lower" ? better::lower : better::neither;
        return m;
    }

    void read_until()
    {
        const auto at = root_.get("until");
        if (!at) {
            return;
        }
        until_rule rule;
        if (const auto name = at->get("metric")) {
            rule.metric = name->text().value_or("");
            if (!s_.metric_index(rule.metric)) {
                name->fail("the study keeps no metric " + quote(rule.metric), R"(name one of "metrics")");
            }
        }
        if (const auto width = at->get("relative_half_width")) {
            rule.relative_half_width = width->number().value_or(rule.relative_half_width);
        }
        if (const auto most = at->get("max_replications")) {
            rule.max_replications = static_cast<std::uint32_t>(most->integer(2, 100'000).value_or(2));
        }
        if (s_.replications < 2 || s_.replications > rule.max_replications) {
            at->fail(fmt::format("{} replications to begin with, at most {}", s_.replications, rule.max_replications),
                     R"(let "replications" be 2 or more, and at most "max_replications")");
        }
        s_.until = rule;
    }

    void read_baseline()
    {
        const auto baseline = root_.get("baseline");
        for (const auto& member : baseline ? baseline->members() : decltype(baseline->members()){}) {
            read_baseline_level(member.first, member.second);
        }
    }

    void read_baseline_level(const std::string& factor, const json_cursor& at)
    {
        const std::string label = label_of(at.value());
        const auto axis = std::ranges::find_if(
            s_.axes, [&](const study_axis& a) { return std::ranges::find(a.factors, factor) != a.factors.end(); });
        if (axis == s_.axes.end()) {
            at.fail("unknown factor " + quote(factor), "factors: " + quote_all(s_.factors));
            return;
        }
        const auto column = static_cast<std::size_t>(std::ranges::find(axis->factors, factor) - axis->factors.begin());
        const auto level = std::ranges::find_if(axis->levels, [&](const axis_level& l) {
            return column < l.labels.size() && (l.labels[column] == label || l.settings[column].value == at.value());
        });
        if (level == axis->levels.end()) {
            at.fail("the factor has no value " + quote(label), "name one of its values or labels");
            return;
        }
        for (std::size_t i = 0; i < axis->factors.size(); ++i) { // what is zipped with it goes along
            s_.baseline.emplace_back(axis->factors[i], level->labels[i]);
        }
    }

    void read_recommend()
    {
        const auto at = root_.get("recommend");
        if (!at) {
            return;
        }
        recommend_rule rule;
        if (const auto factor = at->get("factor")) {
            rule.factor = factor->text().value_or("");
            if (!s_.factor_index(rule.factor)) {
                factor->fail("unknown factor " + quote(rule.factor), "factors: " + quote_all(s_.factors));
            }
        }
        const auto loss = [&](std::string_view key, double& to) {
            const auto given = at->get(key);
            to = given ? given->number().value_or(to) : to;
        };
        loss("throughput_loss", rule.throughput_loss);
        loss("latency_loss", rule.latency_loss);
        for (const char* needed : {"throughput", "wakeup_p99_ns"}) {
            if (!s_.metric_index(needed)) {
                at->fail(fmt::format("a recommendation needs the metric \"{}\"", needed), R"(add it to "metrics")");
            }
        }
        s_.recommend = rule;
    }

    void make_points()
    {
        std::size_t nr_points = 1;
        for (const study_axis& axis : s_.axes) {
            nr_points *= axis.levels.size();
            if (nr_points > max_points || nr_points * s_.most_replications() > max_runs) {
                root_.get("factors")->fail(
                    "too many points", fmt::format("a study has at most {} points and {} runs", max_points, max_runs));
                return;
            }
        }
        for (std::size_t n = 0; n < nr_points && nr_bad_points_ < max_bad_points; ++n) {
            study_point point;
            point.settings = common_;
            point.levels.resize(s_.axes.size());
            std::size_t rest = n;
            for (std::size_t a = s_.axes.size(); a-- > 0;) {
                point.levels[a] = rest % s_.axes[a].levels.size();
                rest /= s_.axes[a].levels.size();
            }
            for (std::size_t a = 0; a < s_.axes.size(); ++a) {
                const axis_level& level = s_.axes[a].levels[point.levels[a]];
                point.labels.insert(point.labels.end(), level.labels.begin(), level.labels.end());
                point.settings.insert(point.settings.end(), level.settings.begin(), level.settings.end());
            }
            check_point(point);
            s_.points.push_back(std::move(point));
        }
    }

    void check_point(study_point& point)
    {
        std::vector<json> sources;
        try {
            read_scenario(document_of(s_, point, 0), s_.base_path, {}, &sources);
        } catch (const input_error& error) {
            for (const problem& p : error.problems()) {
                problems_.add(in_study(p, point));
            }
            ++nr_bad_points_;
            return;
        }
        point.id = point_id(sources, s_.metrics);
    }

    /// A scenario's problem belongs to the factor that made it, else to the base scenario.
    problem in_study(problem p, const study_point& point) const
    {
        const auto begins_with = [&](const std::string& pointer) {
            return (p.pointer + "/").starts_with(pointer + "/") || (pointer + "/").starts_with(p.pointer + "/");
        };
        for (std::size_t a = s_.axes.size(); a-- > 0;) {
            const axis_level& level = s_.axes[a].levels[point.levels[a]];
            for (const setting& s : level.settings) {
                if (!p.pointer.empty() && begins_with(s.pointer)) {
                    return {s_.file, level.at, fmt::format("{}: {}", p.pointer, p.what), p.remedy};
                }
            }
        }
        for (std::size_t i = 0; i < common_.size(); ++i) {
            if (!p.pointer.empty() && begins_with(common_[i].pointer)) {
                return {s_.file, common_at_[i], fmt::format("{}: {}", p.pointer, p.what), p.remedy};
            }
        }
        if (s_.base_in_place && p.where == s_.file) {
            p.pointer = "/scenario" + p.pointer;
        }
        p.what += fmt::format(" (at the point {})", describe(s_, point));
        return p;
    }

    const json_cursor root_;
    problem_list& problems_;
    std::filesystem::path folder_;
    study s_;
    std::vector<setting> common_;        ///< of every point, before the factors'
    std::vector<std::string> common_at_; ///< where the study file has them
    std::size_t nr_bad_points_ = 0;
};

} // namespace

parsed<std::vector<json>> range_values(const json& from, const json& to, std::size_t points, bool logarithmic)
{
    const auto first = range_end_of(from);
    const auto last = range_end_of(to);
    for (const auto* end : {&first, &last}) {
        if (const auto* failure = std::get_if<parse_failure>(end)) {
            return *failure;
        }
    }
    const auto [low, low_is_duration] = std::get<range_end>(first);
    const auto [high, high_is_duration] = std::get<range_end>(last);
    if (low_is_duration != high_is_duration) {
        return parse_failure{"the range begins and ends with different kinds of value",
                             "give two durations or two integers"};
    }
    if (low >= high || (logarithmic && low == 0)) {
        return parse_failure{"the range does not rise" + std::string(logarithmic ? " from above zero" : ""),
                             R"(let "to" be above "from")"};
    }
    std::vector<std::int64_t> numbers;
    for (std::size_t i = 0; i < points; ++i) {
        const double part = static_cast<double>(i) / static_cast<double>(points - 1);
        const double between = logarithmic
                                   ? static_cast<double>(low) *
                                         std::exp(std::log(static_cast<double>(high) / static_cast<double>(low)) * part)
                                   : static_cast<double>(low) + static_cast<double>(high - low) * part;
        numbers.push_back(i == 0            ? low
                          : i + 1 == points ? high
                          : logarithmic     ? rounded(between)
                                            : static_cast<std::int64_t>(std::llround(between)));
    }
    std::vector<json> values;
    for (std::size_t i = 0; i < points; ++i) {
        if (i > 0 && numbers[i] <= numbers[i - 1]) {
            return parse_failure{"the range has more points than different values", "give fewer points"};
        }
        values.push_back(low_is_duration ? json(format_duration(nanoseconds{numbers[i]})) : json(numbers[i]));
    }
    return values;
}

study load_study(const std::string& path)
{
    problem_list problems;
    const input_document document{display_name(path), read_json(path), &problems};
    static const schema_checker checker(embedded::study_schema);
    checker.check(document);
    problems.throw_if_any();
    study result = study_reader(document, problems).read();
    problems.throw_if_any();
    return result;
}

} // namespace pairsim
