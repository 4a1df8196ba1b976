// SPDX-License-Identifier: GPL-2.0-only
#include "tools/validate/xz_file.h"

#include <array>

#include <lzma.h>

#include "tools/io/input_error.h"
#include "tools/io/strict_json.h"

namespace pairsim {
namespace {

/// A recorded window of some seconds has a few MiB; this stops a broken file, not a large one.
constexpr std::size_t max_unpacked = std::size_t{1} << 30U;

[[noreturn]] void fail(const std::string& path, const std::string& what)
{
    throw input_error({{path, "", what, "copy the file again; it must be as xz wrote it"}});
}

struct decoder {
    lzma_stream stream = LZMA_STREAM_INIT;
    decoder() = default;
    decoder(const decoder&) = delete;
    decoder& operator=(const decoder&) = delete;
    ~decoder() { lzma_end(&stream); }
};

} // namespace

std::string read_xz(const std::string& path)
{
    const std::string packed = read_text(path);
    decoder d;
    if (lzma_stream_decoder(&d.stream, UINT64_MAX, LZMA_CONCATENATED) != LZMA_OK) {
        fail(path, "cannot start to unpack it");
    }
    d.stream.next_in = reinterpret_cast<const std::uint8_t*>(packed.data());
    d.stream.avail_in = packed.size();
    std::string out;
    std::array<std::uint8_t, 65536> block{};
    while (true) {
        d.stream.next_out = block.data();
        d.stream.avail_out = block.size();
        const lzma_ret result = lzma_code(&d.stream, LZMA_FINISH);
        out.append(reinterpret_cast<const char*>(block.data()), block.size() - d.stream.avail_out);
        if (result == LZMA_STREAM_END) {
            return out;
        }
        if (result != LZMA_OK || out.size() > max_unpacked) {
            fail(path, "the file is no xz file, or it is damaged");
        }
    }
}

} // namespace pairsim
