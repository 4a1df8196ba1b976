// SPDX-License-Identifier: GPL-2.0-only
//
// `pairsim view`: a run as one HTML file. The program decides what is to be said (spans, sentences, pair_ctx); the
// page's scripts (tools/view/page/) only look it up and draw it.
#pragma once

#include <string>

#include "tools/view/moment.h"

namespace pairsim {

/// The whole page; docs/explanation/decisions.md is part of it.
std::string view_page(const story& s);

} // namespace pairsim
