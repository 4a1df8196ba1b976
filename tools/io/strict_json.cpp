// SPDX-License-Identifier: GPL-2.0-only
#include "tools/io/strict_json.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <unordered_set>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "tools/io/input_error.h"
#include "tools/io/units.h"

namespace pairsim {

namespace {

[[noreturn]] void fail(std::string where, std::string what, std::string remedy)
{
    throw input_error({{std::move(where), {}, std::move(what), std::move(remedy)}});
}

[[noreturn]] void fail_too_big(const std::string& where)
{
    fail(where, fmt::format("the file is larger than {} MiB", max_json_bytes >> 20U), "give a smaller file");
}

/// "LINE:COLUMN" of byte @p offset; columns count characters, both count from 1.
std::string line_and_column(std::string_view text, std::size_t offset)
{
    const std::string_view before = text.substr(0, offset);
    const auto line_begin = before.rfind('\n') + 1; // npos + 1 is 0
    const auto is_first_byte = [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; };
    return fmt::format(
        "{}:{}", 1 + std::count(before.begin(), before.end(), '\n'),
        1 + std::count_if(before.begin() + static_cast<std::ptrdiff_t>(line_begin), before.end(), is_first_byte));
}

/// Builds the value from the parser's events. nlohmann's own builder keeps the last of two equal keys, and its
/// parser hands over integers that do not fit as rounded floating-point numbers.
class strict_builder {
public:
    strict_builder(std::string_view text, const std::string& where) : text_(text), where_(where) {}

    json take() { return std::move(root_); }

    bool null() { return put(nullptr); }
    bool boolean(bool value) { return put(value); }
    bool number_integer(std::int64_t value) { return put(value); }
    bool number_unsigned(std::uint64_t value) { return put(value); }
    bool number_float(double value, const std::string& literal)
    {
        if (literal.find_first_of(".eE") == std::string::npos) {
            fail_at(next_pointer(), "the integer " + quote(literal) + " does not fit in 64 bits",
                    "give a smaller number");
        }
        return put(value);
    }
    bool string(std::string& value) { return put(std::move(value)); }
    bool binary(json::binary_t&) { return false; } // not in JSON text

    bool start_object(std::size_t) { return open(json::object()); }
    bool start_array(std::size_t) { return open(json::array()); }
    bool end_object() { return close(); }
    bool end_array() { return close(); }

    bool key(std::string& name)
    {
        level& top = levels_.back();
        top.key = name;
        if (!top.keys.insert(name).second) {
            fail_at(next_pointer(), "the key " + quote(name) + " is given twice", "remove one of the two");
        }
        return true;
    }

    bool parse_error(std::size_t read, const std::string& token, const nlohmann::detail::exception& error)
    {
        const std::string place = where_ + ":" + line_and_column(text_, read == 0 ? 0 : read - 1);
        if (error.id == 406) {
            fail(place, "the number " + quote(token) + " is too large", "give a smaller number");
        }
        // Of the library's words the reason only: "[...] parse error at ... - REASON; last read: ...".
        std::string reason = error.what();
        reason.erase(0, reason.find(" - ") + 3);
        reason.erase(std::min(reason.find("; last read"), reason.size()));
        fail(place, "not valid JSON: " + reason,
             "correct the syntax; comments, trailing commas, NaN and Infinity are not JSON");
    }

private:
    struct level {
        json* container;
        std::string key;
        std::unordered_set<std::string> keys;
    };

    std::string next_pointer() const
    {
        std::string pointer;
        for (const level& l : levels_) {
            // The container of an open level is the last element of the level around it, but for the last level.
            const std::size_t index = l.container->size() - (&l == &levels_.back() ? 0 : 1);
            pointer = append_pointer(pointer, l.container->is_object() ? l.key : std::to_string(index));
        }
        return pointer;
    }

    [[noreturn]] void fail_at(std::string pointer, std::string what, std::string remedy) const
    {
        throw input_error({{where_, std::move(pointer), std::move(what), std::move(remedy)}});
    }

    json* put_value(json value)
    {
        if (levels_.empty()) {
            root_ = std::move(value);
            return &root_;
        }
        level& top = levels_.back();
        if (top.container->is_object()) {
            // Not operator[]: it would search all members, and key() has seen that this one is new.
            auto& members = top.container->get_ref<json::object_t&>();
            members.push_back({top.key, std::move(value)});
            return &members.back().second;
        }
        return &top.container->get_ref<json::array_t&>().emplace_back(std::move(value));
    }

    bool put(json value) { return put_value(std::move(value)) != nullptr; }

    bool open(json container)
    {
        if (levels_.size() == max_json_depth) {
            fail(where_, fmt::format("nested more than {} levels deep", max_json_depth), "nest less deeply");
        }
        levels_.push_back({put_value(std::move(container)), {}, {}});
        return true;
    }

    bool close()
    {
        levels_.pop_back();
        return true;
    }

    std::string_view text_;
    const std::string& where_;
    json root_;
    std::vector<level> levels_;
};

struct file_closer {
    void operator()(std::FILE* file) const
    {
        if (file != stdin) {
            std::fclose(file); // read only: nothing can be lost
        }
    }
};

} // namespace

std::string display_name(const std::string& path)
{
    return path == "-" ? "<stdin>" : path;
}

std::string read_text(const std::string& path)
{
    const std::string where = display_name(path);
    std::error_code ignored; // a file that cannot be looked at cannot be opened either
    if (path != "-" && std::filesystem::is_directory(path, ignored)) {
        fail(where, "is a directory", "name a file in it");
    }
    if (path != "-" && std::filesystem::is_regular_file(path, ignored) &&
        std::filesystem::file_size(path, ignored) > max_json_bytes) {
        fail_too_big(where);
    }
    const std::unique_ptr<std::FILE, file_closer> file(path == "-" ? stdin : std::fopen(path.c_str(), "rb"));
    if (!file) {
        fail(where, fmt::format("cannot be opened: {}", std::strerror(errno)), "check the name and the permissions");
    }
    std::string text;
    for (std::size_t used = 0;;) {
        text.resize(used + (std::size_t{1} << 16U));
        const std::size_t got = std::fread(text.data() + used, 1, text.size() - used, file.get());
        used += got;
        if (used > max_json_bytes) {
            fail_too_big(where); // a pipe or a device does not tell its size before
        }
        if (used < text.size()) {
            text.resize(used);
            break;
        }
    }
    if (std::ferror(file.get()) != 0) {
        fail(where, fmt::format("cannot be read: {}", std::strerror(errno)), "check the name and the permissions");
    }
    return text;
}

json parse_json(std::string_view text, const std::string& where)
{
    if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
        fail(where, "the file is empty", "write a JSON object in it");
    }
    if (const auto nul = text.find('\0'); nul != std::string_view::npos) { // the parser would take it for the end
        fail(where + ":" + line_and_column(text, nul), "not valid JSON: a NUL byte", "remove it");
    }
    strict_builder builder(text, where);
    json::sax_parse(text.begin(), text.end(), &builder);
    return builder.take();
}

json read_json(const std::string& path)
{
    return parse_json(read_text(path), display_name(path));
}

std::string type_name(const json& value)
{
    switch (value.type()) {
    case json::value_t::null:
        return "null";
    case json::value_t::object:
        return "an object";
    case json::value_t::array:
        return "an array";
    case json::value_t::string:
        return "a string";
    case json::value_t::boolean:
        return "a boolean";
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
        return "an integer";
    case json::value_t::number_float:
        return "a number";
    case json::value_t::binary:
    case json::value_t::discarded:
        break;
    }
    return "nothing";
}

} // namespace pairsim
