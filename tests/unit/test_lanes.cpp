// SPDX-License-Identifier: GPL-2.0-only
#include "tools/io/lanes.h"

#include "tests/support/catch.h"
#include "tests/support/records.h"
#include "tools/io/input_error.h"

using namespace pairsim;
using namespace pairsim::test;

namespace {

constexpr std::uint32_t rt = higher_pid(sched_class::rt).value;

std::string draw(const small_world& world, const stream& s, lanes_options options, std::int64_t end_us)
{
    lanes l(world.what, world.pairs, options);
    l.on_records(s.records);
    return l.finish(at_ns(end_us * 1000));
}

/// The line of @p text that begins with @p label, without it.
std::string line(const std::string& text, const std::string& label)
{
    const auto begin = text.find("\n" + label) + 1;
    REQUIRE(begin != 0);
    return text.substr(begin + 10, text.find('\n', begin) - begin - 10);
}

lanes_options microseconds(std::int64_t from, std::int64_t to, std::int64_t step)
{
    return {.from = at_ns(from * 1000), .to = at_ns(to * 1000), .step = nanoseconds{step * 1000}};
}

} // namespace

TEST_CASE("lanes show cgroups, idle, draining, the higher class, kicks and violations", "[lanes]")
{
    const small_world world;
    stream s;
    s.at(0).start(1, 1).run(0, 1).pair(record_kind::pair_adopt, 0, 1, bits(1, 0, false));
    s.at(4).start(3, 2).run(1, 3);
    s.at(6).run(1, 0, 3, prev_state::sleeping);
    s.at(8).pair(record_kind::pair_cgrp_empty, 1, 1, bits(1, 0, true));
    s.at(10).serviced(1, 0, 1);
    s.at(11).run(0, rt, 1);
    s.at(13).run(0, 0, rt).pair(record_kind::pair_adopt, 1, 2, bits(2, 0, false)).run(1, 3);
    const auto text = draw(world, s, microseconds(0, 16, 1), 16);

    CHECK(text == "          0ns\n"
                  "          |\n"
                  "cpu0      AAAAAAAAAA!##___\n"
                  "cpu1      ____BB__.....BBB\n"
                  "              ^^\n"
                  "\n"
                  "one column = 1us, showing what held longest in it\n"
                  "A a  B b\n"
                  "_ idle  . idle while the pair drains  # a higher class  ! a kick arrived\n"
                  "^ two cgroups on the pair at once, or a task beside a higher class\n");
}

TEST_CASE("a cell shows what held longest in its column, of equals the first", "[lanes]")
{
    const small_world world;
    stream s;
    s.at(0).start(1, 1).start(3, 2);
    s.at(3).run(0, 1);     // 7 of 10 us
    s.at(15).run(0, 3, 1); // a and b: 5 us each
    s.at(22).run(0, 1, 3); // b 2 us, a 3 us, b 2 us, a 3 us: a has 6
    s.at(25).run(0, 3, 1).at(27).run(0, 1, 3);
    const auto text = draw(world, s, microseconds(0, 40, 10), 40);
    CHECK(line(text, "cpu0") == "AAAA");
    stream t;
    t.at(0).start(1, 1).start(3, 2).run(0, 3).at(15).run(0, 1, 3);
    CHECK(line(draw(world, t, microseconds(0, 40, 10), 40), "cpu0") == "BBAA");
}

TEST_CASE("lanes end where the run ends, and begin anywhere", "[lanes]")
{
    const small_world world;
    stream s;
    s.at(0).start(1, 1).run(0, 1).at(50).run(0, 0, 1, prev_state::sleeping).at(95).wake(1, wake_path::direct).run(0, 1);
    CHECK(line(draw(world, s, microseconds(40, 80, 10), 65), "cpu0") == "A__");
    CHECK(line(draw(world, s, microseconds(40, 80, 10), 90), "cpu0") == "A___");
    CHECK(line(draw(world, s, microseconds(200, 240, 10), 90), "cpu0").empty());
}

TEST_CASE("a step is chosen that gives at most 80 columns, and too many columns are refused", "[lanes]")
{
    CHECK(lanes_step(microseconds(0, 80, 0)) == nanoseconds{1000});
    CHECK(lanes_step(microseconds(0, 81, 0)) == nanoseconds{2000});
    CHECK(lanes_step({.from = at_ns(0), .to = at_ns(1), .step = {}}) == nanoseconds{1});
    CHECK(lanes_step({.from = at_ns(0), .to = at_ns(10'000'000'000), .step = {}}) == nanoseconds{200'000'000});
    CHECK(lanes_step(microseconds(0, 10'000, 1)) == nanoseconds{1000});
    CHECK_THROWS_AS(lanes_step(microseconds(0, 10'001, 1)), input_error);
    CHECK_THROWS_AS(lanes_step(microseconds(5, 5, 0)), input_error);
}

TEST_CASE("lanes group the CPUs by pair and list those without a pair last", "[lanes]")
{
    small_world world(4);
    world.pairs.pairs = {{cpu_id{1}, cpu_id{3}}};
    const auto text = draw(world, stream{}, microseconds(0, 30, 1), 30);
    const auto place = [&](const char* label) { return text.find(label); };
    CHECK(place("cpu1") < place("cpu3"));
    CHECK(place("cpu3") < place("cpu0"));
    CHECK(place("cpu0") < place("cpu2"));
    CHECK_THAT(text, contains("0ns                 20us\n          |                   |\n"));
}
