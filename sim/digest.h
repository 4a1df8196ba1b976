// SPDX-License-Identifier: GPL-2.0-only
//
// The digest of a run: XXH3-128 over the canonical bytes of its trace. Same digest, same trace.
#pragma once

#include <memory>
#include <string>

#include "sim/trace.h"

namespace pairsim {

/// Canonical bytes of a record: its fields in order, little-endian, 32 bytes.
std::array<std::byte, sizeof(trace_record)> canonical_bytes(const trace_record& r);

class trace_digest final : public trace_sink {
public:
    trace_digest();
    ~trace_digest() override;
    void on_records(std::span<const trace_record> records) override;
    /// 32 hexadecimal digits.
    std::string hex() const;

private:
    struct hash_state;
    std::unique_ptr<hash_state> state_;
};

} // namespace pairsim
