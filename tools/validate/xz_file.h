// SPDX-License-Identifier: GPL-2.0-only
//
// Files compressed by xz, as recorded traces come. It knows nothing of what they hold.
#pragma once

#include <string>

namespace pairsim {

/// The unpacked bytes of @p path. Throws input_error if it cannot be read or is no xz file.
std::string read_xz(const std::string& path);

} // namespace pairsim
