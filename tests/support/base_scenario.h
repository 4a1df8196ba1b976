// SPDX-License-Identifier: GPL-2.0-only
//
// A scenario to change at one place and load: what the tests of the loader share.
#pragma once

#include <string>
#include <vector>

#include "tools/io/input_error.h"
#include "tools/io/scenario_loader.h"

namespace pairsim::test {

/// A valid scenario with something of everything.
inline const char* const base_text = R"({
  "schema": "pairsim.scenario/1",
  "name": "base",
  "description": "Something of everything.",
  "duration": "10s",
  "warmup": "1s",
  "machine": { "cpus": 4, "costs": "none" },
  "scheduler": { "stride": 2 },
  "cgroups": ["a", "a/b", { "name": "late", "create_at": "1s", "remove_at": "9s" }],
  "tasks": [
    { "name": "hog", "cgroup": "a", "count": 2, "cpus": "0-1", "phases": [{ "run": "forever" }] },
    { "name": "one", "cgroup": "a/b", "start": "2s", "phases": [
      { "run": "1ms" }, { "wait": "ch" }, { "move": "late" }, { "set_affinity": [1] },
      { "repeat": { "times": 3, "phases": [{ "yield": true }, { "run": { "dist": "uniform", "low": "1ms", "high": "2ms" } }] } },
      { "move": { "task": "hog.1", "to": "a/b" } }, { "exit": true } ] },
    { "name": "two", "phases": [{ "repeat": { "phases": [{ "sleep": "1ms" }, { "wake": "ch", "sync": true }] } }] }
  ],
  "higher_class": [
    { "cpu": 1, "first": "1s", "length": "1ms", "interval": "100ms" },
    { "cpu": 2, "class": "stop", "times": [{ "at": "1s", "length": "5us" }, { "at": "2s", "length": "6us" }] }
  ],
  "faults": { "lost_time": [{ "cpu": 3, "length": "1ms" }] },
  "outside": [
    { "at": "3s", "cpu": 1, "move": { "task": "hog.0", "to": "late" } },
    { "at": "4s", "set_affinity": { "task": "two", "cpus": "3" } }
  ],
  "expect": {
    "exit": { "kind": "none" },
    "claims": { "exclusive": { "violated_by": "I1" }, "no-abort": "holds", "no-starvation": "violated" },
    "bounds": [{ "pointer": "/counters/nr_total", "min": 1, "max": 2 }]
  }
})";

/// The base scenario with one value put at @p pointer.
inline json changed(const std::string& pointer, const std::string& value)
{
    json document = parse_json(base_text, "base");
    if (!pointer.empty()) {
        apply_settings(document, std::vector<setting>{{pointer, parse_json(value, "value")}});
    }
    return document;
}

inline scenario with(const std::string& pointer, const std::string& value)
{
    return read_scenario(changed(pointer, value), "s.json");
}

inline std::vector<problem> problems_of(const json& document)
{
    try {
        read_scenario(document, "s.json");
    } catch (const input_error& error) {
        return error.problems();
    }
    return {};
}

} // namespace pairsim::test
