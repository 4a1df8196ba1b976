// SPDX-License-Identifier: GPL-2.0-only
//
// The parts of the page that are files of the repository: tools/cmake/embed.cmake makes the definitions.
#pragma once

#include <string_view>

namespace pairsim::embedded {

extern const std::string_view page_html;         ///< tools/view/page/page.html
extern const std::string_view page_style;        ///< tools/view/page/style.css
extern const std::string_view page_decode;       ///< tools/view/page/decode.js
extern const std::string_view page_lookup;       ///< tools/view/page/lookup.js
extern const std::string_view page_draw;         ///< tools/view/page/draw.js
extern const std::string_view page_steps;        ///< tools/view/page/steps.js
extern const std::string_view page_main;         ///< tools/view/page/main.js
extern const std::string_view page_explanations; ///< docs/explanation/decisions.md

} // namespace pairsim::embedded
