// SPDX-License-Identifier: GPL-2.0-only
#include "sim/check.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "sim/check_trap.h"

namespace pairsim {
namespace {

thread_local std::string check_context; // NOLINT(cert-err58-cpp): an empty string does not throw
thread_local unsigned nr_traps = 0;

} // namespace

check_trap::check_trap()
{
    ++nr_traps;
}

check_trap::~check_trap()
{
    --nr_traps;
}

void set_check_context(std::string how_to_reproduce)
{
    check_context = std::move(how_to_reproduce);
}

void check_failed(const char* rule, const char* file, int line)
{
    if (nr_traps != 0) {
        throw check_failure(std::string(rule) + " (" + file + ":" + std::to_string(line) + ")");
    }
    std::fprintf(stderr, "pairsim: internal rule broken: %s (%s:%d)\n", rule, file, line);
    if (!check_context.empty()) {
        std::fprintf(stderr, "  this is a bug of pairsim; to reproduce it: %s\n", check_context.c_str());
    }
    std::abort();
}

} // namespace pairsim
