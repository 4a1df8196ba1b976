// SPDX-License-Identifier: GPL-2.0-only
//
// The data of the page: small things as JSON, long ones as bytes. Numbers in the bytes are LEB128; tools/view/page/
// decode.js reads them in the order in which they are written here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tools/view/moment.h"

namespace pairsim {

/// Names, sentences and findings.
json page_header(const story& s);

/// For each CPU: the number of spans, then of each its length, its code and, of a task, its pid. Codes: 0 idle without
/// a waiting task, 1 to 4 the idle causes, 5 and above the higher classes (rt, dl, stop), then the cgroups.
std::string page_spans(const story& s);
inline constexpr std::uint32_t first_higher_code = 5;
inline constexpr std::uint32_t first_cgroup_code = 8;

/// For each pair: the number of versions of pair_ctx, then of each the records and the time since the last one, the
/// cgroup plus 1 (0: none), bits as in trace records, and started_at since t = 0 plus 1 (0: never).
std::string page_ctxs(const story& s);

/// The number of findings, then of each the time since the last one's start, its length, and its CPU plus 1 (0: none).
/// The first ones are in the header too, in words.
std::string page_findings(const story& s);
inline constexpr std::size_t findings_in_words = 1000;

/// For each cgroup, and then for top_q: 1 if the contents are exact, the number of pushes and of each the records since
/// the last one and the value, the number of pops and of each the records since the last one.
std::string page_queues(const story& s);

/// The number of records, then of each the time since the last one, the number of its sentence, its CPU plus 1 (0:
/// none), and those of task, a, b (LEB128) and value (zigzag) that the sentence uses.
std::string page_records(const story& s);

std::string base64(std::string_view bytes);

} // namespace pairsim
