// SPDX-License-Identifier: GPL-2.0-only
//
// A text file, line by line, with bounded memory: what is no text, and lines that are too long for any event, are said
// and not read into memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace pairsim {

/// Where bytes come from.
class byte_source {
public:
    virtual ~byte_source() = default;
    /// Reads up to @p size bytes into @p to. 0: the end.
    virtual std::size_t read(char* to, std::size_t size) = 0;
};

/// A file, or standard input ("-"). Throws input_error if it cannot be opened or read.
class file_bytes final : public byte_source {
public:
    explicit file_bytes(const std::string& path);
    ~file_bytes() override;
    file_bytes(const file_bytes&) = delete;
    file_bytes& operator=(const file_bytes&) = delete;
    std::size_t read(char* to, std::size_t size) override;

private:
    std::string where_;
    int fd_;
};

/// Bytes in memory, for tests.
class text_bytes final : public byte_source {
public:
    explicit text_bytes(std::string_view text) : rest_(text) {}
    std::size_t read(char* to, std::size_t size) override;

private:
    std::string_view rest_;
};

class line_source {
public:
    static constexpr std::size_t max_line = std::size_t{64} << 10U; ///< bytes; a kernel's event has at most a page

    /// Throws input_error if the beginning says that it is a binary or a compressed file.
    line_source(byte_source& bytes, std::string where);

    /// The next line without its end, valid until the next call. False at the end of the file. Of a line longer than
    /// max_line there is only the beginning, and too_long() is true.
    bool next(std::string_view& line);
    bool too_long() const { return too_long_; }
    /// Throws input_error if too_long().
    void refuse_too_long() const;
    /// The next line as a whole, if it has at most @p max_size bytes; else throws input_error.
    bool next_up_to(std::string& line, std::size_t max_size);
    /// The last line had no newline: the file may have been cut.
    bool cut() const { return cut_; }
    std::uint64_t number() const { return number_; }
    /// The first bytes of the file, before the first next().
    std::string_view head() const { return {buffer_.get() + begin_, end_ - begin_}; }
    /// FILE:LINE of the last line.
    std::string place() const;
    const std::string& where() const { return where_; }

private:
    bool fill();
    void skip_rest_of_line();
    void refuse_binary() const;
    [[noreturn]] void fail_too_long(std::size_t max_size) const;

    byte_source& bytes_;
    std::string where_;
    std::unique_ptr<char[]> buffer_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::uint64_t number_ = 0;
    bool too_long_ = false;
    bool cut_ = false;
};

} // namespace pairsim
