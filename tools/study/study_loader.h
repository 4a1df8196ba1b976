// SPDX-License-Identifier: GPL-2.0-only
//
// Study files in. Every point's scenario is read once, so that a study that starts has no bad point.
#pragma once

#include <string>
#include <vector>

#include "tools/io/units.h"
#include "tools/study/study.h"

namespace pairsim {

/// Loads the study in @p path. Throws input_error with all problems: of the file, and of the scenarios of its points.
study load_study(const std::string& path);

/// The values of a range, as JSON: `points` of them, both ends included. Logarithmic ones have three significant
/// digits, so that they are the same on every machine and can be read. Public for tests.
parsed<std::vector<json>> range_values(const json& from, const json& to, std::size_t points, bool logarithmic);

} // namespace pairsim
