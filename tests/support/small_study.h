// SPDX-License-Identifier: GPL-2.0-only
//
// A study that takes milliseconds, and folders that go away again.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <unistd.h>

#include "tools/io/strict_json.h"
#include "tools/study/study_loader.h"

namespace pairsim::test {

class scratch_folder {
public:
    scratch_folder() : path_(std::filesystem::temp_directory_path() / ("pairsim_study_" + std::to_string(::getpid())))
    {
        std::filesystem::remove_all(path_);
        std::filesystem::create_directories(path_);
    }
    ~scratch_folder() { std::filesystem::remove_all(path_); }
    scratch_folder(const scratch_folder&) = delete;
    scratch_folder& operator=(const scratch_folder&) = delete;

    std::string path(const std::string& name) const { return (path_ / name).string(); }
    std::string write(const std::string& name, const std::string& text) const
    {
        std::ofstream(path_ / name, std::ios::binary) << text;
        return path(name);
    }
    std::string read(const std::string& name) const
    {
        std::ifstream in(path_ / name, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }

private:
    std::filesystem::path path_;
};

/// Three batch durations, four seeds, 200 ms each.
inline json small_study()
{
    return json::parse(R"({
        "schema": "pairsim.study/1", "name": "small", "description": "A small study.",
        "scenario": {
            "duration": "200ms", "machine": {"base": "x86-64", "cpus": 2}, "cgroups": ["a", "b"],
            "tasks": [
                {"name": "hog", "cgroup": "a", "count": 3, "phases": [{"run": "forever"}]},
                {"name": "waker", "cgroup": "b", "count": 3, "phases": [{"repeat": {"phases": [
                    {"run": {"dist": "exponential", "mean": "3ms"}}, {"sleep": "5ms"}]}}]}
            ]
        },
        "replications": 4,
        "factors": [{"pointer": "/scheduler/batch_duration", "values": ["5ms", "20ms", "80ms"]}]
    })");
}

inline study load(const scratch_folder& folder, const json& document)
{
    return load_study(folder.write("study.json", document.dump(1)));
}

} // namespace pairsim::test
