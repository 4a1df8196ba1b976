# SPDX-License-Identifier: GPL-2.0-only
#
# Makes a text file part of the program: pairsim_embed(TARGET VARIABLE FILE) defines
# pairsim::embedded::VARIABLE, declared in tools/io/embedded.h, as the bytes of FILE. An array of characters and no
# string literal, because compilers limit the length of literals.
#
# The same file is the script that runs at build time: cmake -DINPUT=... -DOUTPUT=... -DVARIABLE=... -P embed.cmake

if(CMAKE_SCRIPT_MODE_FILE)
    file(READ "${INPUT}" bytes HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${bytes}")
    file(WRITE "${OUTPUT}" "// Made by tools/cmake/embed.cmake.
#include <string_view>

namespace {
constexpr char bytes[] = {${bytes}};
}

namespace pairsim::embedded {
extern const std::string_view ${VARIABLE};
const std::string_view ${VARIABLE}{bytes, sizeof bytes};
}
")
    return()
endif()

set(PAIRSIM_EMBED_SCRIPT "${CMAKE_CURRENT_LIST_FILE}")

function(pairsim_embed target variable file)
    set(output "${CMAKE_CURRENT_BINARY_DIR}/embedded_${variable}.cpp")
    add_custom_command(
        OUTPUT "${output}"
        COMMAND "${CMAKE_COMMAND}" "-DINPUT=${file}" "-DOUTPUT=${output}" "-DVARIABLE=${variable}"
            -P "${PAIRSIM_EMBED_SCRIPT}"
        DEPENDS "${file}" "${PAIRSIM_EMBED_SCRIPT}"
        COMMENT "Embedding ${file}"
        VERBATIM)
    target_sources(${target} PRIVATE "${output}")
endfunction()
