# SPDX-License-Identifier: GPL-2.0-only
#
# protozero (header-only): defines protozero::protozero.
find_path(protozero_INCLUDE_DIR protozero/pbf_writer.hpp)
mark_as_advanced(protozero_INCLUDE_DIR)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(protozero REQUIRED_VARS protozero_INCLUDE_DIR)

if(protozero_FOUND AND NOT TARGET protozero::protozero)
    add_library(protozero::protozero INTERFACE IMPORTED)
    target_include_directories(protozero::protozero INTERFACE "${protozero_INCLUDE_DIR}")
endif()
