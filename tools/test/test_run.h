// SPDX-License-Identifier: GPL-2.0-only
//
// pairsim test: scenarios as test cases. Each is run, and its `expect` compared with its report; results come in the
// order of the files, whatever the number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tools/io/expect.h"

namespace pairsim {

enum class test_outcome : std::uint8_t {
    passed,
    failed,  ///< some expectation is not met
    invalid, ///< the file is no valid scenario: nothing was run
};

struct test_result {
    std::string path;
    std::string name; ///< of the scenario
    test_outcome outcome = test_outcome::passed;
    std::vector<unmet_expectation> unmet;
    std::string problems; ///< of invalid: what input_error says
    std::string digest;
    std::string expected_digest; ///< empty: the scenario names none
    std::string picture;         ///< of failed: the first violation in a sentence, and lanes around it; may be empty
    std::string command;         ///< that repeats the run
};

/// The scenarios that @p paths name, sorted, each once: files as they are, folders with all they hold. In a folder,
/// JSON files of another format (machines, schemas) are left out. Throws input_error if a path is not there.
std::vector<std::string> find_scenarios(const std::vector<std::string>& paths);

/// Runs one scenario.
test_result run_test(const std::string& path);

/// Runs @p files on @p threads threads (0: one a core) and hands each result to @p on_result, in the order of the
/// files, one at a time.
void run_tests(const std::vector<std::string>& files, unsigned threads,
               const std::function<void(const test_result&)>& on_result);

/// Writes the digest that a run had into the scenario's expect.digest, and changes nothing else in the file.
void update_digest(const test_result& result);

} // namespace pairsim
