// SPDX-License-Identifier: GPL-2.0-only
//
// Makes a scenario that shows something smaller for as long as it shows it.
#pragma once

#include <functional>

#include "tools/io/strict_json.h"

namespace pairsim {

struct shrunk {
    json document;
    unsigned nr_tried = 0; ///< smaller documents that were tried
    bool minimal = false;  ///< no step makes it smaller; false: @p max_tries came first
};

/// @p shows: whether a document still shows what matters; false also for one that is no valid scenario. Parts are left
/// out (halves of lists first, then one by one, with what refers to them), then values are made simpler. Deterministic
/// if @p shows is.
shrunk shrink(json document, const std::function<bool(const json&)>& shows, unsigned max_tries = 5000);

} // namespace pairsim
