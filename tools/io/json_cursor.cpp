// SPDX-License-Identifier: GPL-2.0-only
#include "tools/io/json_cursor.h"

#include <fmt/format.h>

namespace pairsim {

std::optional<json_cursor> json_cursor::get(std::string_view key) const
{
    if (value_->is_object()) {
        if (const auto member = value_->find(key); member != value_->end()) {
            return json_cursor(*this, *member, key);
        }
    }
    return std::nullopt;
}

std::vector<json_cursor> json_cursor::items() const
{
    std::vector<json_cursor> elements;
    if (value_->is_array()) {
        for (std::size_t i = 0; i < value_->size(); ++i) {
            elements.push_back(json_cursor(*this, (*value_)[i], std::to_string(i)));
        }
    }
    return elements;
}

std::vector<std::pair<std::string, json_cursor>> json_cursor::members() const
{
    std::vector<std::pair<std::string, json_cursor>> found;
    if (value_->is_object()) {
        for (const auto& [key, member] : value_->items()) {
            found.emplace_back(key, json_cursor(*this, member, key));
        }
    }
    return found;
}

std::optional<std::string> json_cursor::text() const
{
    if (!value_->is_string()) {
        wrong_type("a string");
        return std::nullopt;
    }
    return value_->get<std::string>();
}

std::optional<bool> json_cursor::boolean() const
{
    if (!value_->is_boolean()) {
        wrong_type("a boolean");
        return std::nullopt;
    }
    return value_->get<bool>();
}

std::optional<double> json_cursor::number() const
{
    if (!value_->is_number()) {
        wrong_type("a number");
        return std::nullopt;
    }
    return value_->get<double>();
}

std::optional<std::uint64_t> json_cursor::integer(std::uint64_t low, std::uint64_t high) const
{
    if (!value_->is_number_integer()) {
        wrong_type("an integer");
        return std::nullopt;
    }
    const bool negative = !value_->is_number_unsigned() && value_->get<std::int64_t>() < 0;
    const auto number = value_->get<std::uint64_t>();
    if (negative || number < low || number > high) {
        fail(fmt::format("{} is out of range", value_->dump()),
             fmt::format("give an integer from {} to {}", low, high));
        return std::nullopt;
    }
    return number;
}

std::optional<nanoseconds> json_cursor::duration() const
{
    const auto written = text();
    return written ? accept(parse_duration(*written)) : std::nullopt;
}

void json_cursor::fail(std::string what, std::string remedy) const
{
    document_->problems->add({document_->where, pointer_, std::move(what), std::move(remedy)});
}

void json_cursor::wrong_type(const char* expected) const
{
    fail(fmt::format("expected {}, got {}", expected, type_name(*value_)), "correct the type of the value");
}

} // namespace pairsim
