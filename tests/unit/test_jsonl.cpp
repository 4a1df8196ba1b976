// SPDX-License-Identifier: GPL-2.0-only
#include "tools/io/jsonl.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <limits>
#include <set>
#include <sstream>
#include <system_error>

#include <sys/resource.h>
#include <unistd.h>

#include "tests/support/catch.h"
#include "tests/support/records.h"
#include "tools/io/ftrace_text.h"
#include "tools/io/input_error.h"
#include "tools/io/own_trace.h"
#include "tools/io/sched_text.h"

using namespace pairsim;
using namespace pairsim::test;

namespace {

std::string text_of(const trace_header& header, const std::vector<trace_record>& records)
{
    std::string text;
    append_header(text, header);
    for (const auto& r : records) {
        append_record(text, r);
    }
    return text;
}

std::vector<trace_record> read_all(jsonl_reader& reader)
{
    std::vector<trace_record> records;
    trace_record r;
    while (reader.next(r)) {
        records.push_back(r);
    }
    return records;
}

/// One record or more of each kind, with all reasons, also such as have no word; the times rise.
std::vector<trace_record> records_of_all_kinds()
{
    std::vector<trace_record> records;
    std::int64_t t = 0;
    for (std::size_t i = 0; i < nr_record_kinds; ++i) {
        const auto kind = static_cast<record_kind>(i);
        for (unsigned reason = 0; reason < 9; ++reason) {
            trace_record r{
                .at = at_ns(++t), .cpu = cpu_id{1}, .kind = kind, .reason = static_cast<std::uint8_t>(reason)};
            r.task = pid{1};
            r.a = 1;
            r.b = 2;
            r.value = -t;
            records.push_back(r);
        }
    }
    constexpr auto last = std::numeric_limits<std::int64_t>::max();
    records.push_back({.at = at_ns(t), .cpu = no_cpu, .kind = record_kind::cgroup_init, .a = 2});
    records.push_back(
        {.at = at_ns(t), .cpu = cpu_id{0}, .kind = record_kind::sched_switch, .task = higher_pid(sched_class::stop)});
    records.push_back({.at = at_ns(t), .cpu = cpu_id{0}, .kind = record_kind::pair_wait, .task = pid{no_cgroup.value}});
    records.push_back({.at = at_ns(last), .cpu = cpu_id{0}, .kind = record_kind::lost_time, .value = last});
    return records;
}

/// @p r as its line, without the newline.
std::string line_of(const trace_record& r)
{
    std::string line;
    append_record(line, r);
    line.pop_back();
    return line;
}

/// What the reader says of @p text.
std::string complaint(const std::string& text)
{
    text_bytes bytes(text);
    try {
        line_source lines(bytes, "t.jsonl");
        jsonl_reader reader(lines);
        static_cast<void>(read_all(reader));
    } catch (const input_error& e) {
        return e.what();
    }
    return "";
}

/// A directory that goes away with the test.
struct scratch_directory {
    std::filesystem::path path;
    scratch_directory()
    {
        std::string name = (std::filesystem::temp_directory_path() / "pairsim.XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~scratch_directory() { std::filesystem::remove_all(path); }
    scratch_directory(const scratch_directory&) = delete;
    scratch_directory& operator=(const scratch_directory&) = delete;
    auto files() const
    {
        return std::distance(std::filesystem::directory_iterator(path), std::filesystem::directory_iterator{});
    }
};

std::string content(const std::filesystem::path& path)
{
    std::ifstream in(path, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

} // namespace

TEST_CASE("a trace is a header and one object a record, with the kernel's words", "[jsonl]")
{
    const small_world world;
    stream s;
    s.at(12).run(1, 3, 1).kick(1, 0, kick_preempt | kick_wait);
    s.at(13).pair(record_kind::pair_top_q_empty, 0, 0xffffffff, bits(0, 1, true));
    CHECK(text_of(header_of(world.what, world.pairs, "1.2"), s.records) ==
          R"({"schema":"pairsim.trace/1","version":"1.2","scenario":"small world","cpus":2,"pairs":[[0,1]],)"
          R"("cgroups":["/","a","b"],"tasks":[{"pid":1,"name":"task1","cgroup":1},{"pid":2,"name":"task2","cgroup":1},)"
          R"({"pid":3,"name":"task3","cgroup":2},{"pid":4,"name":"task4","cgroup":2}],)"
          R"("config":{"scheduler":"pair","hz":250,"slice_ns":20000000,"watchdog_ns":30000000000,"max_queued":4096,)"
          R"("max_cgrps":4096,"ctx_entries":2,"duration_ns":1000000,"warmup_ns":0,"nodes":[0,0],"masks":[[0,1]]}})"
          "\n"
          R"({"at_ns":12000,"cpu":1,"kind":"sched_switch","reason":"local_dsq","next":3,"prev":1,"prev_state":0,)"
          R"("slice_ns":0})"
          "\n"
          R"({"at_ns":12000,"cpu":1,"kind":"kick","reason":"preempt|wait","target":0})"
          "\n"
          R"({"at_ns":13000,"cpu":0,"kind":"pair_top_q_empty","cgroup":4294967295,"pair":0,"state":20})"
          "\n");
}

TEST_CASE("records of every kind and reason are read back as they were, and written to the same bytes", "[jsonl]")
{
    const small_world world;
    const auto records = records_of_all_kinds();
    const auto header = header_of(world.what, world.pairs, "v");
    const std::string text = text_of(header, records);
    text_bytes bytes(text);
    line_source lines(bytes, "t.jsonl");
    jsonl_reader reader(lines);
    CHECK(reader.header() == header);
    const auto again = read_all(reader);
    REQUIRE(again.size() == records.size());
    CHECK(again == records);
    CHECK(text_of(reader.header(), again) == text);
}

TEST_CASE("the scanner of canonical lines knows each line that is written, and agrees with the reader of any JSON",
          "[jsonl]")
{
    const small_world world;
    const record_limits limits(header_of(world.what, world.pairs, "v"));
    for (const auto& r : records_of_all_kinds()) {
        const std::string line = line_of(r);
        trace_record scanned;
        REQUIRE(scan_record(line, scanned));
        CHECK(scanned == r);
        CHECK(limits.allows(r));
        CHECK(parse_record(limits, parse_json(line, "t"), r.at, "t") == r);
    }
}

TEST_CASE("the scanner of ftrace text knows each event that is written", "[ftrace_text]")
{
    const scratch_directory scratch;
    const small_world world;
    auto records = records_of_all_kinds();
    records.pop_back(); // no clock of a kernel reads its time
    ftrace_writer writer((scratch.path / "t.txt").string(), header_of(world.what, world.pairs, "v"));
    writer.on_records(records);
    writer.finish();
    std::ifstream file(scratch.path / "t.txt");
    std::size_t n = 0;
    for (std::string line; std::getline(file, line);) {
        const sched_event e = parse_sched_line(line);
        if (e.what == sched_event::kind::pair) {
            INFO(line);
            trace_record scanned{.at = at_ns(e.at_ns), .cpu = cpu_id{static_cast<std::uint16_t>(e.cpu)}};
            REQUIRE(scan_event(e.comm, e.fields, scanned));
            CHECK(scanned == records.at(n++));
            const std::string fields(e.fields);
            for (const char* const tail : {" x=1", " 1", "7 8", " reason=x"}) {
                CHECK_FALSE(scan_event(e.comm, fields + tail, scanned));
            }
        }
    }
    CHECK(n == records.size());
}

TEST_CASE("a trace that comes byte by byte is known by its beginning", "[own_trace]")
{
    struct drops final : byte_source {
        std::string_view rest;
        explicit drops(std::string_view text) : rest(text) {}
        std::size_t read(char* to, std::size_t) override
        {
            const std::size_t n = rest.empty() ? 0 : 1;
            *to = n != 0 ? rest.front() : '\0';
            rest.remove_prefix(n);
            return n;
        }
    };
    const small_world world;
    const std::string text = text_of(header_of(world.what, world.pairs, "v"), records_of_all_kinds());
    drops bytes(text);
    line_source lines(bytes, "t");
    const auto trace = open_own_trace(lines);
    REQUIRE(trace != nullptr);
    std::size_t n = 0;
    for (trace_record r; trace->next(r); ++n) {
    }
    CHECK(n == records_of_all_kinds().size());
}

TEST_CASE("a line that is not as it would be written is left to the reader of any JSON", "[jsonl]")
{
    const small_world world;
    std::set<record_kind> seen;
    for (const auto& r : records_of_all_kinds()) {
        if (!seen.insert(r.kind).second) {
            continue;
        }
        const std::string line = line_of(r);
        for (std::size_t at = 0; at <= line.size(); ++at) {
            std::vector<std::string> changed{line.substr(0, at)};
            for (const char c : {'0', '7', '-', '"', ' ', 'e', '}'}) {
                changed.push_back(line.substr(0, at) + c + line.substr(at));
                changed.push_back(line.substr(0, at) + c + line.substr(std::min(at + 1, line.size())));
            }
            for (const auto& text : changed) {
                trace_record scanned;
                if (scan_record(text, scanned) && line_of(scanned) != text) {
                    FAIL_CHECK("not canonical, but taken: " << text);
                }
            }
        }
    }
    CHECK(seen.size() == nr_record_kinds);
    trace_record r;
    const std::string other = R"({ "cpu":0, "kind":"ipi", "at_ns":5})";
    CHECK_FALSE(scan_record(other, r));
    const std::string header = text_of(header_of(world.what, world.pairs, "v"), {});
    CHECK(complaint(header + other + "\n").empty());
}

TEST_CASE("a trace that is wrong is refused with the line, the place and a remedy", "[jsonl]")
{
    const small_world world;
    const std::string header = text_of(header_of(world.what, world.pairs, "v"), {});
    const std::string good = R"({"at_ns":5,"cpu":0,"kind":"ipi"})"
                             "\n";
    const auto after = [&](const std::string& line) { return complaint(header + good + line); };

    CHECK(complaint(header + good).empty());
    CHECK_THAT(complaint(""), contains("t.jsonl:1: the trace is empty"));
    CHECK_THAT(complaint("{}\n"), contains("t.jsonl:1: is no header"));
    CHECK_THAT(complaint("[1]\n"), contains("is no header"));
    CHECK_THAT(after("{\"at_ns\":5"), contains("t.jsonl:3"));
    CHECK_THAT(after(good.substr(0, good.size() - 1) + good), contains("t.jsonl:3")); // two lines in one
    CHECK_THAT(after(std::string(70'000, 'x') + "\n"), contains("t.jsonl:3: a line of more than 65536 bytes"));
    CHECK_THAT(after("{" + std::string(70'000, ' ') + good.substr(1)), contains("a line of more than 65536 bytes"));
    CHECK_THAT(complaint(header.substr(0, header.size() - 9)), contains("t.jsonl:1"));
    CHECK_THAT(after("[]\n"), contains("t.jsonl:3: is no object"));
    CHECK_THAT(after(R"({"at_ns":4,"cpu":0,"kind":"ipi"})"),
               contains("t.jsonl:3: /at_ns: the time goes back, from 5 to 4"));
    CHECK_THAT(after(R"({"at_ns":6,"cpu":2,"kind":"ipi"})"), contains("/cpu: the header has 2 CPUs"));
    CHECK_THAT(after(R"({"at_ns":6,"cpu":65535,"kind":"ipi"})"), contains("/cpu"));
    CHECK_THAT(after(R"({"at_ns":6,"cpu":0,"kind":"sneeze"})"), contains("/kind: unknown kind \"sneeze\""));
    CHECK_THAT(after(R"({"at_ns":6,"cpu":0,"kind":"ipi","x":1})"), contains("/x: unknown key"));
    CHECK_THAT(after(R"({"at_ns":6,"cpu":0,"kind":"kick","reason":"hard","target":1})"), contains("unknown reason"));
    CHECK_THAT(after(R"({"at_ns":6,"cpu":0,"kind":"kick","target":1})"), contains("\"reason\" is missing"));
    CHECK_THAT(after(R"({"at_ns":6,"cpu":0,"kind":"kick","reason":"wait","target":2})"), contains("/target: 2 is not"));
    CHECK_THAT(after(R"({"at_ns":6,"cpu":0,"kind":"slice_end","task":5})"), contains("/task: 5 is not in the header"));
    CHECK_THAT(after(R"({"at_ns":6,"cpu":0,"kind":"top_q_pop","cgroup":3,"len":0})"), contains("/cgroup: 3 is not"));
    CHECK_THAT(after(R"({"at_ns":6,"cpu":0,"kind":"top_q_pop","cgroup":-1,"len":0})"), contains("no whole number"));
}

TEST_CASE("the reference page of the format has every kind with its fields", "[jsonl]")
{
    const std::string page = content(PAIRSIM_SOURCE_DIR "/docs/reference/trace-format.md");
    for (std::size_t i = 0; i < nr_record_kinds; ++i) {
        const auto kind = static_cast<record_kind>(i);
        std::string fields;
        for (const auto name : field_names(kind)) {
            fields += name.empty() ? "" : (fields.empty() ? "`" : ", `") + std::string(name) + "`";
        }
        const auto row = "\n| `" + std::string(kind_name(kind)) + "` | " + (fields.empty() ? "-" : fields) + " | ";
        CHECK_THAT(page, contains(row));
    }
}

TEST_CASE("a written trace takes its name only when it is complete", "[jsonl]")
{
    const scratch_directory scratch;
    const small_world world;
    const auto path = scratch.path / "t.jsonl";
    stream s;
    s.at(1).run(0, 1).run(0, 0, 1);
    const auto header = header_of(world.what, world.pairs, "v");
    {
        jsonl_writer writer(path.string(), header);
        writer.on_records(s.records);
        CHECK_FALSE(std::filesystem::exists(path));
        writer.finish();
    }
    CHECK(content(path) == text_of(header, s.records));
    {
        jsonl_writer writer(path.string(), header); // left without finish()
        writer.on_records(s.records);
        writer.on_records(s.records);
    }
    CHECK(content(path) == text_of(header, s.records));
    CHECK(scratch.files() == 1);
}

TEST_CASE("a link to a trace stays a link, and its target keeps its permissions", "[jsonl]")
{
    const scratch_directory scratch;
    const auto target = scratch.path / "target";
    std::ofstream(target) << "old";
    std::filesystem::permissions(target, std::filesystem::perms{0640});
    std::filesystem::create_symlink(target, scratch.path / "link");
    atomic_file file((scratch.path / "link").string());
    file.write("new");
    file.commit();
    CHECK(content(target) == "new");
    CHECK(std::filesystem::is_symlink(scratch.path / "link"));
    CHECK(std::filesystem::status(target).permissions() == std::filesystem::perms{0640});
}

TEST_CASE("a full disk is a system_error with the file's name, and leaves nothing", "[jsonl]")
{
    const scratch_directory scratch;
    const small_world world;
    const auto header = header_of(world.what, world.pairs, "v");
    const auto write = [&](const std::string& path) {
        jsonl_writer writer(path, header);
        writer.finish();
    };
    CHECK_THROWS_WITH(write("/dev/full"), contains("/dev/full: cannot be written: No space left on device"));
    CHECK_THROWS_AS(write((scratch.path / "no" / "such" / "directory").string()), std::system_error);

    struct rlimit before {};
    ::getrlimit(RLIMIT_FSIZE, &before);
    struct rlimit small {
        .rlim_cur = 100, .rlim_max = before.rlim_max
    };
    const auto old_action = std::signal(SIGXFSZ, SIG_IGN);
    ::setrlimit(RLIMIT_FSIZE, &small);
    const auto too_long = (scratch.path / "t.jsonl").string();
    CHECK_THROWS_AS(write(too_long), std::system_error);
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, old_action);
    CHECK(scratch.files() == 0);
}
