// SPDX-License-Identifier: GPL-2.0-only
//
// What is wrong with an input: all of its problems, each with its place and a remedy.
#pragma once

#include <cstddef>
#include <exception>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pairsim {

struct problem {
    std::string where;   ///< file (with line and column if its syntax is wrong), "<stdin>" or "--set"
    std::string pointer; ///< JSON pointer; empty: the whole of it
    std::string what;
    std::string remedy;
};

/// `WHERE: POINTER: what`, and the remedy indented on the next line.
std::string format_problem(const problem& p);

/// The user's input cannot be used. what() is all problems, formatted, one after the other.
class input_error : public std::exception {
public:
    explicit input_error(std::vector<problem> problems);

    const char* what() const noexcept override { return text_.c_str(); }
    const std::vector<problem>& problems() const { return problems_; }

private:
    std::vector<problem> problems_;
    std::string text_;
};

/// Collects the problems of an input, so that a run reports all of them. One place has one problem: the first
/// that was found there, because later ones tend to follow from it.
class problem_list {
public:
    void add(problem p);
    /// True if there is a problem at @p pointer of @p where, or inside it.
    bool has_under(const std::string& where, const std::string& pointer) const;
    bool empty() const { return problems_.empty(); }
    std::vector<problem>& all() { return problems_; }
    void throw_if_any() const;

private:
    std::vector<problem> problems_;
    std::set<std::pair<std::string, std::string>> places_;
};

/// @p text in double quotes for a message: control characters escaped, cut if long.
std::string quote(std::string_view text);

/// `"a", "b", "c"`, cut if there are many.
std::string quote_all(const std::vector<std::string>& names);

/// The one of @p names that @p name was probably meant to be; empty if none is near.
std::string closest_name(std::string_view name, const std::vector<std::string>& names);

} // namespace pairsim
