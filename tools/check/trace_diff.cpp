// SPDX-License-Identifier: GPL-2.0-only
#include "tools/check/trace_diff.h"

#include <deque>

#include <fmt/format.h>

#include "tools/io/input_error.h"
#include "tools/io/line_source.h"
#include "tools/io/units.h"

namespace pairsim {
namespace {

struct opened {
    file_bytes bytes;
    line_source lines;
    std::unique_ptr<own_trace> trace;

    explicit opened(const std::string& path)
        : bytes(path), lines(bytes, display_name(path)), trace(open_own_trace(lines))
    {
        if (trace == nullptr) {
            throw input_error(
                {{display_name(path), "", "is no trace of pairsim", "write one with pairsim run --trace FILE"}});
        }
    }
};

/// The first key in which the headers differ; the version of pairsim does not count.
std::string differing_key(const trace_header& a, const trace_header& b)
{
    return a.scenario != b.scenario ? "scenario"
           : a.cpus != b.cpus       ? "cpus"
           : a.pairs != b.pairs     ? "pairs"
           : a.cgroups != b.cgroups ? "cgroups"
           : a.tasks != b.tasks     ? "tasks"
           : a.config != b.config   ? "config"
                                    : "";
}

std::vector<trace_record> take(own_trace& trace, std::optional<trace_record> first, std::size_t n)
{
    std::vector<trace_record> records;
    trace_record r;
    for (; first && records.size() < n; first = trace.next(r) ? std::optional(r) : std::nullopt) {
        records.push_back(*first);
    }
    return records;
}

void append_lines(std::string& text, const char* mark, const std::vector<trace_record>& records)
{
    for (const auto& r : records) {
        text += mark;
        append_record(text, r);
    }
}

} // namespace

std::optional<trace_divergence> diff_traces(const std::string& first_path, const std::string& second_path,
                                            std::size_t context)
{
    opened first(first_path);
    opened second(second_path);
    trace_divergence d;
    d.header_key = differing_key(first.trace->header(), second.trace->header());
    std::deque<trace_record> before;
    const auto next = [](own_trace& t) {
        trace_record r;
        return t.next(r) ? std::optional(r) : std::nullopt;
    };
    while (true) {
        const auto a = next(*first.trace);
        const auto b = next(*second.trace);
        ++d.record;
        if (a != b) {
            d.before = {before.begin(), before.end()};
            d.first = take(*first.trace, a, context + 1);
            d.second = take(*second.trace, b, context + 1);
            return d;
        }
        if (!a) {
            break;
        }
        before.push_back(*a);
        if (before.size() > context) {
            before.pop_front();
        }
    }
    d.record = 0;
    return d.header_key.empty() ? std::nullopt : std::optional(d);
}

std::string diff_text(const trace_divergence& d, const std::string& first_path, const std::string& second_path)
{
    std::string text;
    if (!d.header_key.empty()) {
        text += fmt::format("the headers differ in \"{}\"\n", d.header_key);
    }
    if (d.record == 0) {
        return text + "all records are equal\n";
    }
    const auto& there = d.first.empty() ? d.second : d.first;
    text += fmt::format("the traces part at record {}, at {}\n", d.record,
                        format_duration(there.front().at.time_since_epoch()));
    append_lines(text, "  ", d.before);
    text += d.first.empty() ? fmt::format("< {} has ended\n", first_path) : "";
    append_lines(text, "< ", d.first);
    text += d.second.empty() ? fmt::format("> {} has ended\n", second_path) : "";
    append_lines(text, "> ", d.second);
    return text;
}

} // namespace pairsim
