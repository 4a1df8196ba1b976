// SPDX-License-Identifier: GPL-2.0-only
//
// Checks a document against a JSON Schema (draft-07) and says what is wrong in words. valijson decides; the words
// are ours, because a reader needs the unknown key's name and its likely spelling, not the keyword that failed.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "tools/io/json_cursor.h"

namespace pairsim {

/// A schema, checked against documents over and over. Understands what our schemas use: $ref to /definitions, type,
/// enum, const, oneOf, properties, required, additionalProperties, items, and the bounds of sizes and numbers.
/// `pattern` is for editors: the parsers of tools/io judge texts, and say more.
class schema_checker {
public:
    /// @p schema_text is one of our schemas; @p definition names the part of it that documents must match: the whole
    /// of it if empty, else an entry of its /definitions.
    explicit schema_checker(std::string_view schema_text, const std::string& definition = {});

    /// Reports all problems of @p document; true if it has none.
    bool check(const input_document& document) const;

private:
    struct compiled;
    std::shared_ptr<const compiled> compiled_;
};

} // namespace pairsim
