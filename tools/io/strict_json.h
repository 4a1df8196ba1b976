// SPDX-License-Identifier: GPL-2.0-only
//
// JSON files, read strictly: RFC 8259 and nothing else, no key twice, no number that does not fit, bounded size and
// depth. It knows nothing of what the files mean.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace pairsim {

/// Keeps the order of keys, so that what is read and written again looks the same.
using json = nlohmann::ordered_json;

inline constexpr std::size_t max_json_bytes = std::size_t{64} << 20U;
inline constexpr std::size_t max_json_depth = 64;

/// How messages name the file @p path: "-" is standard input.
std::string display_name(const std::string& path);

/// The bytes of @p path ("-": standard input). Throws input_error, also if there are more than max_json_bytes.
std::string read_text(const std::string& path);

/// Parses @p text, which came from @p where. Throws input_error with line:column, or with the pointer of the value.
json parse_json(std::string_view text, const std::string& where);

/// read_text() and parse_json().
json read_json(const std::string& path);

/// @p value's type as messages name it: "a string", "an object", ...
std::string type_name(const json& value);

} // namespace pairsim
