// SPDX-License-Identifier: GPL-2.0-only
//
// The program as a whole, each time in a process of its own: how long it takes to start, what writing a trace costs,
// how much memory a big machine needs.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <limits>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "tools/bench/benchmarks.h"
#include "tools/bench/loads.h"
#include "tools/bench/timing.h"
#include "tools/io/ftrace_text.h"
#include "tools/io/jsonl.h"
#include "tools/io/runner.h"

namespace pairsim::bench {
namespace {

namespace fs = std::filesystem;

/// What a process has used.
struct usage {
    double wall_ms = std::numeric_limits<double>::infinity();
    double user_ms = std::numeric_limits<double>::infinity();
    double peak_mib = 0;
};

/// A folder for the files of these benchmarks, removed at the end.
class scratch {
public:
    scratch() : path_(fs::temp_directory_path() / fmt::format("pairsim-bench-{}", getpid()))
    {
        fs::create_directory(path_);
    }
    ~scratch()
    {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    scratch(const scratch&) = delete;
    scratch& operator=(const scratch&) = delete;
    std::string file(const char* name) const { return (path_ / name).string(); }

private:
    fs::path path_;
};

/// The program that lies beside this one.
std::string program()
{
    return (fs::read_symlink("/proc/self/exe").parent_path() / "pairsim").string();
}

/// Runs pairsim with @p arguments; what it prints is thrown away.
usage run_program(std::vector<std::string> arguments)
{
    arguments.insert(arguments.begin(), program());
    std::vector<char*> argv;
    for (std::string& a : arguments) {
        argv.push_back(a.data());
    }
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions{};
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t child = 0;
    const auto begin = std::chrono::steady_clock::now();
    const int error = posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
        throw std::system_error(error, std::generic_category(), argv[0]);
    }
    int status = 0;
    rusage used{};
    wait4(child, &status, 0, &used);
    if (status != 0) {
        throw std::runtime_error(fmt::format("{} {}: exit status {}", arguments[0], arguments[1], status));
    }
    const std::chrono::duration<double, std::milli> wall = std::chrono::steady_clock::now() - begin;
    return {wall.count(),
            1e3 * static_cast<double>(used.ru_utime.tv_sec) + 1e-3 * static_cast<double>(used.ru_utime.tv_usec),
            static_cast<double>(used.ru_maxrss) / 1024};
}

/// The least that several runs of the same take.
usage least_of(const std::vector<std::string>& arguments, int rounds)
{
    usage least;
    for (int i = 0; i < rounds; ++i) {
        const usage u = run_program(arguments);
        least = {std::min(least.wall_ms, u.wall_ms), std::min(least.user_ms, u.user_ms),
                 std::max(least.peak_mib, u.peak_mib)};
    }
    return least;
}

void print(const std::string& what, const usage& u)
{
    fmt::print("| {} | {:.1f} | {:.1f} | {:.0f} |\n", what, u.wall_ms, u.user_ms, u.peak_mib);
}

std::string write_load(const scratch& dir, const char* name, const load& l, nanoseconds simulated)
{
    const std::string path = dir.file(name);
    std::ofstream(path) << document_of(l, simulated).dump();
    return path;
}

/// A run that also writes its trace.
template <class Writer>
double run_with(const scenario& s, const std::string& path)
{
    Writer writer(path, header_of(s, pairs_of(s), "benchmark"));
    run_options options;
    options.sinks.push_back(&writer);
    run_scenario(s, options);
    writer.finish();
    return 1;
}

void measure_writers(const scratch& dir, nanoseconds simulated)
{
    const scenario s = scenario_of({.kind = load_kind::mix}, simulated);
    const candidate candidates[] = {
        {"no trace",
         [&] {
             run_scenario(s);
             return 1.0;
         }},
        {"JSONL", [&] { return run_with<jsonl_writer>(s, dir.file("trace.jsonl")); }},
        {"ftrace text", [&] { return run_with<ftrace_writer>(s, dir.file("trace.txt")); }},
    };
    const auto results = measure(candidates);
    fmt::print("## Trace writers\n\nMix, 64 CPUs, {} s.\n\n| writer | user ms | ratio |\n| --- | ---: | ---: |\n",
               std::chrono::duration<double>(simulated).count());
    for (const timing& t : results) {
        fmt::print("| {} | {:.0f} | {:.2f} |\n", t.name, 1e3 / t.per_second, results.front().per_second / t.per_second);
    }
    fmt::print("\n");
}

} // namespace

void whole_program()
{
    using namespace std::chrono_literals;
    const scratch dir;
    measure_writers(dir, 5s);
    fmt::print("## The program\n\n| what | ms | user ms | peak MiB |\n| --- | ---: | ---: | ---: |\n");
    print("`run` of the quickstart",
          least_of({"run", std::string(PAIRSIM_SOURCE_DIR) + "/scenarios/quickstart.json"}, 20));
    const std::string mix = write_load(dir, "mix.json", {.kind = load_kind::mix}, 5s);
    print("`run` of a mix, 64 CPUs, 5 s", least_of({"run", mix}, 5));
    print("`export --format perfetto` of it",
          least_of({"export", mix, "--format", "perfetto", "-o", dir.file("out")}, 5));
    const load big{.kind = load_kind::mix, .nr_cpus = 1024, .tasks_per_cpu = 97};
    print("`run` of a mix, 1024 CPUs, 99 328 tasks, 20 ms",
          least_of({"run", write_load(dir, "big.json", big, 20ms)}, 1));
    fmt::print("\n");
}

} // namespace pairsim::bench
