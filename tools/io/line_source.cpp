// SPDX-License-Identifier: GPL-2.0-only
#include "tools/io/line_source.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "tools/io/input_error.h"
#include "tools/io/strict_json.h"

namespace pairsim {

constexpr std::size_t buffer_size = 16 * line_source::max_line;
constexpr std::size_t head_size = 4096; ///< bytes by which a format is known

file_bytes::file_bytes(const std::string& path) : where_(display_name(path)), fd_(0)
{
    if (path != "-") {
        fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
        if (fd_ < 0) {
            throw input_error({{where_, "", fmt::format("cannot open: {}", std::strerror(errno)), "correct the path"}});
        }
    }
}

file_bytes::~file_bytes()
{
    if (fd_ > 0) {
        ::close(fd_);
    }
}

std::size_t file_bytes::read(char* to, std::size_t size)
{
    while (true) {
        const ssize_t n = ::read(fd_, to, size);
        if (n >= 0) {
            return static_cast<std::size_t>(n);
        }
        if (errno != EINTR) {
            throw input_error({{where_, "", fmt::format("cannot read: {}", std::strerror(errno)), "give a file"}});
        }
    }
}

std::size_t text_bytes::read(char* to, std::size_t size)
{
    const std::size_t n = std::min(size, rest_.size());
    std::copy_n(rest_.data(), n, to);
    rest_.remove_prefix(n);
    return n;
}

line_source::line_source(byte_source& bytes, std::string where)
    : bytes_(bytes), where_(std::move(where)), buffer_(std::make_unique_for_overwrite<char[]>(buffer_size))
{
    while (end_ < head_size && fill()) { // a pipe may give a few bytes only
    }
    refuse_binary();
}

void line_source::refuse_binary() const
{
    const std::string_view head(buffer_.get(), std::min(end_, head_size));
    const auto refuse = [&](const char* what, const char* remedy) { throw input_error({{where_, "", what, remedy}}); };
    if (head.starts_with("PERFILE2")) {
        refuse("is perf's binary format", "convert it: perf sched script --ns -i FILE");
    }
    if (head.starts_with(std::string_view("\x17\x08"
                                          "Dtracing",
                                          10))) {
        refuse("is trace-cmd's binary format", "convert it: trace-cmd report -t FILE");
    }
    if (head.starts_with("\x1f\x8b") ||
        head.starts_with("\xfd"
                         "7zXZ") ||
        head.starts_with("\x28\xb5\x2f\xfd")) {
        refuse("is compressed", "unpack it first");
    }
    if (head.find('\0') != std::string_view::npos) {
        refuse("is no text", "give a trace as text: docs/how-to/check-a-recorded-trace.md");
    }
}

bool line_source::fill()
{
    if (begin_ != 0) {
        std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    const std::size_t n = bytes_.read(buffer_.get() + end_, buffer_size - end_);
    end_ += n;
    return n != 0;
}

void line_source::skip_rest_of_line()
{
    while (true) {
        const void* newline = std::memchr(buffer_.get() + begin_, '\n', end_ - begin_);
        if (newline != nullptr) {
            begin_ = static_cast<std::size_t>(static_cast<const char*>(newline) - buffer_.get()) + 1;
            return;
        }
        begin_ = end_ = 0;
        if (!fill()) {
            return;
        }
    }
}

bool line_source::next(std::string_view& line)
{
    if (too_long_) {
        too_long_ = false;
        skip_rest_of_line();
    }
    std::size_t searched = begin_;
    const char* newline = nullptr;
    while (true) {
        newline = static_cast<const char*>(std::memchr(buffer_.get() + searched, '\n', end_ - searched));
        if (newline != nullptr || end_ - begin_ > max_line) {
            break;
        }
        const std::size_t seen = end_ - begin_;
        if (!fill()) {
            break;
        }
        searched = begin_ + seen;
    }
    if (newline == nullptr && begin_ == end_) {
        return false;
    }
    ++number_;
    const char* const start = buffer_.get() + begin_;
    const std::size_t length = newline != nullptr ? static_cast<std::size_t>(newline - start) : end_ - begin_;
    cut_ = newline == nullptr && length <= max_line;
    too_long_ = length > max_line;
    line = std::string_view(start, std::min(length, max_line));
    if (!too_long_) {
        begin_ += length + (newline != nullptr ? 1 : 0);
        if (line.ends_with('\r')) {
            line.remove_suffix(1);
        }
    }
    return true;
}

bool line_source::next_up_to(std::string& line, std::size_t max_size)
{
    line.clear();
    std::string_view part;
    if (!next(part)) {
        return false;
    }
    line = part;
    if (!too_long_) {
        return true;
    }
    begin_ += part.size();
    const char* newline = nullptr;
    while (newline == nullptr && (begin_ != end_ || fill())) {
        const char* const start = buffer_.get() + begin_;
        newline = static_cast<const char*>(std::memchr(start, '\n', end_ - begin_));
        const std::size_t length = newline != nullptr ? static_cast<std::size_t>(newline - start) : end_ - begin_;
        if (line.size() + length > max_size) {
            fail_too_long(max_size);
        }
        line.append(start, length);
        begin_ += length + (newline != nullptr ? 1 : 0);
    }
    too_long_ = false;
    cut_ = newline == nullptr;
    return true;
}

void line_source::refuse_too_long() const
{
    if (too_long_) {
        fail_too_long(max_line);
    }
}

void line_source::fail_too_long(std::size_t max_size) const
{
    throw input_error({{place(), "", fmt::format("a line of more than {} bytes", max_size),
                        "no trace has such lines: write it again, or give another file"}});
}

std::string line_source::place() const
{
    return fmt::format("{}:{}", where_, number_);
}

} // namespace pairsim
