# SPDX-License-Identifier: GPL-2.0-only
#
# valijson (header-only): defines valijson::valijson.
find_path(valijson_INCLUDE_DIR valijson/validator.hpp)
mark_as_advanced(valijson_INCLUDE_DIR)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(valijson REQUIRED_VARS valijson_INCLUDE_DIR)

if(valijson_FOUND AND NOT TARGET valijson::valijson)
    add_library(valijson::valijson INTERFACE IMPORTED)
    target_include_directories(valijson::valijson INTERFACE "${valijson_INCLUDE_DIR}")
endif()
