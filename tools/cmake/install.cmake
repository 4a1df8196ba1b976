# SPDX-License-Identifier: GPL-2.0-only
#
# What `cmake --install` copies: the program, and the two libraries with their headers and CMake package.
include(CMakePackageConfigHelpers)

set(header_dir "${CMAKE_INSTALL_INCLUDEDIR}/pairsim-${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}")
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/pairsim")

install(TARGETS pairsim RUNTIME)
install(TARGETS pairsim_sim pairsim_model EXPORT pairsim-targets ARCHIVE
    FILE_SET HEADERS DESTINATION "${header_dir}"
)
install(FILES "${PROJECT_BINARY_DIR}/generated/pairsim_version.h" DESTINATION "${header_dir}")
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}")

install(EXPORT pairsim-targets NAMESPACE pairsim:: DESTINATION "${package_dir}")
configure_package_config_file(
    tools/cmake/pairsim-config.cmake.in
    "${PROJECT_BINARY_DIR}/generated/pairsim-config.cmake"
    INSTALL_DESTINATION "${package_dir}"
)
write_basic_package_version_file(
    "${PROJECT_BINARY_DIR}/generated/pairsim-config-version.cmake"
    COMPATIBILITY SameMinorVersion
)
install(FILES
    "${PROJECT_BINARY_DIR}/generated/pairsim-config.cmake"
    "${PROJECT_BINARY_DIR}/generated/pairsim-config-version.cmake"
    tools/cmake/FindRandom123.cmake
    tools/cmake/FindxxHash.cmake
    DESTINATION "${package_dir}"
)
