// SPDX-License-Identifier: GPL-2.0-only
//
// An output file that exists in full or not at all: written beside its place, then renamed. Failures (a full disk)
// are std::system_error with the file's name.
#pragma once

#include <string>
#include <string_view>

namespace pairsim {

class atomic_file {
public:
    /// @p path "-" is standard output; that, and what is no regular file (a pipe, a device), is written directly.
    explicit atomic_file(std::string path);
    /// Without commit() the file at `path` stays as it was.
    ~atomic_file();
    atomic_file(const atomic_file&) = delete;
    atomic_file& operator=(const atomic_file&) = delete;

    void write(std::string_view bytes);
    /// Everything has been written: the file takes its name.
    void commit();

private:
    [[noreturn]] void fail(const char* what) const;

    std::string path_;      ///< as the user named it
    std::string final_;     ///< the file behind it, links followed
    std::string temporary_; ///< empty: written directly
    int fd_ = -1;
    bool owns_fd_ = false;
};

/// An atomic_file for text that grows: written in large pieces.
class text_file {
public:
    explicit text_file(std::string path) : file_(std::move(path)) { text_.reserve(piece + piece / 16); }
    /// To be appended to.
    std::string& text() { return text_; }
    /// Writes the text out if it has become large.
    void flush_if_large()
    {
        if (text_.size() >= piece) {
            file_.write(text_);
            text_.clear();
        }
    }
    /// Writes the rest; the file takes its name.
    void finish()
    {
        file_.write(text_);
        text_.clear();
        file_.commit();
    }

private:
    static constexpr std::size_t piece = std::size_t{1} << 18U; ///< bytes
    atomic_file file_;
    std::string text_;
};

/// For those who work long for an output: throws at once what atomic_file would throw when it is written. Leaves
/// nothing behind; "" and "-" can be written.
void check_writable(const std::string& path);

/// Writes @p text to the file at @p path, in full or not at all.
void write_file(const std::string& path, std::string_view text);

} // namespace pairsim
