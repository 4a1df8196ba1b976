// SPDX-License-Identifier: GPL-2.0-only
#include "tools/io/scenario_loader.h"

#include <algorithm>

#include <fmt/format.h>

#include "model/pair_map.h"
#include "tools/io/causes.h"
#include "tools/io/embedded.h"
#include "tools/io/scenario_parts.h"
#include "tools/io/schema_check.h"

namespace pairsim {

namespace {

[[noreturn]] void fail_setting(const std::string& pointer, std::string what, std::string remedy)
{
    throw input_error({{"--set", pointer, std::move(what), std::move(remedy)}});
}

/// The member or element @p token of @p parent, made if it may be.
json& step_into(json& parent, const std::string& token, const std::string& pointer)
{
    if (parent.is_null()) {
        parent = json::object(); // made by the step before
    }
    if (parent.is_object()) {
        return parent[token];
    }
    if (!parent.is_array()) {
        fail_setting(pointer, fmt::format("{} is inside of {}", quote(token), type_name(parent)),
                     R"(name a key of an object; write "machine": {"base": NAME} to change parts of a machine file)");
    }
    if (token == "-") {
        return parent.emplace_back();
    }
    const bool is_index = !token.empty() && token.find_first_not_of("0123456789") == std::string::npos &&
                          token.size() < 10 && (token.size() == 1 || token[0] != '0');
    const std::size_t index = is_index ? std::stoul(token) : parent.size();
    if (index >= parent.size()) {
        fail_setting(pointer, fmt::format("the array has no element {}; it has {}", quote(token), parent.size()),
                     R"(count from 0, or append with "-")");
    }
    return parent[index];
}

class scenario_reader {
public:
    scenario_reader(const json_cursor& root, loading& context) : root_(root), context_(context) {}

    scenario read()
    {
        const auto line = [&](std::string_view key) {
            const auto at = root_.get(key);
            return at ? read_line(*at).value_or("") : "";
        };
        s_.name = line("name");
        if (const auto description = root_.get("description")) {
            s_.description = description->text().value_or("");
        }
        if (const auto seed = root_.get("seed")) {
            s_.seed = seed->integer().value_or(s_.seed);
        }
        read_times();
        if (const auto machine = root_.get("machine")) {
            s_.machine = read_machine(*machine, context_);
        }
        if (const auto scheduler = root_.get("scheduler")) {
            read_scheduler(*scheduler);
        }
        if (s_.scheduler != scheduler_name::fifo && s_.machine.nr_cpus() != 0) {
            check_pairing();
        }
        s_.work = read_workload(root_, context_, s_.machine.nr_cpus(), s_.seed);
        if (const auto expect = root_.get("expect")) {
            s_.expect = read_expectation(*expect);
        }
        return std::move(s_);
    }

private:
    void read_times()
    {
        const auto duration_at = root_.get("duration");
        const auto duration = duration_at ? duration_at->duration() : std::nullopt;
        s_.duration = duration.value_or(max_duration);
        read_into(s_.warmup, root_, "warmup");
        if (duration_at && s_.duration.count() == 0) {
            duration_at->fail("the run has no length", "give a duration above zero");
        } else if (s_.warmup >= s_.duration) {
            root_.get("warmup")->fail(fmt::format("the warm-up ({}) leaves nothing of the run ({})",
                                                  format_duration(s_.warmup), format_duration(s_.duration)),
                                      "make it shorter than the duration");
        }
    }

    void read_scheduler(const json_cursor& at)
    {
        const auto name = at.get("name");
        if (name && (name->value() == "fifo" || name->value() == "idle-sibling")) {
            const bool has_pairs = name->value() == "idle-sibling";
            s_.scheduler = has_pairs ? scheduler_name::idle_sibling : scheduler_name::fifo;
            for (const auto& [key, member] : at.members()) {
                const bool is_pairing = key == "stride" || key == "pairing";
                if (key != "name" && key != "slice" && !(has_pairs && is_pairing)) {
                    member.fail(quote(key) + " does not belong to the scheduler " + name->value().dump(),
                                R"(remove it, or choose "pair")");
                }
            }
        }
        read_into(s_.machine.slice_dfl, at, "slice");
        if (s_.machine.slice_dfl.count() == 0) {
            at.get("slice")->fail("the slice is zero", "give a slice above zero");
        }
        pair_config& pair = s_.pair;
        read_into(pair.stride, at, "stride", 1, max_cpus - 1);
        read_into(pair.batch_duration, at, "batch_duration");
        read_into(pair.max_queued, at, "max_queued", 1, 1U << 20U);
        read_into(pair.max_cgrps, at, "max_cgrps", 1, 1U << 20U);
        read_into(pair.max_top_q, at, "max_top_q", 1, 1U << 22U);
        read_into(pair.bpf_max_loops, at, "bpf_max_loops", 1, 8'388'608);
        if (const auto revision = at.get("revision"); revision && revision->value() == "tracepoint") {
            pair.revision = pair_revision::tracepoint;
        }
        if (const auto variant = at.get("variant")) {
            read_into(pair.variants.select_cpu_prev, *variant, "select_cpu_prev");
            read_into(pair.variants.local_dsq, *variant, "local_dsq");
            read_into(pair.variants.enq_last, *variant, "enq_last");
            read_into(pair.variants.wait_for_partner, *variant, "wait_for_partner");
            read_into(pair.variants.big_ctx_map, *variant, "big_ctx_map");
        }
        if (pair.variants.wait_for_partner && pair.revision != pair_revision::tracepoint) {
            at.get("variant")
                ->get("wait_for_partner")
                ->fail("the variant follows sched_switch, which this revision does not",
                       R"(add "revision": "tracepoint")");
        }
        stride_at_ = at.get("stride");
        pairing_at_ = at.get("pairing");
        if (stride_at_ && pairing_at_) {
            pairing_at_->fail(R"("pairing" and "stride" exclude each other)", "remove one of the two");
            pairing_at_.reset();
        }
    }

    /// The other CPU of CPU @p cpu's core; nothing if it has none, or several.
    std::optional<std::uint32_t> sibling(std::uint32_t cpu) const
    {
        std::optional<std::uint32_t> found;
        for (std::uint32_t other = 0; other < s_.machine.nr_cpus(); ++other) {
            if (other != cpu && s_.machine.cpus[other].core == s_.machine.cpus[cpu].core) {
                if (found) {
                    return std::nullopt;
                }
                found = other;
            }
        }
        return found;
    }

    /// Asks the model's loader whether it can pair the CPUs: it has the rules, this function has the words.
    void check_pairing()
    {
        const auto nr_cpus = static_cast<std::uint32_t>(s_.machine.nr_cpus());
        const bool big = s_.pair.variants.big_ctx_map;
        if (pairing_at_) {
            s_.pair.stride = sibling(0).value_or(0);
        }
        const auto result = make_pair_map(nr_cpus, s_.pair.stride, big);
        const auto* reason = std::get_if<std::string>(&result);
        if (nr_cpus % 2 != 0 && reason) {
            root_.get("machine")->fail(*reason, R"(give it an even number of CPUs, or choose the scheduler "fifo")");
        } else if (reason && stride_at_) {
            stride_at_->fail(*reason, "strides that pair these CPUs: " + good_strides(nr_cpus));
        } else if (pairing_at_ && (reason || !pairs_siblings(std::get<pair_map>(result)))) {
            pairing_at_->fail("no stride pairs all SMT siblings",
                              "let all cores have two CPUs with one distance between them, or give a stride");
        }
    }

    bool pairs_siblings(const pair_map& map) const
    {
        for (std::uint32_t cpu = 0; cpu < map.pair_cpu.size(); ++cpu) {
            if (sibling(cpu) != map.pair_cpu[cpu].value) {
                return false;
            }
        }
        return true;
    }

    static std::string good_strides(std::uint32_t nr_cpus)
    {
        constexpr std::size_t max_listed = 8;
        std::string list;
        std::size_t found = 0;
        for (std::uint32_t stride = 1; stride <= nr_cpus / 2 && found < max_listed; ++stride) {
            if (std::holds_alternative<pair_map>(make_pair_map(nr_cpus, stride, false))) {
                list += fmt::format("{}{}", found++ == 0 ? "" : ", ", stride);
            }
        }
        return list;
    }

    const json_cursor& root_;
    loading& context_;
    scenario s_;
    std::optional<json_cursor> stride_at_;
    std::optional<json_cursor> pairing_at_;
};

} // namespace

setting parse_setting(std::string_view text)
{
    const auto equals = text.find('=');
    const auto pointer = std::string(text.substr(0, equals));
    const auto tokens = split_pointer(pointer);
    if (const auto* failure = std::get_if<parse_failure>(&tokens)) {
        fail_setting({}, failure->what, failure->remedy);
    }
    const std::size_t nr_tokens = std::get<std::vector<std::string>>(tokens).size();
    if (equals == std::string_view::npos || nr_tokens == 0 || nr_tokens > max_json_depth) {
        fail_setting({}, quote(text) + " is not of the form /pointer=value", "such as --set /scheduler/slice=5ms");
    }
    const std::string value(text.substr(equals + 1));
    try {
        return {pointer, parse_json(value, "--set")};
    } catch (const input_error&) {
        return {pointer, value};
    }
}

void apply_settings(json& document, std::span<const setting> settings)
{
    for (const setting& s : settings) {
        const auto tokens = split_pointer(s.pointer);
        if (const auto* failure = std::get_if<parse_failure>(&tokens)) {
            fail_setting({}, failure->what, failure->remedy);
        }
        json* at = &document;
        for (const std::string& token : std::get<std::vector<std::string>>(tokens)) {
            at = &step_into(*at, token, s.pointer);
        }
        *at = s.value;
    }
}

static void read_limits(const json_cursor& at, claim_limits& limits)
{
    const auto stated = at.get("limits");
    const auto limit = [&](std::string_view id, nanoseconds& value) {
        if (const auto found = stated ? stated->get(id) : std::nullopt) {
            value = found->duration().value_or(nanoseconds{});
            if (value == nanoseconds{} && !found->failed()) {
                found->fail("a limit of 0", "give a time above 0, such as 1us");
            }
        }
    };
    limit("drain-bounded", limits.drain);
    limit("no-starvation", limits.starvation);
    limit("work-conserving", limits.idle);
}

void check_cause(const json_cursor& at)
{
    std::vector<std::string> known;
    for (const auto& c : causes()) {
        known.emplace_back(c.id);
    }
    const std::string cause = at.text().value_or("");
    if (!cause.empty() && std::find(known.begin(), known.end(), cause) == known.end()) {
        const std::string meant = closest_name(cause, known);
        at.fail("unknown cause " + quote(cause), meant.empty() ? "the causes are those of docs/reference/claims.md"
                                                               : "did you mean " + quote(meant) + "?");
    }
}

expectation read_expectation(const json_cursor& at)
{
    expectation expect;
    if (const auto exit = at.get("exit")) {
        const auto kind = exit->get("kind");
        const auto message = exit->get("message_contains");
        expect.exit_kind = kind ? kind->text().value_or("") : "";
        expect.exit_message_contains = message ? message->text().value_or("") : "";
    }
    if (const auto claims = at.get("claims"); claims && claims->value().is_object()) {
        for (const auto& [id, outcome] : claims->value().items()) {
            const std::string cause =
                outcome.is_object() && outcome.contains("violated_by") && outcome["violated_by"].is_string()
                    ? outcome["violated_by"].get<std::string>()
                    : "";
            if (!cause.empty()) {
                check_cause(*claims->get(id)->get("violated_by"));
            }
            expect.claims.push_back({id, outcome == "holds", cause});
        }
    }
    if (const auto digest = at.get("digest")) {
        expect.digest = digest->text().value_or("");
    }
    read_limits(at, expect.limits);
    const auto bounds = at.get("bounds");
    for (const json_cursor& element : bounds ? bounds->items() : std::vector<json_cursor>{}) {
        expectation::bound bound;
        const auto min = element.get("min");
        const auto max = element.get("max");
        const auto pointer = element.get("pointer");
        const auto written = pointer ? pointer->text() : std::nullopt;
        bound.min = min ? min->number() : std::nullopt;
        bound.max = max ? max->number() : std::nullopt;
        if (written && pointer->accept(split_pointer(*written))) {
            bound.pointer = *written;
        }
        if (!min && !max) {
            element.fail("the bound bounds nothing", R"(add "min", "max" or both)");
        } else if (bound.min && bound.max && *bound.min > *bound.max) {
            element.fail("min is above max", "exchange them");
        }
        expect.bounds.push_back(std::move(bound));
    }
    return expect;
}

scenario load_scenario(const std::string& path, std::span<const setting> settings)
{
    json document = read_json(path);
    apply_settings(document, settings);
    return read_scenario(std::move(document), path, settings);
}

scenario read_scenario(json document, const std::string& path, std::span<const setting> settings,
                       std::vector<json>* sources)
{
    loading context;
    context.folder = path == "-" ? std::filesystem::path{} : std::filesystem::path(path).parent_path();
    context.documents.push_back({display_name(path), std::move(document), &context.problems});
    const json_cursor root(context.documents.back());
    static const schema_checker checker(embedded::scenario_schema);
    checker.check(context.documents.back());
    scenario result = scenario_reader(root, context).read();

    for (problem& p : context.problems.all()) {
        const bool is_set = std::any_of(settings.begin(), settings.end(), [&](const setting& s) {
            return p.where == display_name(path) && (p.pointer + "/").starts_with(s.pointer + "/");
        });
        p.what += is_set ? " (given by --set)" : "";
    }
    context.problems.throw_if_any();
    if (sources != nullptr) {
        for (const input_document& source : context.documents) {
            sources->push_back(source.root);
        }
    }
    return result;
}

} // namespace pairsim
