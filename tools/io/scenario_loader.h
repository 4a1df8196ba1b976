// SPDX-License-Identifier: GPL-2.0-only
//
// Scenario files in: docs/reference/scenario-format.md.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tools/io/scenario.h"
#include "tools/io/strict_json.h"

namespace pairsim {

/// A value that takes the place of the file's: `--set /pointer=value`.
struct setting {
    std::string pointer;
    json value;
};

/// Parses `/pointer=value`; a value that is not JSON is a string. Throws input_error.
setting parse_setting(std::string_view text);

/// Puts the settings into @p document, in their order: keys and the objects around them are created. Throws
/// input_error if a pointer leads nowhere. Whether the result is a valid scenario is read_scenario()'s to say.
void apply_settings(json& document, std::span<const setting> settings);

/// Loads the scenario in @p path ("-": standard input). Throws input_error with all problems.
scenario load_scenario(const std::string& path, std::span<const setting> settings = {});

/// The scenario that @p document describes. @p path names it in messages, and its folder is where machine files are
/// looked for. Problems at one of @p settings, which have been applied, say so. @p sources gets all that was read:
/// the document, then the machine files and the costs that they start from.
scenario read_scenario(json document, const std::string& path, std::span<const setting> settings = {},
                       std::vector<json>* sources = nullptr);

} // namespace pairsim
