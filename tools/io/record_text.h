// SPDX-License-Identifier: GPL-2.0-only
//
// One line of a canonical trace: the texts that depend on its kind alone, which numbers a trace with a given header may
// hold, and scanners for what stands exactly as append_record() and ftrace_writer write it. The grammar is in these
// texts; readers, writers and scanners use the same. What a scanner does not know is left to the reader of any JSON
// (tools/io/jsonl.h).
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include "sim/check.h"
#include "sim/trace.h"

namespace pairsim {

struct trace_header;

/// The parts of a line that depend on the kind alone.
struct kind_text {
    std::string kind;                      ///< `,"kind":"sched_switch"`
    std::array<std::string, 4> names;      ///< `next`; what a kind does not name has a name for its place
    std::array<std::string, 4> keys;       ///< `,"next":`
    std::array<std::string, 4> event_keys; ///< `next=`
    std::array<bool, 4> always{};          ///< the field is there even if it is 0
    bool has_reason = false;               ///< a reason is there even if it is 0
};

const kind_text& text_of(record_kind kind);

/// The kind of this name; false if there is none.
bool kind_from(std::string_view name, record_kind& kind);

/// A line under construction. No record comes near the capacity: names are short, and numbers have 20 digits at most.
class line_buffer {
public:
    void put(std::string_view text)
    {
        SIM_CHECK(text.size() <= static_cast<std::size_t>(bytes_.data() + bytes_.size() - end_));
        end_ = std::copy(text.begin(), text.end(), end_);
    }
    template <class Int>
    void put_number(Int value)
    {
        const auto done = std::to_chars(end_, bytes_.data() + bytes_.size(), value);
        SIM_CHECK(done.ec == std::errc{});
        end_ = done.ptr;
    }
    /// With zeros before it, up to @p digits.
    void put_padded(std::uint64_t value, std::size_t digits)
    {
        char* const begin = end_;
        put_number(value);
        const auto nr = static_cast<std::size_t>(end_ - begin);
        if (nr < digits) {
            put(std::string_view("0000000000").substr(0, digits - nr));
            std::rotate(begin, begin + nr, end_);
        }
    }
    std::string_view text() const { return {bytes_.data(), static_cast<std::size_t>(end_ - bytes_.data())}; }

private:
    std::array<char, 512> bytes_;
    char* end_ = bytes_.data();
};

/// The values of fields task, a, b and value.
inline std::array<std::int64_t, 4> fields_of(const trace_record& r)
{
    return {r.task.value, r.a, r.b, r.value};
}

/// The numbers that a record may hold. An index must be in the header's range.
class record_limits {
    static constexpr std::int64_t max32 = 0xffffffff;
    struct range {
        std::int64_t low = 0;
        std::int64_t high = max32;
        std::int64_t special = max32 + 1; ///< from here to max32: higher classes, or no cgroup
    };

public:
    explicit record_limits(const trace_header& header);

    bool allows_field(record_kind kind, std::size_t field, std::int64_t value) const
    {
        const range& r = fields_[static_cast<std::size_t>(kind)][field];
        return (value >= r.low && value <= r.high) || (value >= r.special && value <= max32);
    }
    /// Some things happen on no CPU in particular.
    bool allows_cpu(record_kind kind, std::uint16_t cpu) const;
    std::uint32_t cpus() const { return cpus_; }
    /// All fields and the CPU.
    bool allows(const trace_record& r) const;

private:
    static range range_of(const trace_header& header, record_kind kind, std::size_t field);

    std::array<std::array<range, 4>, nr_record_kinds> fields_;
    std::uint32_t cpus_;
};

/// Reads @p line (without its newline) into @p r if it is the line that append_record() writes for some record, which
/// may be one that the limits do not allow. False for everything else: it may be no record, or one in other words.
bool scan_record(std::string_view line, trace_record& r);

/// The same for an event pair:@p kind of ftrace text with its @p fields. r.at is not touched, and r.cpu only by a
/// field.
bool scan_event(std::string_view kind, std::string_view fields, trace_record& r);

} // namespace pairsim
