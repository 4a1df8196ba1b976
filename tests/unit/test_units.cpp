// SPDX-License-Identifier: GPL-2.0-only
#include <chrono>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tests/support/catch.h"
#include "tools/io/strict_json.h"
#include "tools/io/units.h"

using namespace pairsim;

namespace {

const std::vector<std::pair<std::string, std::int64_t>> good_durations{
    {"0", 0},
    {"0ns", 0},
    {"0.000s", 0},
    {"1ns", 1},
    {"250ns", 250},
    {"1.5us", 1500},
    {"1.50us", 1500},
    {"0.001us", 1},
    {"20ms", 20'000'000},
    {"007ms", 7'000'000},
    {"2s", 2'000'000'000},
    {"0.123456789s", 123'456'789},
    {"1.0000000000000000000000s", 1'000'000'000},
    {"1000000s", 1'000'000'000'000'000},
    {"1000000000000000ns", 1'000'000'000'000'000},
};

/// A text that is no duration, and a part of the message about it.
const std::vector<std::pair<std::string, std::string>> bad_durations{
    {"", "unit"},
    {"5", "unit"},
    {"00", "unit"},
    {"5 ms", "no decimal number"},
    {" 5ms", "no decimal number"},
    {"5ms ", "unit"},
    {"5MS", "unit"},
    {"5min", "unit"},
    {"ms", "no decimal number"},
    {".5ms", "no decimal number"},
    {"5.ms", "no decimal number"},
    {"1.2.3ms", "no decimal number"},
    {"1e3ms", "no decimal number"},
    {"0x10ms", "no decimal number"},
    {"+5ms", "no decimal number"},
    {"1,5ms", "no decimal number"},
    {"-5ms", "negative"},
    {"0.5ns", "whole number of nanoseconds"},
    {"1.0005us", "whole number of nanoseconds"},
    {"0.1234567891s", "whole number of nanoseconds"},
    {"1000001s", "limit of 1000000s"},
    {"1000000.000000001s", "limit of 1000000s"},
    {"1000000000000001ns", "limit of 1000000s"},
    {"9223372036854775808ns", "limit of 1000000s"},
    {"99999999999999999999999999999999s", "limit of 1000000s"},
};

} // namespace

TEST_CASE("a duration with a unit is exact in nanoseconds", "[units]")
{
    for (const auto& [text, ns] : good_durations) {
        CAPTURE(text);
        const auto result = parse_duration(text);
        REQUIRE(std::holds_alternative<nanoseconds>(result));
        CHECK(std::get<nanoseconds>(result).count() == ns);
    }
}

TEST_CASE("a text that is no duration is refused with a reason and a remedy", "[units]")
{
    for (const auto& [text, reason] : bad_durations) {
        CAPTURE(text);
        const auto result = parse_duration(text);
        REQUIRE(std::holds_alternative<parse_failure>(result));
        CHECK_THAT(std::get<parse_failure>(result).what, test::contains(reason));
        CHECK_FALSE(std::get<parse_failure>(result).remedy.empty());
    }
}

TEST_CASE("the schema's pattern of durations accepts what the parser accepts", "[units]")
{
    std::ifstream file(PAIRSIM_SOURCE_DIR "/scenarios/scenario.schema.json");
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    const std::regex pattern(
        parse_json(text, "schema").at("definitions").at("duration").at("pattern").get<std::string>());
    for (const auto& [good, ns] : good_durations) {
        CAPTURE(good);
        CHECK(std::regex_search(good, pattern));
    }
    for (const auto& [bad, reason] : bad_durations) {
        CAPTURE(bad);
        const bool about_form = reason != "whole number of nanoseconds" && reason != "limit of 1000000s";
        CHECK(std::regex_search(bad, pattern) != about_form);
    }
}

TEST_CASE("a duration is written in the largest unit that fits and reads back as itself", "[units]")
{
    const std::vector<std::pair<std::int64_t, std::string>> table{
        {0, "0ns"},
        {1, "1ns"},
        {999, "999ns"},
        {1000, "1us"},
        {1500, "1.5us"},
        {1001, "1.001us"},
        {20'000'000, "20ms"},
        {1'234'567, "1.234567ms"},
        {1'000'000'000, "1s"},
        {60'000'000'001, "60.000000001s"},
        {max_duration.count(), "1000000s"},
    };
    for (const auto& [ns, text] : table) {
        CHECK(format_duration(nanoseconds{ns}) == text);
        CHECK(std::get<nanoseconds>(parse_duration(text)).count() == ns);
    }
    CHECK(format_duration(nanoseconds{-1500}) == "-1.5us");
    CHECK(format_duration(nanoseconds::min()) == "-9223372036.854775808s");
}

TEST_CASE("a list of CPUs gives each CPU once, in order", "[units]")
{
    using cpus = std::vector<std::uint32_t>;
    CHECK(std::get<cpus>(parse_cpu_list("0")) == cpus{0});
    CHECK(std::get<cpus>(parse_cpu_list("0-3,5")) == cpus{0, 1, 2, 3, 5});
    CHECK(std::get<cpus>(parse_cpu_list("5,0-1,1-2")) == cpus{0, 1, 2, 5});
    CHECK(std::get<cpus>(parse_cpu_list("0-4095")).size() == max_cpus);
    for (const char* bad : {"", ",", "0,", ",0", "0,,1", "a", "0-", "-1", "0-1-2", " 0", "0 ", "1.5", "3-1", "4096",
                            "0-4096", "99999999999999999999"}) {
        CAPTURE(bad);
        const auto result = parse_cpu_list(bad);
        REQUIRE(std::holds_alternative<parse_failure>(result));
        CHECK_FALSE(std::get<parse_failure>(result).remedy.empty());
    }
}

TEST_CASE("the tokens of a JSON pointer are escaped and read back", "[units]")
{
    using tokens = std::vector<std::string>;
    CHECK(append_pointer("/a", "b/c~d") == "/a/b~1c~0d");
    CHECK(std::get<tokens>(split_pointer("/a/b~1c~0d")) == tokens{"a", "b/c~d"});
    CHECK(std::get<tokens>(split_pointer("")).empty());
    CHECK(std::get<tokens>(split_pointer("/")) == tokens{""});
    CHECK(std::get<tokens>(split_pointer("/~01")) == tokens{"~1"});
    for (const char* bad : {"a", "a/b", "/~", "/~2", "/a~"}) {
        CAPTURE(bad);
        CHECK(std::holds_alternative<parse_failure>(split_pointer(bad)));
    }
}
