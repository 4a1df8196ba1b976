// SPDX-License-Identifier: GPL-2.0-only
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <unistd.h>

#include "tests/support/catch.h"
#include "tools/io/input_error.h"
#include "tools/io/strict_json.h"

using namespace pairsim;

namespace {

problem problem_of(const std::string& text)
{
    try {
        parse_json(text, "f.json");
    } catch (const input_error& error) {
        REQUIRE(error.problems().size() == 1);
        return error.problems().front();
    }
    return {};
}

std::string repeated(const std::string& part, std::size_t times)
{
    std::string text;
    for (std::size_t i = 0; i < times; ++i) {
        text += part;
    }
    return text;
}

} // namespace

TEST_CASE("keys keep their order and integers their 64 bits", "[strict_json]")
{
    const json value = parse_json(R"({"b": 18446744073709551615, "a": [-9223372036854775808, 1.5, null, true]})", "f");
    CHECK(value.dump() == R"({"b":18446744073709551615,"a":[-9223372036854775808,1.5,null,true]})");
}

TEST_CASE("text that is not strict JSON is refused with its place and a remedy", "[strict_json]")
{
    struct row {
        std::string text;
        std::string where;
        std::string pointer;
        std::string what;
    };
    const std::vector<row> table{
        {"", "f.json", "", "empty"},
        {" \n\t", "f.json", "", "empty"},
        {"{", "f.json:1:2", "", "unexpected end"},
        {"{\"a\": 1,\n  \"b\": }", "f.json:2:8", "", "unexpected '}'"},
        {"{\"ä\": x}", "f.json:1:7", "", "invalid literal"},
        {"[1, 2,]", "f.json:1:7", "", "unexpected ']'"},
        {"{} {}", "f.json:1:4", "", "not valid JSON"},
        {"[1] // one", "f.json:1:5", "", "not valid JSON"},
        {"[/* one */ 1]", "f.json:1:2", "", "not valid JSON"},
        {"[NaN]", "f.json:1:2", "", "invalid literal"},
        {"[Infinity]", "f.json:1:2", "", "invalid literal"},
        {"[-Infinity]", "f.json:1:3", "", "invalid number"},
        {"[01]", "f.json:1:3", "", "not valid JSON"},
        {"[0x1]", "f.json:1:3", "", "not valid JSON"},
        {"['a']", "f.json:1:2", "", "invalid literal"},
        {"[\"a\nb\"]", "f.json:1:4", "", "invalid string"},
        {"[\"\xff\"]", "f.json:1:3", "", "UTF-8"},
        {"[\"\xc3\"]", "f.json:1:4", "", "UTF-8"},
        {"[\"\xed\xa0\x80\"]", "f.json:1:4", "", "UTF-8"},
        {"[\"\\ud800\"]", "f.json:1:9", "", "surrogate"},
        {std::string("[1]\0", 4), "f.json:1:4", "", "NUL"},
        {std::string("[\"\0\"]", 5), "f.json:1:3", "", "NUL"},
        {"[1e999]", "f.json:1:6", "", "too large"},
        {"{\"a\": [0, 18446744073709551616]}", "f.json", "/a/1", "does not fit in 64 bits"},
        {"[-9223372036854775809]", "f.json", "/0", "does not fit in 64 bits"},
        {R"({"a": [{}, {"x/y": 1, "x/y": 2}]})", "f.json", "/a/1/x~1y", "given twice"},
        {R"({"a": 1, "b": {}, "\u0061": 2})", "f.json", "/a", "given twice"},
    };
    for (const row& r : table) {
        CAPTURE(r.text);
        const problem p = problem_of(r.text);
        CHECK(p.where == r.where);
        CHECK(p.pointer == r.pointer);
        CHECK_THAT(p.what, test::contains(r.what));
        CHECK_FALSE(p.remedy.empty());
    }
}

TEST_CASE("the same key in two objects is not given twice", "[strict_json]")
{
    CHECK(problem_of(R"([{"a": {"a": 1}}, {"a": 2}])").what.empty());
}

TEST_CASE("nesting is limited, however deep it is", "[strict_json]")
{
    const auto nested = [](std::size_t depth) { return repeated("[", depth) + repeated("]", depth); };
    CHECK(problem_of(nested(max_json_depth)).what.empty());
    for (const std::size_t depth : {max_json_depth + 1, std::size_t{10'000}, std::size_t{1'000'000}}) {
        CHECK_THAT(problem_of(nested(depth)).what, test::contains("64 levels"));
        CHECK_THAT(problem_of(repeated(R"({"a":)", depth)).what, test::contains("64 levels"));
    }
}

TEST_CASE("a file that cannot be read is refused with its name", "[strict_json]")
{
    const auto folder = std::filesystem::temp_directory_path() / ("pairsim_json_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    const std::string big = (folder / "big.json").string();
    const std::string limit = (folder / "limit.json").string();
    std::ofstream(big) << "1";
    std::ofstream(limit) << "1";
    std::filesystem::resize_file(big, std::uintmax_t{2} << 30U); // sparse: 2 GiB that take no space
    std::filesystem::resize_file(limit, max_json_bytes);

    const auto problem_with = [](const std::string& path) {
        try {
            read_text(path);
        } catch (const input_error& error) {
            CHECK(error.problems().front().where == path);
            CHECK_FALSE(error.problems().front().remedy.empty());
            return error.problems().front().what;
        }
        return std::string();
    };
    CHECK_THAT(problem_with(folder.string()), test::contains("directory"));
    CHECK_THAT(problem_with((folder / "none.json").string()), test::contains("No such file"));
    CHECK_THAT(problem_with(big), test::contains("larger than 64 MiB"));
    CHECK_THAT(problem_with("/dev/zero"), test::contains("larger than 64 MiB"));
    CHECK(problem_with(limit).empty());
    CHECK_THAT(problem_with("/proc/self/mem"), test::contains("cannot be read"));
    std::filesystem::remove_all(folder);
}

TEST_CASE("an input error lists its problems as file, pointer, problem and remedy", "[input_error]")
{
    const input_error error({{"a.json", "/tasks/0", "wrong", "right it"}, {"b.json:1:2", "", "bad", ""}});
    CHECK(std::string(error.what()) == "a.json: /tasks/0: wrong\n  right it\nb.json:1:2: bad");
    CHECK_THAT(input_error(std::vector<problem>(51, {"a", "", "b", ""})).what(), test::contains("and 1 more"));
}

TEST_CASE("one place has one problem, and a list knows what lies inside of a place", "[input_error]")
{
    problem_list list;
    list.add({"f", "/a/b", "first", ""});
    list.add({"f", "/a/b", "second", ""});
    CHECK(list.all().size() == 1);
    CHECK(list.has_under("f", ""));
    CHECK(list.has_under("f", "/a"));
    CHECK(list.has_under("f", "/a/b"));
    CHECK_FALSE(list.has_under("f", "/a/b/c"));
    CHECK_FALSE(list.has_under("f", "/a/"));
    CHECK_FALSE(list.has_under("g", "/a"));
}

TEST_CASE("text of a user is quoted without control characters and cut between characters", "[input_error]")
{
    CHECK(quote("a\n\x1b[31m") == "\"a\\u000a\\u001b[31m\"");
    CHECK(quote(repeated("ä", 100)) == "\"" + repeated("ä", 40) + "...\"");
    CHECK(quote("x" + repeated("ä", 100)) == "\"x" + repeated("ä", 39) + "...\"");
    CHECK(closest_name("batch_durtion", {"slice", "batch_duration"}) == "batch_duration");
    CHECK(closest_name("xyzzy", {"slice", "batch_duration"}).empty());
}
