// SPDX-License-Identifier: GPL-2.0-only
#include "tools/io/atomic_file.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pairsim {

atomic_file::atomic_file(std::string path) : path_(std::move(path)), final_(path_)
{
    if (path_ == "-") {
        fd_ = STDOUT_FILENO;
        return;
    }
    std::error_code error;
    if (const auto real = std::filesystem::canonical(path_, error); !error) {
        final_ = real.string();
    }
    struct stat there {};
    const bool exists = ::stat(final_.c_str(), &there) == 0;
    if (exists && !S_ISREG(there.st_mode)) {
        fd_ = ::open(final_.c_str(), O_WRONLY | O_CLOEXEC);
    } else {
        std::string name = final_ + ".XXXXXX";
        fd_ = ::mkstemp(name.data());
        if (fd_ >= 0) {
            temporary_ = name;
            const mode_t mask = ::umask(0); // mkstemp gives 0600; a file that is made gets what the umask leaves
            ::umask(mask);
            const mode_t mode = exists ? there.st_mode & 07777U : 0666U & ~mask;
            static_cast<void>(::fchmod(fd_, mode));
        }
    }
    if (fd_ < 0) {
        fail("cannot be created");
    }
    owns_fd_ = true;
}

atomic_file::~atomic_file()
{
    if (owns_fd_) {
        ::close(fd_);
    }
    if (!temporary_.empty()) {
        ::unlink(temporary_.c_str());
    }
}

void atomic_file::write(std::string_view bytes)
{
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            fail("cannot be written");
        }
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
}

void atomic_file::commit()
{
    if (owns_fd_) {
        owns_fd_ = false;
        if (::close(fd_) != 0) {
            fail("cannot be written");
        }
    }
    if (!temporary_.empty()) {
        if (::rename(temporary_.c_str(), final_.c_str()) != 0) {
            fail("cannot be renamed into place");
        }
        temporary_.clear();
    }
}

void atomic_file::fail(const char* what) const
{
    const int error = errno;
    throw std::system_error(error, std::generic_category(), path_ + ": " + what);
}

void check_writable(const std::string& path)
{
    std::error_code error;
    const auto there = std::filesystem::status(path, error);
    const bool is_special = std::filesystem::exists(there) && !std::filesystem::is_regular_file(there);
    if (!path.empty() && path != "-" && (!is_special || std::filesystem::is_directory(there))) {
        const atomic_file probe(path); // a pipe would take the probe for its only writer
    }
}

void write_file(const std::string& path, std::string_view text)
{
    atomic_file file(path);
    file.write(text);
    file.commit();
}

} // namespace pairsim
