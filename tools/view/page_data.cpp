// SPDX-License-Identifier: GPL-2.0-only
#include "tools/view/page_data.h"

#include <array>

#include <fmt/format.h>

#include "pairsim_version.h"
#include "tools/io/causes.h"
#include "tools/io/report.h"

namespace pairsim {
namespace {

/// Appends numbers to bytes.
class byte_writer {
public:
    void put(std::uint64_t n)
    {
        while (n >= 0x80U) {
            bytes_ += static_cast<char>((n & 0x7fU) | 0x80U);
            n >>= 7U;
        }
        bytes_ += static_cast<char>(n);
    }
    void put_ns(std::int64_t ns) { put(static_cast<std::uint64_t>(ns)); }
    void put_signed(std::int64_t n)
    {
        put((static_cast<std::uint64_t>(n) << 1U) ^ static_cast<std::uint64_t>(n < 0 ? -1 : 0));
    }
    std::string take() { return std::move(bytes_); }

private:
    std::string bytes_;
};

std::uint32_t code_of(const cpu_span& span)
{
    if (span.current == idle_pid) {
        return span.forced ? static_cast<std::uint32_t>(*span.forced) + 1 : 0;
    }
    if (is_higher(span.current)) {
        const std::uint32_t above_ext = (span.current.value & 0xffU) - static_cast<std::uint32_t>(sched_class::rt);
        return first_higher_code + above_ext;
    }
    return first_cgroup_code + span.cgroup.value;
}

json findings_json(const story& s)
{
    json all = json::array();
    for (const auto& f : s.run.claims.findings) {
        if (all.size() == findings_in_words) {
            break;
        }
        const auto& cause = info_of(f.cause);
        all.push_back({{"claim", all_claims()[static_cast<std::size_t>(f.claim)].id},
                       {"cause", cause.id},
                       {"start", to_ns(f.start)},
                       {"end", to_ns(f.end)},
                       {"cpu", f.cpus[0] == no_cpu ? -1 : int{f.cpus[0].value}},
                       {"sentence", finding_sentence(s.run.what, f)},
                       {"why", cause.sentence},
                       {"remedy", cause.remedy}});
    }
    return all;
}

json sentences_json()
{
    json all = json::array();
    for (const auto& info : sentences()) {
        all.push_back({{"text", info.text},
                       {"kind", kind_name(info.kind)},
                       {"decision", info.is_decision},
                       {"function", info.function},
                       {"step", info.step},
                       {"topic", info.topic}});
    }
    return all;
}

/// What idle CPUs are said to do, by code.
json idle_words(const observed_run& run)
{
    json words = json::array();
    words.push_back(activity_in_words(run, {}));
    for (std::size_t i = 0; i < nr_idle_causes; ++i) {
        words.push_back(activity_in_words(run, {.forced = static_cast<idle_cause>(i)}));
    }
    return words;
}

void put_queue(byte_writer& out, const queue_history& q)
{
    out.put(q.is_exact ? 1 : 0);
    std::uint32_t last = 0;
    out.put(q.pushes.size());
    for (const auto& push : q.pushes) {
        out.put(push.record - last);
        out.put(push.value);
        last = push.record;
    }
    last = 0;
    out.put(q.pops.size());
    for (const auto record : q.pops) {
        out.put(record - last);
        last = record;
    }
}

} // namespace

json page_header(const story& s)
{
    const observed_run& run = s.run;
    json pairs = json::array();
    for (const auto& p : run.pairs.pairs) {
        pairs.push_back({p.first.value, p.second.value});
    }
    json cgroups = json::array();
    for (const auto& c : run.what.work.cgroups) {
        cgroups.push_back(c.name);
    }
    json tasks = json::array();
    for (const auto& t : run.what.work.tasks) {
        tasks.push_back(t.name);
    }
    return {{"version", version},
            {"scenario", run.what.name},
            {"description", run.what.description},
            {"end", to_ns(run.end)},
            {"cpus", run.nr_cpus()},
            {"pairs", std::move(pairs)},
            {"cgroups", std::move(cgroups)},
            {"tasks", std::move(tasks)},
            {"exit", {{"kind", run.exit_kind}, {"message", run.exit_message}}},
            {"idle_words", idle_words(run)},
            {"first_higher_code", first_higher_code},
            {"first_cgroup_code", first_cgroup_code},
            {"sentences", sentences_json()},
            {"findings", findings_json(s)},
            {"violations", run.claims.violations()}};
}

std::string page_spans(const story& s)
{
    byte_writer out;
    for (const auto& spans : s.lines.cpus) {
        out.put(spans.size());
        for (const auto& span : spans) {
            const std::uint32_t code = code_of(span);
            out.put_ns(span.length_ns());
            out.put(code);
            if (code >= first_cgroup_code) {
                out.put(span.current.value);
            }
        }
    }
    return out.take();
}

std::string page_ctxs(const story& s)
{
    byte_writer out;
    for (const auto& versions : s.lines.pairs) {
        out.put(versions.size());
        ctx_version last;
        for (const auto& v : versions) {
            out.put(v.record - last.record);
            out.put_ns((v.at - last.at).count());
            out.put(v.ctx.cgid == no_cgroup ? 0 : std::uint64_t{v.ctx.cgid.value} + 1);
            out.put(to_bits(v.ctx));
            out.put_ns(v.ctx.started_at < boot_offset ? 0 : (v.ctx.started_at - boot_offset).count() + 1);
            last = v;
        }
    }
    return out.take();
}

std::string page_findings(const story& s)
{
    byte_writer out;
    out.put(s.run.claims.findings.size());
    sim_time last{};
    for (const auto& f : s.run.claims.findings) {
        out.put_ns((f.start - last).count());
        out.put_ns(f.length_ns());
        out.put(f.cpus[0] == no_cpu ? 0U : f.cpus[0].value + 1U);
        last = f.start;
    }
    return out.take();
}

std::string page_queues(const story& s)
{
    byte_writer out;
    for (const auto& q : s.lines.cgroup_queues) {
        put_queue(out, q);
    }
    put_queue(out, s.lines.top_q);
    return out.take();
}

std::string page_records(const story& s)
{
    struct uses {
        bool task, a, b, value;
    };
    std::vector<uses> used;
    for (const auto& info : sentences()) {
        const auto has = [&](std::string_view place) { return info.text.find(place) != std::string_view::npos; };
        used.push_back({has("{task:"), has("{a:"), has("{b:"), has("{value:")});
    }
    byte_writer out;
    out.put(s.run.records.size());
    sim_time last{};
    for (std::size_t i = 0; i < s.run.records.size(); ++i) {
        const auto& r = s.run.records[i];
        const uses& of = used[s.told[i]];
        out.put_ns((r.at - last).count());
        out.put(s.told[i]);
        out.put(r.cpu == no_cpu ? 0U : r.cpu.value + 1U);
        if (of.task) {
            out.put(r.task.value);
        }
        if (of.a) {
            out.put(r.a);
        }
        if (of.b) {
            out.put(r.b);
        }
        if (of.value) {
            out.put_signed(r.value);
        }
        last = r.at;
    }
    return out.take();
}

std::string base64(std::string_view bytes)
{
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t three = 0;
        for (std::size_t k = 0; k < 3; ++k) {
            three = three << 8U | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
        }
        for (std::size_t k = 0; k < 4; ++k) {
            text += i + k > bytes.size() ? '=' : digits[three >> (18U - 6U * k) & 63U];
        }
    }
    return text;
}

} // namespace pairsim
