// SPDX-License-Identifier: GPL-2.0-only
//
// A value in an input file, together with its place. Typed access collects problems and goes on, so that a loader
// sees the whole file in one run; a value with a problem is nothing.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/io/input_error.h"
#include "tools/io/strict_json.h"
#include "tools/io/units.h"

namespace pairsim {

/// A file's value, its name for messages, and where its problems go. Outlives the cursors into it.
struct input_document {
    std::string where;
    json root;
    problem_list* problems = nullptr;
};

class json_cursor {
public:
    explicit json_cursor(const input_document& document) : document_(&document), value_(&document.root) {}

    const json& value() const { return *value_; }
    const std::string& pointer() const { return pointer_; }

    /// The member @p key; nothing if there is none, or if this is no object.
    std::optional<json_cursor> get(std::string_view key) const;
    /// The elements of an array; none if this is no array.
    std::vector<json_cursor> items() const;
    /// The members of an object with their keys; none if this is no object.
    std::vector<std::pair<std::string, json_cursor>> members() const;

    std::optional<std::string> text() const;
    std::optional<bool> boolean() const;
    std::optional<double> number() const;
    std::optional<std::uint64_t> integer(std::uint64_t low = 0,
                                         std::uint64_t high = std::numeric_limits<std::uint64_t>::max()) const;
    std::optional<nanoseconds> duration() const;

    /// Reports a problem here.
    void fail(std::string what, std::string remedy) const;
    /// True if a problem was reported here or inside of this value.
    bool failed() const { return document_->problems->has_under(document_->where, pointer_); }

    /// The value of @p result; a failure is reported here.
    template <class T>
    std::optional<T> accept(parsed<T> result) const
    {
        if (auto* failure = std::get_if<parse_failure>(&result)) {
            fail(std::move(failure->what), std::move(failure->remedy));
            return std::nullopt;
        }
        return std::get<T>(std::move(result));
    }

private:
    json_cursor(const json_cursor& parent, const json& value, std::string_view token)
        : document_(parent.document_), value_(&value), pointer_(append_pointer(parent.pointer_, token))
    {
    }
    void wrong_type(const char* expected) const;

    const input_document* document_;
    const json* value_;
    std::string pointer_;
};

} // namespace pairsim
