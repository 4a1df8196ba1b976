// SPDX-License-Identifier: GPL-2.0-only
//
// The views' numbers are those of the metrics, on every scenario of the failure catalogue.
#include <filesystem>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

#include <unistd.h>

#include "tests/support/catch.h"
#include "tests/support/records.h"
#include "tools/io/input_error.h"
#include "tools/io/jsonl.h"
#include "tools/view/explain.h"
#include "tools/view/page_data.h"
#include "tools/view/sentences.h"

using namespace pairsim;
using namespace pairsim::test;
using namespace std::chrono_literals;

namespace {

const std::string scenarios = std::string(PAIRSIM_SOURCE_DIR) + "/scenarios/";

std::vector<std::string> catalogue()
{
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(scenarios + "catalogue")) {
        files.push_back(entry.path().string());
    }
    std::sort(files.begin(), files.end());
    files.push_back(scenarios + "quickstart.json");
    return files;
}

std::unique_ptr<const observed_run> run_of(const std::string& file, nanoseconds until = 60ms)
{
    load_options options;
    options.settings = {{"/warmup", "0"}};
    options.until = until;
    return load_run(file, options);
}

json moment_of(const observed_run& run, nanoseconds at, std::uint16_t cpu)
{
    return moment_json(story(run), sim_time{at}, cpu_id{cpu});
}

/// The quickstart's trace as a file, for as long as the object lives.
struct trace_file {
    explicit trace_file(const observed_run& run)
        : path((std::filesystem::temp_directory_path() / ("pairsim_view_" + std::to_string(::getpid()))).string())
    {
        jsonl_writer writer(path, header_of(run.what, run.pairs, "0"));
        writer.on_records(run.records);
        writer.finish();
    }
    ~trace_file() { std::filesystem::remove(path); }
    trace_file(const trace_file&) = delete;
    trace_file& operator=(const trace_file&) = delete;
    std::string path;
};

} // namespace

TEST_CASE("the spans of each CPU are without gaps and add up to its metrics", "[timeline]")
{
    for (const auto& file : catalogue()) {
        INFO(file);
        const auto run = run_of(file);
        const timeline lines = make_timeline(*run);
        for (std::size_t i = 0; i < run->nr_cpus(); ++i) {
            INFO("cpu " << i);
            cpu_metrics sums;
            sim_time last{};
            for (const auto& span : lines.cpus[i]) {
                CHECK(span.from == last);
                last = span.to;
                const std::int64_t ns = span.length_ns();
                (span.current == idle_pid  ? sums.idle_ns
                 : is_higher(span.current) ? sums.higher_ns
                                           : sums.busy_ns) += ns;
                if (span.forced) {
                    sums.forced[*span.forced] += ns;
                }
            }
            const auto& measured = run->metrics.cpus[i];
            CHECK(last == run->end);
            CHECK(sums.busy_ns == measured.busy_ns);
            CHECK(sums.idle_ns == measured.idle_ns);
            CHECK(sums.higher_ns == measured.higher_ns);
            CHECK(sums.forced == measured.forced);
        }
    }
}

TEST_CASE("the parts of each task's life add up to it, and to its metrics", "[task_life]")
{
    for (const auto& file : catalogue()) {
        INFO(file);
        const auto run = run_of(file, 30ms);
        const std::size_t nr_tasks = std::min<std::size_t>(run->what.work.tasks.size(), 12);
        for (std::uint32_t n = 1; n <= nr_tasks; ++n) {
            INFO("pid " << n);
            const task_life life = life_of(*run, pid{n});
            if (!life.has_begun) {
                CHECK(run->metrics.tasks[n - 1].cpu_time_ns == 0);
                continue;
            }
            sim_time last = life.begin;
            for (const auto& span : life.spans) {
                CHECK(span.from == last);
                CHECK((span.state == life_state::waits) == span.cause.has_value());
                last = span.to;
            }
            CHECK(last == life.end);
            const auto states = life.by_state_ns();
            const auto causes = life.by_cause_ns();
            CHECK(states[0] + states[1] + states[2] == life.length_ns());
            CHECK(states[static_cast<std::size_t>(life_state::runs)] == run->metrics.tasks[n - 1].cpu_time_ns);
            CHECK(states[static_cast<std::size_t>(life_state::waits)] == run->metrics.tasks[n - 1].waiting_ns);
            CHECK(std::accumulate(causes.begin(), causes.end(), std::int64_t{0}) ==
                  states[static_cast<std::size_t>(life_state::waits)]);
        }
    }
}

TEST_CASE("each record has a sentence of its kind, with every place filled in", "[narration]")
{
    for (const auto& file : catalogue()) {
        INFO(file);
        const auto run = run_of(file);
        const story s(*run);
        for (std::size_t i = 0; i < run->records.size() && i < 3000; ++i) {
            const auto& info = sentences()[s.told[i]];
            const auto kind = run->records[i].kind == record_kind::sched_wakeup_new ? record_kind::sched_wakeup
                                                                                    : run->records[i].kind;
            REQUIRE(info.kind == kind);
            const std::string text = s.sentence(i);
            REQUIRE(text.find_first_of("{}") == std::string::npos);
            REQUIRE(text.back() != '.');
        }
    }
}

TEST_CASE("each sentence's topic is explained", "[narration]")
{
    std::ifstream in(std::string(PAIRSIM_SOURCE_DIR) + "/docs/explanation/decisions.md");
    const std::string page{std::istreambuf_iterator<char>(in), {}};
    for (const auto& info : sentences()) {
        INFO(info.topic);
        CHECK(page.find("\n## " + std::string(info.topic) + "\n") != std::string::npos);
    }
}

TEST_CASE("the preemption of the quickstart is told step by step", "[narration]")
{
    const auto run = load_run(scenarios + "quickstart.json", {});
    const json moment = moment_of(*run, 62'100us, 2);
    CHECK(moment["cpu"]["activity"] == "runs render.0 of web");
    CHECK(moment["partner"]["activity"] == "is held by the rt class");
    CHECK(moment["pair_ctx"]["preempted_mask"] == "{0}");
    CHECK(moment["pair_ctx"]["draining"] == "yes");
    const auto& before = moment["before"];
    CHECK(before[0]["sentence"] ==
          "cpu 0 is marked as preempted and the pair drains; cpu 2 is active, so it will be kicked");
    CHECK(before[2]["sentence"] ==
          "a higher class holds cpu 0: cpu 2 must wait until it has left, and dispatches nothing");
    CHECK(before[2]["function"] == "pair_dispatch()");
}

TEST_CASE("the queues of a moment hold what was pushed and not yet popped", "[timeline]")
{
    queue_history q;
    q.pushes = {{2, 10}, {5, 11}, {9, 12}};
    q.pops = {7};
    CHECK(q.at(2).empty());
    CHECK(q.at(3) == std::vector<std::uint32_t>{10});
    CHECK(q.at(7) == std::vector<std::uint32_t>{10, 11});
    CHECK(q.at(8) == std::vector<std::uint32_t>{11});
    CHECK(q.at(10) == std::vector<std::uint32_t>{11, 12});
}

TEST_CASE("a trace is explained as the run that wrote it", "[observed_run]")
{
    const auto run = load_run(scenarios + "quickstart.json", {});
    const trace_file file(*run);
    REQUIRE(is_trace_file(file.path));
    const auto read = load_run(file.path, {});
    CHECK(read->records == run->records);
    for (const auto at : {1ms, 11ms, 35ms, 63ms, 85ms}) {
        CHECK(moment_of(*read, at, 0)["before"] == moment_of(*run, at, 0)["before"]);
        CHECK(moment_of(*read, at, 3)["queues"] == moment_of(*run, at, 3)["queues"]);
    }
    CHECK(read->claims.findings.size() == run->claims.findings.size());
    load_options options;
    options.seed = 2;
    CHECK_THROWS_AS(load_run(file.path, options), input_error);
}

TEST_CASE("bytes of the page: base64 as RFC 4648 has it", "[page_data]")
{
    CHECK(base64("").empty());
    CHECK(base64("f") == "Zg==");
    CHECK(base64("fo") == "Zm8=");
    CHECK(base64("foo") == "Zm9v");
    CHECK(base64(std::string_view("\xff\xfe\xfd\x00", 4)) == "//79AA==");
}

TEST_CASE("a violation's explanation has its cause, a picture and the decisions around it", "[explain]")
{
    const auto run = load_run(scenarios + "catalogue/i02b-lone-queued-task.json", {});
    const story s(*run);
    std::size_t number = 0;
    while (run->claims.findings[number].length_ns() < 10'000'000) {
        ++number;
    }
    const std::string text = violation_text(s, number + 1);
    CHECK(text.find("Remedy:") != std::string::npos);
    CHECK(text.find("^^^^") != std::string::npos);
    CHECK(text.find("SCX_OPS_ENQ_LAST is unset") != std::string::npos);
    CHECK(violation_json(s, number + 1)["decisions"].size() > 3);
}

TEST_CASE("a wait has the first cause that applies", "[task_life]")
{
    // Task 1 of `a` waits; what the CPUs 0 and 1, a pair, do is written by hand.
    const auto cause_of = [](const stream& s, sim_time at) {
        observed_run run;
        const small_world world;
        run.what = world.what;
        run.pairs = world.pairs;
        run.records = s.records;
        run.end = at_ns(100'000);
        const task_life life = life_of(run, pid{1});
        for (const auto& span : life.spans) {
            if (span.from <= at && at < span.to) {
                return span.cause;
            }
        }
        return std::optional<wait_cause>{};
    };
    const auto queued = [] {
        stream s;
        s.at(0).start(1, 1, wake_path::queued).add(record_kind::enqueue, 0, 1, 1);
        return s;
    };
    const sim_time late = at_ns(50'000);
    CHECK(cause_of(queued(), late) == wait_cause::wait_for_tick);
    CHECK(cause_of(queued().pair(record_kind::pair_adopt, 0, 2, bits(1, 0, false)), late) == wait_cause::other_cgroup);
    CHECK(cause_of(queued().pair(record_kind::pair_wait, 0, 2, bits(2, 0, true)), late) == wait_cause::drain);
    CHECK(cause_of(queued().pair(record_kind::pair_release, 1, 2, bits(0, 2, true)), late) ==
          wait_cause::preempted_partner);

    const auto busy_with = [&](std::uint32_t first, std::uint32_t second) {
        stream s = queued();
        s.start(2, 1).start(3, 2).start(4, 2).at(10).run(0, first).run(1, second);
        return s;
    };
    CHECK(cause_of(busy_with(3, 4), late) == wait_cause::others_run);
    CHECK(cause_of(busy_with(3, 2), late) == wait_cause::own_cgroup_runs);
    CHECK(cause_of(busy_with(3, 4).dispatch(1, 1, 0, 0), late) == wait_cause::on_its_way);
    const std::uint32_t rt = higher_pid(sched_class::rt).value;
    CHECK(cause_of(busy_with(rt, 4).dispatch(1, 1, 0, 0), late) == wait_cause::behind_higher);
    CHECK(cause_of(busy_with(3, 4).dispatch(1, 1, 0, 0).at(20).run(0, 1, 3), late) == std::nullopt);
}

TEST_CASE("the sentence of a wait names what the CPU waits for", "[narration]")
{
    observed_run run;
    const small_world world;
    run.what = world.what;
    run.pairs = world.pairs;
    const auto told = [&](const stream& s) {
        run.records = s.records;
        return sentence_text(run, run.records.back(), narrate(run).back());
    };
    stream expired;
    expired.at(1).add(record_kind::pair_wait, 0, 1, 0, bits(2, 0, true), std::uint8_t{}, 1);
    CHECK(told(expired) == "cpu 0 finds the batch of a over and cpu 1 still active: it drains, waits, and kicks cpu 1");
    stream early;
    early.at(1).add(record_kind::pair_wait, 0, 1, 0, bits(2, 0, true));
    CHECK(told(early).find("no kick is due") != std::string::npos);
    stream preempted;
    preempted.at(1).add(record_kind::pair_wait, 0, 1, 0, bits(0, 2, true), std::uint8_t{}, 1);
    CHECK(told(preempted).find("a higher class holds cpu 1") == 0);
    stream marked;
    marked.at(1).add(record_kind::pair_wait, 0, 1, 0, bits(0, 1, true), std::uint8_t{}, 1);
    CHECK(told(marked).find("cpu 0 is still marked as preempted") == 0);
    stream adopted;
    adopted.at(1)
        .pair(record_kind::pair_adopt, 1, 2, bits(2, 0, false))
        .pair(record_kind::pair_run, 1, 2, bits(2, 0, false));
    CHECK(told(adopted) == "cpu 1 goes on with b and takes a task of it");
    stream lasting;
    lasting.at(1).pair(record_kind::pair_run, 1, 2, bits(2, 0, false));
    CHECK(told(lasting) == "the batch of b lasts: cpu 1 is active and takes its next task");
}
