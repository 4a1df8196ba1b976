// SPDX-License-Identifier: GPL-2.0-only
#include "tools/fuzz/shrink.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tools/io/units.h"

namespace pairsim {
namespace {

using pointer = json::json_pointer;

/// Every value below @p at, parents before children.
void collect(const json& value, const pointer& at, std::vector<pointer>& all)
{
    all.push_back(at);
    if (value.is_object()) {
        for (const auto& [key, member] : value.items()) {
            collect(member, at / key, all);
        }
    } else if (value.is_array()) {
        for (std::size_t i = 0; i < value.size(); ++i) {
            collect(value[i], at / i, all);
        }
    }
}

/// Simpler than @p d, the simplest first: rounder, shorter.
std::vector<json> simpler_durations(nanoseconds d)
{
    std::vector<json> simpler;
    const nanoseconds least = std::min<nanoseconds>(d, std::chrono::microseconds{1}); // a period of 1 ns takes for ever
    const auto add = [&](nanoseconds s) {
        if (s < d && s >= least) {
            simpler.emplace_back(format_duration(s));
        }
    };
    if (d.count() != 0) {
        simpler.emplace_back("0");
    }
    for (std::int64_t unit = 1'000'000'000; unit > 0; unit /= 10) {
        if (d.count() % unit != 0) {
            add(nanoseconds{d.count() / unit * unit}); // rounded down
            if (d.count() / unit > 9) {
                break; // two digits are round enough
            }
        }
    }
    add(d / 2);
    add(d * 3 / 4);
    return simpler;
}

/// Simpler values to take the place of @p value, the simplest first.
std::vector<json> simpler_values(const json& value)
{
    if (value.is_string()) {
        const auto d = parse_duration(value.get<std::string>());
        return std::holds_alternative<nanoseconds>(d) ? simpler_durations(std::get<nanoseconds>(d))
                                                      : std::vector<json>{};
    }
    if (value.is_number_unsigned() && value.get<std::uint64_t>() > 1) {
        const auto n = value.get<std::uint64_t>();
        return {0, 1, n / 2, n - 1};
    }
    if (value.is_number_integer()) {
        const auto n = value.get<std::int64_t>();
        return n > 1 ? std::vector<json>{0, 1, n / 2, n - 1} : n == 1 ? std::vector<json>{0} : std::vector<json>{};
    }
    if (value.is_object() && value.contains("dist")) {
        for (const char* key : {"value", "mean", "high"}) {
            if (value.contains(key)) {
                return {value[key]};
            }
        }
    }
    if (value.is_object() && value.contains("preset")) {
        return {"none", value["preset"]};
    }
    if (value.is_object() && value.contains("name") && value.size() == 1) {
        return {value["name"]}; // of a cgroup
    }
    return {};
}

/// Whether @p entry, of some list, is nothing without the task or cgroup @p name.
bool mentions(const json& entry, const std::string& name)
{
    const auto is = [&](const json& object, const char* key) {
        return object.is_object() && object.contains(key) && object[key] == name;
    };
    bool found = is(entry, "cgroup") || is(entry, "move");
    for (const char* key : {"move", "set_affinity"}) {
        found = found || (entry.is_object() && entry.contains(key) && (is(entry[key], "task") || is(entry[key], "to")));
    }
    return found;
}

void erase_mentions(json& value, const std::string& name)
{
    if (value.is_array()) {
        for (std::size_t i = value.size(); i-- > 0;) {
            if (mentions(value[i], name)) {
                value.erase(i);
            }
        }
    }
    if (value.is_structured()) {
        for (json& inner : value) {
            erase_mentions(inner, name);
        }
    }
}

/// Takes element @p i of the list at @p at out of @p document, and all that speaks of it by name. It may be gone
/// already, with what spoke of another.
void take_out(json& document, const pointer& at, std::size_t i)
{
    if (!document.contains(at) || document.at(at).size() <= i) {
        return;
    }
    const json gone = document.at(at)[i];
    document.at(at).erase(i);
    if (gone.is_object() && gone.contains("name")) {
        erase_mentions(document, gone.value("name", ""));
    }
}

class shrinker {
public:
    shrinker(json document, const std::function<bool(const json&)>& shows, unsigned max_tries)
        : best_(std::move(document)), shows_(shows), max_tries_(max_tries)
    {
    }

    shrunk run()
    {
        bool minimal = false;
        keep_few_tasks();
        while (!minimal && !tired()) {
            bool fewer = leave_out_elements();
            fewer = leave_out_members() || fewer;
            fewer = unwrap() || fewer;
            // Shorter comes last: what is left out moves the rest in time, and a run that ends early cannot show it.
            minimal = !fewer && !keep_few_tasks() && !simplify() && !tired();
        }
        return {.document = std::move(best_), .nr_tried = nr_tried_, .minimal = minimal};
    }

private:
    bool tired() const { return nr_tried_ >= max_tries_; }
    /// 0: no list.
    std::size_t size_of(const pointer& at) const
    {
        return best_.contains(at) && best_.at(at).is_array() ? best_.at(at).size() : 0;
    }

    /// Keeps @p candidate if it still shows what matters.
    bool keep(json candidate)
    {
        if (tired()) {
            return false;
        }
        ++nr_tried_;
        if (!shows_(candidate)) {
            return false;
        }
        best_ = std::move(candidate);
        return true;
    }

    /// All values of the present document, children before parents if @p inside_out.
    std::vector<pointer> places(bool inside_out = false) const
    {
        std::vector<pointer> all;
        collect(best_, pointer(), all);
        if (inside_out) {
            std::ranges::reverse(all);
        }
        return all;
    }

    /// The present document without the elements [@p first, @p last) of the list at @p at.
    json without(const pointer& at, std::size_t first, std::size_t last) const
    {
        json candidate = best_;
        for (std::size_t i = last; i-- > first;) {
            take_out(candidate, at, i);
        }
        return candidate;
    }

    bool leave_out_elements()
    {
        bool smaller = false;
        for (const pointer& at : places(true)) {
            for (std::size_t length = std::max<std::size_t>(size_of(at) / 2, 1); length > 0; length /= 2) {
                // From the last, which the others refer to least.
                for (std::size_t end = size_of(at); end >= length; end = std::min(end - length, size_of(at))) {
                    smaller = keep(without(at, end - length, end)) || smaller;
                }
            }
        }
        return smaller;
    }

    /// Keeps two of the tasks, or one: what many show together, few may show in another way.
    bool keep_few_tasks()
    {
        const pointer at("/tasks");
        const std::size_t size = size_of(at);
        for (std::size_t i = 0; i < size && size > 2; ++i) {
            for (std::size_t j = i; j < size; ++j) {
                json candidate = best_;
                for (std::size_t n = size; n-- > 0;) {
                    if (n != i && n != j) {
                        take_out(candidate, at, n);
                    }
                }
                if (keep(std::move(candidate))) {
                    return true;
                }
            }
        }
        return false;
    }

    bool leave_out_members()
    {
        bool smaller = false;
        for (const pointer& at : places()) {
            if (at.empty() || !best_.contains(at) || !best_.at(at.parent_pointer()).is_object()) {
                continue;
            }
            if (at == pointer("/schema") || at == pointer("/name") || at == pointer("/description")) {
                continue;
            }
            json candidate = best_;
            candidate.at(at.parent_pointer()).erase(at.back());
            smaller = keep(std::move(candidate)) || smaller;
        }
        return smaller;
    }

    /// Phases that are repeated, without the repetition; a whole life as one endless run.
    bool unwrap()
    {
        bool smaller = false;
        const json hog = json::array({json::object({{"run", "forever"}})});
        for (const pointer& at : places()) {
            if (at.empty() || at.back() != "phases" || !best_.contains(at) || best_.at(at) == hog) {
                continue;
            }
            json candidate = best_;
            candidate.at(at) = hog;
            if (keep(std::move(candidate))) {
                smaller = true;
                continue;
            }
            for (std::size_t i = 0; i < best_.at(at).size(); ++i) {
                const json& phase = best_.at(at)[i];
                if (!phase.is_object() || !phase.contains("repeat") || !phase["repeat"].contains("phases")) {
                    continue;
                }
                json flat = json::array();
                for (std::size_t n = 0; n < best_.at(at).size(); ++n) {
                    if (n != i) {
                        flat.push_back(best_.at(at)[n]);
                    } else {
                        flat.insert(flat.end(), phase["repeat"]["phases"].begin(), phase["repeat"]["phases"].end());
                    }
                }
                candidate = best_;
                candidate.at(at) = std::move(flat);
                smaller = keep(std::move(candidate)) || smaller;
            }
        }
        return smaller;
    }

    bool simplify()
    {
        bool smaller = false;
        for (const pointer& at : places()) {
            smaller = (!at.empty() && best_.contains(at) && simplify(at)) || smaller;
        }
        return smaller;
    }

    bool simplify(const pointer& at)
    {
        for (json& simpler : simpler_values(best_.at(at))) {
            json candidate = best_;
            candidate.at(at) = std::move(simpler);
            if (keep(std::move(candidate))) {
                return true;
            }
        }
        return false;
    }

    json best_;
    const std::function<bool(const json&)>& shows_;
    unsigned max_tries_;
    unsigned nr_tried_ = 0;
};

} // namespace

shrunk shrink(json document, const std::function<bool(const json&)>& shows, unsigned max_tries)
{
    return shrinker(std::move(document), shows, max_tries).run();
}

} // namespace pairsim
